package spec

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type drillBlock struct {
	Backup   providers.Reference `hcl:"backup" kind:"backup" doc:"What is restored."`
	From     providers.Reference `hcl:"from,optional" kind:"destination" doc:"The destination whose copy is restored; the nearest one when left out."`
	Every    units.Duration      `hcl:"every,optional" doc:"Due when the last successful drill is older than this."`
	Schedule string              `hcl:"schedule,optional" doc:"A cron expression; the same as in a backup."`
	Into     intoBlock           `hcl:"into,block" doc:"Where to."`
	Assert   []queryBlock        `hcl:"assert,block" doc:"What must be so in the restored database, besides the recorded row counts."`
}

type intoBlock struct {
	Type string `hcl:"type,label"`
	URL  string `hcl:"url,optional" doc:"postgres: the server on which a scratch database is made and dropped."`
	Path string `hcl:"path,optional" doc:"files: the folder in which a scratch folder is made and removed; the system's own when left out."`
}

type queryBlock struct {
	SQL string `hcl:"sql" doc:"A query whose answer must be true."`
}

func (l *loader) drill(b body) {
	var block drillBlock
	at, ok := l.decode(b, &block)
	if !ok {
		return
	}
	drill := &Drill{
		Address: b.address, Name: b.name(), Backup: block.Backup.Address, From: block.From.Address, Range: b.block.DefRange(),
		Into: block.Into.Type, URL: block.Into.URL, Path: block.Into.Path, NotBuilt: "drills are not built yet",
		Schedule: l.schedule(due{every: block.Every, schedule: block.Schedule}, at, "drill"),
	}
	for i, query := range block.Assert {
		if query.SQL == "" {
			l.report(mistake(at.of(fmt.Sprintf("assert.%d.sql", i)), "No query", "Write a query whose answer is true or false."))
		}
		drill.Assertions = append(drill.Assertions, query.SQL)
	}
	switch {
	case drill.Into == "postgres" && drill.URL == "":
		l.report(mistake(at.of("into"), "Missing attribute", `into "postgres" needs the attribute "url": the server on which a scratch database is made.`))
	case drill.Into != "postgres" && drill.Into != "files":
		l.report(mistake(at.of("into"), "Unknown type", fmt.Sprintf("A drill goes into postgres or files, not into %q.%s", drill.Into, suggest(drill.Into, []string{"postgres", "files"}))))
	}
	l.spec.Drills = append(l.spec.Drills, drill)
}
