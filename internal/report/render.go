package report

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

//go:embed templates
var files embed.FS

// pages are the templates. What they are given is escaped for where it stands; no value is trusted as HTML.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"short": short, "bytes": units.Bytes, "spaced": spaced,
}).ParseFS(files, "templates/*.tmpl"))

// Render writes a document as one HTML page. It is a pure function; an error means that the document has no time zone.
func Render(document *Document) ([]byte, error) {
	if document.Location == nil {
		return nil, errors.New("a report needs a time zone")
	}
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		return nil, err
	}
	b := &builder{Document: document, timeline: timeline(document)}
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, "page.tmpl", b.page(template.CSS(style))); err != nil {
		return nil, fmt.Errorf("writing the report: %w", err)
	}
	return page.Bytes(), nil
}

// spaced lets long names break where a dot or a dash is.
func spaced(text string) []string {
	var parts []string
	for {
		i := strings.IndexAny(text, ".-_/@")
		if i < 0 || i == len(text)-1 {
			return append(parts, text)
		}
		parts, text = append(parts, text[:i+1]), text[i+1:]
	}
}

// builder makes what the templates show from the document.
type builder struct {
	*Document
	// timeline is the scale of everything that has copies or marks on it.
	timeline scale
	// charts is how many there are so far.
	charts int
}

// page is what the whole template sees.
type page struct {
	Style             template.CSS
	Title, Headline   string
	Level             Level
	Subject, Made     string
	MadeMachine, Zone string
	Version, Lineage  string
	Serial            uint64
	Findings          []Finding
	Figures           []figure
	axis
	Backups []backupView
	Prunes  *pruneView
	Costs   *costView
	Drills  []drillView
	Deploys []deployView
	Checks  []checkView
	Disks   []diskView
	Past    string
}

func (b *builder) page(style template.CSS) page {
	level, headline := b.verdict()
	p := page{
		Style: style, Title: headline + " · imsctl report", Headline: headline, Level: level,
		Subject: b.Subject, Made: b.moment(b.MadeAt), MadeMachine: b.MadeAt.In(b.Location).Format(machineForm), Zone: b.zone(),
		Version: b.Version, Lineage: b.Lineage, Serial: b.Serial, Findings: b.Findings, Figures: b.figures(),
		axis: b.axis(), Past: b.date(b.timeline.from),
	}
	p.Backups = b.backups()
	p.Prunes = b.prunes()
	p.Costs = b.costs()
	p.Drills = b.drills()
	p.Deploys = b.deploys()
	p.Checks, p.Disks = b.checks()
	return p
}

// verdict says in a sentence whether what is declared is true.
func (b *builder) verdict() (Level, string) {
	level := Well
	for _, finding := range b.Findings {
		level = max(level, finding.Level)
	}
	switch {
	case b.Declared == 0:
		return Unknown, "Nothing is declared yet."
	case len(b.Findings) == 0:
		return Well, "Everything declared is true."
	case b.Untrue == 1:
		return level, fmt.Sprintf("1 of %d declared things is not true.", b.Declared)
	default:
		return level, fmt.Sprintf("%d of %d declared things are not true.", b.Untrue, b.Declared)
	}
}

// moment prints a time to the minute, date to the day; both in the report's time zone.
func (b *builder) moment(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.In(b.Location).Format(minuteForm)
}

func (b *builder) date(at time.Time) string {
	form := dayForm
	if at.In(b.Location).Year() != b.MadeAt.In(b.Location).Year() {
		form = yearForm
	}
	return at.In(b.Location).Format(form)
}

// zone names the time zone and its distance from UTC.
func (b *builder) zone() string {
	name, offset := b.Location.String(), b.MadeAt.In(b.Location).Format("-07:00")
	if offset == "+00:00" && name == "UTC" {
		return name
	}
	return fmt.Sprintf("%s (UTC%s)", name, strings.Replace(offset, "-", "−", 1))
}

// ago prints how long ago something was, and when.
func (b *builder) ago(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return units.Age(b.MadeAt.Sub(at)) + " ago"
}

// figure is a number at the head of the page.
type figure struct{ Name, Value, Note string }

func (b *builder) figures() []figure {
	fresh, copies, places := 0, 0, 0
	var bytes int64
	for _, backup := range b.Backups {
		if backup.Level == Well {
			fresh++
		}
	}
	for _, destination := range b.Destinations {
		copies += destination.Copies
		bytes += destination.Bytes
		if destination.Copies > 0 {
			places++
		}
	}
	figures := []figure{
		{"Backups as declared", fmt.Sprintf("%d of %d", fresh, len(b.Backups)), b.newest()},
		{"Stored", units.Bytes(bytes), fmt.Sprintf("%s at %s", many(copies, "copy", "copies"), units.Counted(places, "destination", "destinations"))},
		b.proof(),
	}
	return append(figures, b.monthly())
}

// newest says when the latest backup was taken.
func (b *builder) newest() string {
	var newest time.Time
	for _, backup := range b.Backups {
		if backup.TakenAt.After(newest) {
			newest = backup.TakenAt
		}
	}
	if newest.IsZero() {
		return "none taken yet"
	}
	return "the latest taken " + b.ago(newest)
}

// proof is the latest restore that proved a backup.
func (b *builder) proof() figure {
	var last DrillRun
	for _, drill := range b.Drills {
		for _, run := range drill.Runs {
			if run.Passed && run.StartedAt.After(last.StartedAt) {
				last = run
			}
		}
	}
	switch {
	case len(b.Drills) == 0:
		return figure{"Proven by a restore", "never", "no drill is declared"}
	case last.StartedAt.IsZero():
		return figure{"Proven by a restore", "never", "no drill has passed yet"}
	}
	return figure{"Proven by a restore", b.ago(last.StartedAt), "restored in " + span(last.Recovery)}
}
