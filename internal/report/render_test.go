package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

func TestSameDocumentSameBytes(t *testing.T) {
	if !bytes.Equal(render(t, demo(61)), render(t, demo(61))) {
		t.Error("the same document gave two pages")
	}
}

func render(t *testing.T, document *Document) []byte {
	t.Helper()
	page, err := Render(document)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestReportNeedsATimeZone(t *testing.T) {
	if _, err := Render(&Document{MadeAt: demoNow}); err == nil {
		t.Error("a report was made without a time zone")
	}
}

// TestTextsAreNothingElse holds that a text which wants to be a tag, an attribute or a style is shown as it is written.
func TestTextsAreNothingElse(t *testing.T) {
	page := render(t, hostile())
	for _, not := range []string{"<script", "<img", "onerror=alert(1)>\"", "</title></style>"} {
		if bytes.Contains(page, []byte(not)) {
			t.Errorf("the page has %s", not)
		}
	}
	if !bytes.Contains(page, []byte("&lt;script&gt;")) {
		t.Error("the page does not show what was written")
	}
}

// TestNothingIsFetched looks for whatever could be.
func TestNothingIsFetched(t *testing.T) {
	page := string(render(t, demo(61)))
	for _, address := range regexp.MustCompile(`(?:href|src|srcset|action|data)="([^"]*)"|url\(([^)]*)\)|@import`).FindAllStringSubmatch(page, -1) {
		if to := address[1] + address[2]; !strings.HasPrefix(to, "#") && to != "data:," {
			t.Errorf("the page refers to %s", address[0])
		}
	}
}

func TestHeadlines(t *testing.T) {
	for want, document := range map[string]*Document{
		"Nothing is declared yet.":             {},
		"Everything declared is true.":         {Declared: 3},
		"1 of 3 declared things is not true.":  {Declared: 3, Untrue: 1, Findings: []Finding{{Level: Watch}, {Level: Watch}}},
		"2 of 3 declared things are not true.": {Declared: 3, Untrue: 2, Findings: []Finding{{Level: Wrong}, {Level: Watch}}},
	} {
		document.MadeAt, document.Location = demoNow, time.UTC
		if page := render(t, document); !bytes.Contains(page, []byte("<title>"+want)) {
			t.Errorf("no %q", want)
		}
	}
}

// A backup that is well is folded up where there are many, and one that is not never is.
func TestManyBackups(t *testing.T) {
	document := &Document{MadeAt: demoNow, Location: time.UTC, Declared: 40}
	for i := range 40 {
		backup := Backup{Address: fmt.Sprintf("backup.b%d", i), Verdict: "ok", Schedule: "every 24h"}
		if i == 39 {
			backup.Verdict, backup.Level = "overdue", Wrong
		}
		document.Backups = append(document.Backups, backup)
	}
	page := render(t, document)
	if folded, open := bytes.Count(page, []byte(`<details class="backup folded"`)), bytes.Count(page, []byte(`<article class="backup"`)); folded != 27 || open != 13 {
		t.Errorf("%d backups are folded up and %d are not", folded, open)
	}
}

// A table has the newest artifacts, and says how many there are besides.
func TestManyArtifacts(t *testing.T) {
	document := crowded(500, 50)
	b := &builder{Document: document, timeline: timeline(document)}
	rows, more := b.rows(document.Backups[0])
	if len(rows) != mostRows || more != 500-mostRows || rows[0].ID != "many-499" || rows[0].Copies[0] != "50 verified" {
		t.Errorf("%d rows and %d more, first %+v", len(rows), more, rows[0])
	}
	lane := b.lane(document.Backups[0], document.Backups[0].Places[0])
	if strings.Count(lane.Dense, "M") != 500 || strings.Count(lane.Ends, "M") == 0 || len(lane.Marks) != 0 {
		t.Errorf("got %d marks and a path of %d", len(lane.Marks), strings.Count(lane.Dense, "M"))
	}
	if page := render(t, document); len(page) > 1<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestShapesOfCopies(t *testing.T) {
	b := &builder{Document: &Document{MadeAt: demoNow, Location: time.UTC, Until: demoNow.Add(30 * day)}}
	later, past := demoNow.Add(day), demoNow
	for want, held := range map[string]Copy{
		"verified ":                       {},
		"verified kept until 29 Nov":      {EndsAt: later},
		"ending let go at the next apply": {EndsAt: past},
		"held kept by the store: a hold":  {EndsAt: past, KeptBy: "a hold"},
		"altered ":                        {Condition: Altered},
		"unproven kept until 29 Nov":      {Condition: Unproven, EndsAt: later},
		"missing ":                        {Condition: Missing},
	} {
		if got := b.shape(held) + " " + b.fate(held); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, copies := range map[string][]Copy{
		"none to prune before 28 Dec":  {{}},
		"next prune 29 Nov":            {{EndsAt: later.Add(day)}, {EndsAt: later}},
		"2 to prune at the next apply": {{EndsAt: past}, {EndsAt: past}, {EndsAt: past, KeptBy: "a hold"}, {EndsAt: later}},
	} {
		if got := b.nextEnd(Place{Retention: "keep_last 3", Copies: copies}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := b.nextEnd(Place{}); got != "everything is kept" {
		t.Errorf("got %q", got)
	}
}

func TestPrunesByDay(t *testing.T) {
	// In São Paulo it is still the day before.
	zone := time.FixedZone("-03", -3*60*60)
	at := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	document := &Document{MadeAt: at, Location: zone, Until: at.Add(30 * day)}
	backup := Backup{Address: "backup.a", Places: []Place{{Destination: "destination.local.one", Retention: "keep_last 1"}, {Destination: "destination.local.two", Retention: "keep_last 1"}}}
	for i := range 4 {
		backup.Artifacts = append(backup.Artifacts, Artifact{StartedAt: at.Add(-time.Duration(4-i) * day), StoredBytes: 1 << 20})
	}
	backup.Places[0].Copies = []Copy{{Artifact: 0, EndsAt: at.Add(-day)}, {Artifact: 1, EndsAt: at}, {Artifact: 2, EndsAt: at.Add(3 * time.Hour)}, {Artifact: 3, EndsAt: at.Add(31 * day)}}
	backup.Places[1].Copies = []Copy{{Artifact: 0, EndsAt: at.Add(time.Hour)}, {Artifact: 1, KeptBy: "a hold", EndsAt: at}}
	document.Backups = []Backup{backup}
	got := (&builder{Document: document, timeline: timeline(document)}).prunes()
	var days []string
	for _, day := range got.Days {
		days = append(days, fmt.Sprint(day.Day, " ", day.Copies, " ", day.Bytes, " ", day.Rows))
	}
	want := "today 3 3.0 MiB [{backup.a local.one (2 of 24 Nov to 25 Nov), local.two (of 24 Nov)}]; Sun 29 Nov 1 1.0 MiB [{backup.a local.one (of 26 Nov)}]"
	if joined := strings.Join(days, "; "); joined != want {
		t.Errorf("got  %s\nwant %s", joined, want)
	}
}

func TestCosts(t *testing.T) {
	document := &Document{MadeAt: demoNow, Location: time.UTC, Until: demoNow.Add(30 * day), Destinations: []Destination{
		{Address: "destination.gcs.a", Bytes: 100 << 30, LaterBytes: 200 << 30, Price: units.Price{Micros: 20_000, Currency: "USD"}},
		{Address: "destination.gcs.b", Bytes: 50 << 30, LaterBytes: 50 << 30, Price: units.Price{Micros: 20_000, Currency: "USD"}},
		{Address: "destination.azblob.c", Bytes: 1 << 30, LaterBytes: 1, Price: units.Price{Micros: 100_000, Currency: "BRL"}},
		{Address: "destination.local.d", Bytes: 1 << 40, LaterBytes: 1 << 40, Price: units.Price{Currency: "USD"}},
		{Address: "destination.local.e", Bytes: 1 << 40, LaterBytes: 1 << 40},
	}}
	b := &builder{Document: document}
	got := b.costs()
	if want := "[{BRL 0.10 BRL under 0.01 BRL} {USD 3.00 USD 5.00 USD}]"; fmt.Sprint(got.Totals) != want || got.Unknown != 1 {
		t.Errorf("got %v and %d unknown, want %s", got.Totals, got.Unknown, want)
	}
	for i, want := range []string{"2.00 USD", "1.00 USD", "0.10 BRL", "0.00 USD", ""} {
		if got.Rows[i].Cost != want {
			t.Errorf("%s costs %q, want %q", got.Rows[i].Destination, got.Rows[i].Cost, want)
		}
	}
	if got := b.monthly(); got.Value != "0.10 BRL + 3.00 USD" || got.Note != "4 of 5 destinations have a price" {
		t.Errorf("got %+v", got)
	}
	document.Destinations = document.Destinations[4:]
	if got := b.monthly(); got.Value != "unknown" {
		t.Errorf("got %+v", got)
	}
}

// TestTicks holds that dates below charts are apart, in order and midnights, also where clocks are set back meanwhile.
func TestTicks(t *testing.T) {
	location, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 9, 30, 0, 0, location)
	for _, past := range []time.Duration{day, 2 * day, shortestPast, 40 * day, longestPast, 3 * 365 * day} {
		s := scale{now.Add(-past), now.Add(past / 3)}
		ticks := s.ticks(now, location)
		if len(ticks) == 0 && past > 2*day || len(ticks) > mostTicks+1 {
			t.Errorf("%s: %d ticks", past, len(ticks))
		}
		for i, tick := range ticks {
			if i > 0 && tick.X-ticks[i-1].X < 5 {
				t.Errorf("%s: %v is too near to the one before", past, tick)
			}
			if distance := tick.X - s.at(now); distance < 6 && distance > -6 {
				t.Errorf("%s: %v touches now", past, tick)
			}
		}
	}
}

func TestTrends(t *testing.T) {
	b := &builder{Document: &Document{MadeAt: demoNow, Location: time.UTC}}
	words := func(value float64) string { return fmt.Sprint(value) }
	if got := b.trend("a", "Size", nil, 0, words); got != nil {
		t.Errorf("nothing gave %+v", got)
	}
	one := b.trend("a", "Size", []point{{at: demoNow, value: 0}}, 0, words)
	if one.Line != "" || len(one.Dots) != 1 || one.Dots[0].X != 100 || one.Dots[0].Y != 100 {
		t.Errorf("one point gave %+v", one)
	}
	// A backup that grew under its compression has a reduction below zero.
	two := b.trend("a", "Reduction", []point{{at: demoNow.Add(-10 * day), value: -50}, {at: demoNow.Add(-5 * day), value: 100}}, 100, words)
	if two.Least != "-50" || two.Most != "100" || two.Dots[0].Y != 100 || two.Dots[1].Y != 0 || two.Dots[1].X != 50 {
		t.Errorf("got %+v", two)
	}
}
