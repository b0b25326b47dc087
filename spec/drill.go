package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type drillBlock struct {
	Backup   providers.Reference `hcl:"backup" kind:"backup" doc:"What is restored: its newest artifact that has a good copy there."`
	From     providers.Reference `hcl:"from,optional" kind:"destination" doc:"The destination whose copy is restored, one of the backup's; the nearest one with a good copy when left out."`
	Every    units.Duration      `hcl:"every,optional" doc:"Due when the last successful drill is older than this."`
	Schedule string              `hcl:"schedule,optional" doc:"A cron expression; the same as in a backup."`
	Into     intoBlock           `hcl:"into,block" doc:"Where to; its type is that of the backup's source."`
	Assert   []queryBlock        `hcl:"assert,block" doc:"What must be so in the restored database, besides the recorded row counts; postgres only."`
}

type intoBlock struct {
	Type string              `hcl:"type,label"`
	Host providers.Reference `hcl:"host,optional" kind:"host" doc:"postgres: the host that psql runs on and from which the server is reached; redis and files: the host of path. The machine imsctl runs on when left out."`
	URL  string              `hcl:"url,optional" doc:"postgres: the server on which a scratch database is made and dropped. Its database is connected to for that; postgres when it names none."`
	Path string              `hcl:"path,optional" doc:"redis, files: the folder in which a scratch folder is made and removed; the system's own when left out."`
}

type queryBlock struct {
	SQL string `hcl:"sql" doc:"A query whose answer must be true: one row with one boolean."`
}

func (l *loader) drill(b body) {
	var block drillBlock
	at, ok := l.decode(b, &block)
	if !ok {
		return
	}
	drill := &Drill{
		Address: b.address, Name: b.name(), Backup: block.Backup.Address, From: block.From.Address, Range: b.block.DefRange(),
		Into: block.Into.Type, Host: block.Into.Host, URL: block.Into.URL, Path: block.Into.Path,
		Schedule: l.schedule(due{every: block.Every, schedule: block.Schedule}, at, "drill"),
	}
	whole := true
	for i, query := range block.Assert {
		if strings.TrimSpace(query.SQL) == "" {
			whole = false
			l.report(mistake(at.of(fmt.Sprintf("assert.%d.sql", i)), "No query", "Write a query whose answer is true or false."))
		}
		drill.Assertions = append(drill.Assertions, query.SQL)
	}
	l.spec.Drills = append(l.spec.Drills, drill)
	provider, known := l.options.Registry.Lookup(providers.KindSource, drill.Into)
	switch {
	case !known || provider.Drill == nil:
		types := l.drillable()
		l.report(mistake(at.of("into"), "Unknown type", fmt.Sprintf("A drill goes into %s, not into %q.%s", strings.Join(types, " or "), drill.Into, suggest(drill.Into, types))))
	case whole:
		l.drillFits(drill, provider, at)
	}
}

// drillable lists the types that a drill can go into.
func (l *loader) drillable() []string {
	return slices.DeleteFunc(l.options.Registry.Types(providers.KindSource), func(typ string) bool {
		provider, _ := l.options.Registry.Lookup(providers.KindSource, typ)
		return provider.Drill == nil
	})
}

// drillFits holds a drill against the backup that it is to prove and against what its target's type needs.
func (l *loader) drillFits(drill *Drill, provider providers.Provider, at places) {
	for _, backup := range l.spec.Backups {
		if backup.Address != drill.Backup {
			continue
		}
		if drill.From != "" && !slices.Contains(backup.To, drill.From) {
			l.report(at.mistake("from", "Not a destination of the backup",
				fmt.Sprintf("%s has no copies at %s. Name one of its destinations: %s.", backup.Address, drill.From, strings.Join(backup.To, ", "))))
		}
		for _, source := range l.spec.Sources {
			if source.Address == backup.Source && source.Type != drill.Into {
				l.report(mistake(at.of("into"), "Wrong type",
					fmt.Sprintf("%s is of type %q, and an artifact of it cannot be restored into %q.", source.Address, source.Type, drill.Into)))
				return
			}
		}
	}
	target := drill.Target(l.spec.Directory)
	for _, problem := range provider.CheckDrill(target) {
		l.report(at.mistake(drillPlace(problem.Attribute), problem.Summary, problem.Detail))
	}
	drill.Open = func(environment providers.Environment) (providers.Driller, error) {
		return provider.Drill(environment, target)
	}
}

// drillPlace is where the attribute of a drill's target stands.
func drillPlace(attribute string) string {
	if attribute == "assert" {
		return "assert.0"
	}
	return "into." + attribute
}

// Target is where the drill restores to, with relative paths starting from a folder.
func (d *Drill) Target(directory string) providers.DrillTarget {
	return providers.DrillTarget{Host: d.Host, URL: d.URL, Path: d.Path, Directory: directory, Assertions: d.Assertions}
}
