package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type backupBlock struct {
	Source      providers.Reference   `hcl:"source" kind:"source" doc:"What is read."`
	To          []providers.Reference `hcl:"to" kind:"destination" doc:"Where the copies go."`
	Compression providers.Reference   `hcl:"compression,optional" kind:"compression" doc:"A profile; compression.balanced when left out."`
	Every       units.Duration        `hcl:"every,optional" doc:"Due when no verified backup is younger than this."`
	Schedule    string                `hcl:"schedule,optional" doc:"A cron expression: due when it has fired since the last verified backup."`
	Once        bool                  `hcl:"once,optional" doc:"Taken once, never due again."`
	MinCopies   int64                 `hcl:"min_copies,optional" doc:"Fewer verified copies than this is a failed backup, fewer than in to is degraded; 1 when left out."`
}

func (l *loader) backup(block *hclsyntax.Block, compressions map[string]*Compression) {
	body := backupBlock{Compression: providers.Reference{Kind: kindCompression, Address: "compression.balanced"}, MinCopies: 1}
	at, ok := l.decode(block, &body)
	if !ok {
		return
	}
	backup := &Backup{Address: addressOf(block), Name: block.Labels[0], Source: body.Source.Address, Range: block.DefRange(),
		Compression: body.Compression.Address, MinCopies: int(body.MinCopies), To: make([]string, 0, len(body.To))}
	for i, reference := range body.To {
		if slices.Contains(backup.To, reference.Address) {
			l.report(mistake(at.element("to", i), "Destination listed twice", fmt.Sprintf("%s is listed twice; one copy goes there.", reference.Address)))
			continue
		}
		backup.To = append(backup.To, reference.Address)
	}
	if len(backup.To) == 0 {
		l.report(mistake(at.of("to"), "No destination", "A backup needs at least one destination."))
		return
	}
	if body.MinCopies < 1 || body.MinCopies > int64(len(backup.To)) {
		l.report(at.mistake("min_copies", "Invalid min_copies",
			fmt.Sprintf("min_copies is %d; with the destinations listed it can be 1 to %d.", body.MinCopies, len(backup.To))))
	}
	if body.Compression.Address == autoCompression {
		l.report(mistake(at.of("compression"), "Not available yet", fmt.Sprintf(
			"compression.auto, which measures before it chooses, is not available yet. Choose %s or a profile of your own.", l.builtIn())))
		return
	}
	if compression := compressions[body.Compression.Address]; compression != nil {
		backup.Codec = compression.Codec
	}
	backup.Schedule = l.schedule(body, at)
	l.spec.Backups = append(l.spec.Backups, backup)
}

// builtIn lists the profiles that need no declaration.
func (l *loader) builtIn() string {
	var list []string
	for _, profile := range l.options.Profiles {
		list = append(list, "compression."+profile.Name)
	}
	return strings.Join(list, ", ")
}

// schedule reads when a backup is due: exactly one of every, schedule and once.
func (l *loader) schedule(body backupBlock, at places) Schedule {
	var given []string
	for _, name := range []string{"every", "schedule", "once"} {
		if at.given(name) && (name != "once" || body.Once) {
			given = append(given, name)
		}
	}
	switch {
	case len(given) == 0:
		l.report(mistake(at.block.DefRange(), "No schedule", `Say when the backup is due: every = "24h", schedule = "0 2 * * *", or once = true.`))
		return Schedule{}
	case len(given) > 1:
		// The second that stands there is the one too many.
		slices.SortFunc(given, func(a, b string) int { return at.of(a).Start.Byte - at.of(b).Start.Byte })
		l.report(mistake(at.of(given[1]), "Two schedules", fmt.Sprintf("%s and %s (line %d) are both set; a backup has one of every, schedule and once.",
			given[1], given[0], at.of(given[0]).Start.Line)))
		return Schedule{}
	}
	if given[0] != "schedule" {
		return Schedule{Every: body.Every, Once: body.Once}
	}
	schedule, err := NewCronSchedule(body.Schedule, l.spec.Location)
	if err != nil {
		l.report(at.mistake("schedule", "Invalid cron expression",
			fmt.Sprintf("%q is not a cron expression (%v). Write five fields: minute, hour, day of the month, month, day of the week, such as \"0 2 * * *\".", body.Schedule, err)))
	}
	return schedule
}
