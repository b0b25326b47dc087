package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type deployBlock struct {
	Host          providers.Reference `hcl:"host,optional" doc:"The machine; the one imsctl runs on when left out."`
	Path          string              `hcl:"path" doc:"The folder of the project there, an absolute path."`
	Compose       string              `hcl:"compose,optional" doc:"The compose file in it; compose.yaml when left out."`
	Repository    string              `hcl:"repository,optional" doc:"The git repository."`
	Branch        string              `hcl:"branch,optional" doc:"The branch; main when left out."`
	Strategy      string              `hcl:"strategy,optional" doc:"auto, github, hybrid, local or vm; auto when left out."`
	KeepReleases  int64               `hcl:"keep_releases,optional" doc:"How many releases stay on the machine; 5 when left out."`
	Before        *beforeBlock        `hcl:"before,block" doc:"What must be so before."`
	After         *afterBlock         `hcl:"after,block" doc:"What must be so afterwards."`
	Rollback      *rollbackBlock      `hcl:"rollback,block" doc:"What happens when it is not."`
	BusinessHours *hoursBlock         `hcl:"business_hours,block" doc:"When people work, in the time zone of the specification."`
	Assert        []assertBlock       `hcl:"assert,block" doc:"Conditions without which the specification is refused."`
}

type beforeBlock struct {
	Backup []providers.Reference `hcl:"backup,optional" kind:"backup" doc:"Backups that must be there."`
	MaxAge units.Duration        `hcl:"max_age,optional" doc:"A backup older than this is taken first; any age when left out."`
	Checks []providers.Reference `hcl:"checks,optional" kind:"check" doc:"Checks that must pass."`
}

type afterBlock struct {
	Checks  []providers.Reference `hcl:"checks,optional" kind:"check" doc:"Checks that must pass."`
	Timeout units.Duration        `hcl:"timeout,optional" doc:"How long they have for it; \"5m\" when left out."`
}

// Defaults implements the defaults of a nested block.
func (a *afterBlock) Defaults() { a.Timeout = units.Duration(5 * time.Minute) }

type rollbackBlock struct {
	Automatic bool                  `hcl:"automatic,optional" doc:"Go back by itself; true when left out."`
	Restore   []providers.Reference `hcl:"restore,optional" kind:"backup" doc:"Backups that are restored too; never implied."`
}

// Defaults implements the defaults of a nested block.
func (r *rollbackBlock) Defaults() { r.Automatic = true }

type hoursBlock struct {
	Days []string `hcl:"days" doc:"mon, tue, wed, thu, fri, sat, sun."`
	From string   `hcl:"from" doc:"HH:MM."`
	To   string   `hcl:"to" doc:"HH:MM."`
}

var (
	strategies = []string{"auto", "github", "hybrid", "local", "vm"}
	weekdays   = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

func (l *loader) deploy(b body) {
	block := deployBlock{Compose: "compose.yaml", Branch: "main", Strategy: "auto", KeepReleases: 5}
	at, ok := l.decode(b, &block)
	if !ok || !l.assert(block.Assert, at) {
		return
	}
	deploy := &Deploy{
		Address: b.address, Name: b.name(), Host: block.Host.Address, Path: block.Path, Compose: block.Compose, Repository: block.Repository,
		Branch: block.Branch, Strategy: block.Strategy, Rollback: true, KeepReleases: int(block.KeepReleases), NotBuilt: "deploys are not built yet", Range: b.block.DefRange(),
	}
	if !slices.Contains(strategies, block.Strategy) {
		l.report(at.mistake("strategy", "Unknown strategy", fmt.Sprintf("There is no strategy %q; there is %s.%s", block.Strategy, strings.Join(strategies, ", "), suggest(block.Strategy, strategies))))
	}
	if block.KeepReleases < 1 || block.KeepReleases > maxCount {
		l.report(at.mistake("keep_releases", "Invalid count", fmt.Sprintf("keep_releases is %d; it must be 1 to %d.", block.KeepReleases, maxCount)))
	}
	if !strings.HasPrefix(block.Path, "/") {
		l.report(at.mistake("path", "Invalid path", "Write the absolute path of the project's folder."))
	}
	if before := block.Before; before != nil {
		deploy.BackupsBefore, deploy.ChecksBefore, deploy.MaxAge = addresses(before.Backup), addresses(before.Checks), time.Duration(before.MaxAge)
	}
	if after := block.After; after != nil {
		deploy.ChecksAfter, deploy.Timeout = addresses(after.Checks), time.Duration(after.Timeout)
	}
	if rollback := block.Rollback; rollback != nil {
		deploy.Rollback, deploy.Restore = rollback.Automatic, addresses(rollback.Restore)
	}
	if block.BusinessHours != nil {
		l.hours(*block.BusinessHours, at)
	}
	l.spec.Deploys = append(l.spec.Deploys, deploy)
}

// hours checks the hours in which people work.
func (l *loader) hours(block hoursBlock, at places) {
	for i, day := range block.Days {
		if !slices.Contains(weekdays, day) {
			l.report(at.mistakeIn("business_hours.days", i, "Unknown day", fmt.Sprintf("There is no day %q; there is %s.", day, strings.Join(weekdays, ", "))))
		}
	}
	from, begins := l.hour("from", block.From, at)
	to, ends := l.hour("to", block.To, at)
	if begins && ends && !from.Before(to) {
		l.report(at.mistake("business_hours.to", "Invalid time", "to must be later than from."))
	}
}

// hour reads one time of day.
func (l *loader) hour(name, text string, at places) (time.Time, bool) {
	parsed, err := time.Parse("15:04", text)
	if err != nil {
		l.report(at.mistake("business_hours."+name, "Invalid time", fmt.Sprintf("%q is no time of day; write HH:MM, such as \"08:00\".", text)))
	}
	return parsed, err == nil
}

// addresses are those of references.
func addresses(references []providers.Reference) []string {
	list := make([]string, 0, len(references))
	for _, reference := range references {
		list = append(list, reference.Address)
	}
	return list
}
