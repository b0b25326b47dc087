package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// patience is how long a browser is waited for in any case.
const patience = 3 * time.Minute

// looks are how pages are looked at: a phone and a screen, in light and in dark, and on paper.
var looks = map[string]testenv.Look{
	"phone": {Width: 360, Height: 800}, "phone dark": {Width: 360, Height: 800, Dark: true},
	"screen": {Width: 1280, Height: 900}, "screen dark": {Width: 1280, Height: 900, Dark: true}, "print": {Width: 794, Height: 1123, Print: true},
}

// wanted are the pages, and how each is looked at: the small one in every way, the others where they might fail.
var wanted = map[string]struct {
	document *Document
	looks    []string
	// access has axe look at them. It looks at each element, and those of the large pages are like those of the small one.
	access bool
}{
	"small":   {demo(8), []string{"phone", "phone dark", "screen dark", "print"}, true},
	"demo":    {demo(61), []string{"phone", "screen"}, false},
	"empty":   {empty(), []string{"phone"}, true},
	"hostile": {hostile(), []string{"phone", "print"}, false},
	"many":    {crowded(500, 50), []string{"phone"}, false},
}

// TestPagesInABrowser opens pages in Chromium: nothing is asked for, nothing is complained about, nothing is wider than the window, and
// axe finds nothing that not everybody could use, contrast and labels included. With IMSCTL_TEST_PICTURES it leaves pictures of
// them in that folder.
func TestPagesInABrowser(t *testing.T) {
	axe := testenv.Axe(t)
	browser := testenv.StartBrowser(t)
	for name, page := range wanted {
		path := filepath.Join(t.TempDir(), "report.html")
		text, err := Render(page.document)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, view := range page.looks {
			t.Run(name+" on "+view, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				open, err := browser.Open(ctx, path, looks[view])
				if err != nil {
					t.Fatal(err)
				}
				takePicture(ctx, t, open, name+" "+view)
				checkPage(ctx, t, open)
				if page.access {
					checkAccess(ctx, t, open, axe)
				}
				if err := open.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// checkPage holds an open page against what is promised of all.
func checkPage(ctx context.Context, t *testing.T, page *testenv.WebPage) {
	t.Helper()
	var width struct{ Page, Window int }
	if err := page.Evaluate(ctx, "({Page: document.documentElement.scrollWidth, Window: innerWidth})", &width); err != nil {
		t.Fatal(err)
	}
	if width.Page > width.Window {
		t.Errorf("the page is %d pixels wide, the window %d", width.Page, width.Window)
	}
	var faults []string
	if err := page.Evaluate(ctx, chartFaults, &faults); err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	messages, asked := page.Said()
	for _, message := range messages {
		t.Errorf("the browser says %.500s", message)
	}
	files := 0
	for _, address := range asked {
		switch {
		case strings.HasPrefix(address, "file://"):
			files++
		case address != "data:,":
			t.Errorf("the page asks for %s", address)
		}
	}
	if files != 1 {
		t.Errorf("the page asks for %d files: %q", files, asked)
	}
}

// chartFaults finds charts without a title, a description or a table behind them, identifiers that are not unique, and links to
// what is not there.
const chartFaults = `(() => {
	const faults = []
	document.querySelectorAll('svg[role=img]').forEach(chart => {
		const named = chart.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id))
		if (named.length != 2 || named.some(part => !part || !chart.contains(part) || part.textContent.trim() == '')) faults.push('a chart has no title or no description: ' + chart.outerHTML.slice(0, 200))
		const around = chart.closest('article, .folded') || chart.closest('section')
		const empty = around.querySelector('.none') || around.closest('section').querySelector('table')
		if (!around.querySelector('table') && !empty) faults.push('a chart has no table: ' + named[0].textContent)
	})
	const seen = new Set()
	document.querySelectorAll('[id]').forEach(part => { if (seen.has(part.id)) faults.push('twice: ' + part.id); seen.add(part.id) })
	document.querySelectorAll('a[href^="#"], use[href^="#"]').forEach(link => { if (!document.getElementById(link.getAttribute('href').slice(1))) faults.push('leads nowhere: ' + link.outerHTML) })
	if (document.scripts.length > 0) faults.push('there is a script')
	return faults
})()`

// checkAccess has axe look at a page, with all that is folded up.
func checkAccess(ctx context.Context, t *testing.T, page *testenv.WebPage, axe string) {
	t.Helper()
	const open = "document.querySelectorAll('details').forEach(d => d.open = true)"
	if err := page.Evaluate(ctx, open, nil); err != nil {
		t.Fatal(err)
	}
	if err := page.Evaluate(ctx, axe+";0", nil); err != nil {
		t.Fatal(err)
	}
	var found struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []struct{ HTML, Summary string }
		}
	}
	const run = `axe.run({exclude: ['svg use', 'wbr']}, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}}).then(r => ({Passes: r.passes.length, Violations: r.violations.map(
		v => ({ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map(n => ({HTML: n.html, Summary: n.failureSummary}))}))}))`
	if err := page.Evaluate(ctx, run, &found); err != nil {
		t.Fatal(err)
	}
	const least = 20
	if found.Passes < least {
		t.Errorf("axe looked for %d things only", found.Passes)
	}
	for _, violation := range found.Violations {
		t.Errorf("axe: %s: %s", violation.ID, violation.Help)
		for _, node := range violation.Nodes {
			t.Logf("  %.300s\n  %s", node.HTML, node.Summary)
		}
	}
}

// takePicture leaves a picture of a page where somebody wants one.
func takePicture(ctx context.Context, t *testing.T, page *testenv.WebPage, name string) {
	t.Helper()
	folder := os.Getenv("IMSCTL_TEST_PICTURES")
	if folder == "" {
		return
	}
	picture, err := page.Screenshot(ctx)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png"), picture, 0o600)
	}
	if err == nil && strings.HasSuffix(name, "print") {
		var paper []byte
		if paper, err = page.PDF(ctx); err == nil {
			err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".pdf"), paper, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// empty is a report of a specification of which nothing was done yet.
func empty() *Document {
	return &Document{
		Subject: "main.hcl", MadeAt: demoNow, Location: time.UTC, Version: "0.1.0", Until: demoNow.Add(30 * day), Declared: 2, Untrue: 1,
		Findings:     []Finding{{Wrong, "backup.docs", "was never taken"}},
		Destinations: []Destination{{Address: "destination.local.disk"}},
		Backups: []Backup{{Address: "backup.docs", Verdict: "overdue", Level: Wrong, Schedule: "every 24h", MinCopies: 1,
			Places: []Place{{Destination: "destination.local.disk", Verdict: "missing", Level: Wrong}}}},
		Drills: []Drill{{Address: "drill.docs", Backup: "backup.docs", Verdict: "never drilled", Level: Watch, Schedule: "every 7d"}},
		Checks: []Check{{Address: "check.disk.root", Verdict: "never asked", Level: Unknown}}, Deploys: []Deploy{{Address: "deploy.shop", Verdict: "never deployed", Level: Unknown}},
	}
}

// hostile is a report whose texts want to be more than that.
func hostile() *Document {
	const name = `</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>"'` + "`{{.}}&lt;\u202e" + "]]>"
	long := strings.Repeat("x", 300)
	d := &Document{
		Subject: name + long, MadeAt: demoNow, Location: time.UTC, Version: name, Lineage: name + long, Serial: 1, Until: demoNow.Add(30 * day), Declared: 1, Untrue: 1,
		Findings:     []Finding{{Wrong, name, name + long}},
		Destinations: []Destination{{Address: "destination." + name, Copies: 1, Bytes: 1 << 60, LaterBytes: 1 << 60}},
	}
	artifact := Artifact{ID: name + long, StartedAt: demoNow.Add(-day), EndedAt: demoNow.Add(-2 * day), RawBytes: 1, StoredBytes: 1 << 60, Method: name, Encrypted: true}
	d.Backups = []Backup{{Address: "backup." + name, Verdict: name, Schedule: name, TakenAt: artifact.StartedAt, Artifacts: []Artifact{artifact}, Places: []Place{{
		Destination: "destination." + name, Verdict: name, Level: Watch, Retention: name, All: day, Some: day,
		Copies: []Copy{{Condition: Altered, Problem: name, EndsAt: demoNow, KeptBy: name}},
	}}}}
	d.Drills = []Drill{{Address: name, Backup: name, Verdict: name, Runs: []DrillRun{{StartedAt: demoNow, Artifact: name, Destination: name, Problem: name, Recovery: time.Second}}}}
	d.Deploys = []Deploy{{Address: name, Verdict: name, Level: Watch, Runs: []DeployRun{{StartedAt: demoNow, Revision: name, Branch: name, By: name, Result: name, Backups: []string{name + long}, Problem: name}}}}
	d.Checks = []Check{{Address: name, Verdict: name, Results: []CheckResult{{At: demoNow.Add(-day), Verdict: name, Summary: name, UsedPercent: 5}, {At: demoNow, Verdict: name, Summary: name, UsedPercent: 900}}}}
	return d
}

// crowded is a report of a backup with many artifacts at many destinations.
func crowded(artifacts, destinations int) *Document {
	d := &Document{Subject: "many.hcl", MadeAt: demoNow, Location: time.UTC, Version: "0.1.0", Serial: 9, Until: demoNow.Add(30 * day), Declared: 1}
	backup := Backup{Address: "backup.many", Verdict: "ok", Schedule: "every 4h", TakenAt: demoNow.Add(-time.Hour), DueAt: demoNow.Add(3 * time.Hour)}
	for i := range artifacts {
		at := demoNow.Add(-time.Duration(artifacts-i) * 4 * time.Hour)
		backup.Artifacts = append(backup.Artifacts, Artifact{ID: fmt.Sprintf("many-%d", i), StartedAt: at, EndedAt: at.Add(time.Minute), RawBytes: 1 << 30, StoredBytes: 1 << 27, Method: "zstd 1"})
	}
	for n := range destinations {
		address := fmt.Sprintf("destination.gcs.region_%d", n)
		place := Place{Destination: address, Verdict: "ok", Retention: "keep_within 90d", All: 90 * day, Some: 90 * day}
		for i, artifact := range backup.Artifacts {
			place.Copies = append(place.Copies, Copy{Artifact: i, EndsAt: artifact.StartedAt.Add(90 * day)})
		}
		backup.Places = append(backup.Places, place)
		d.Destinations = append(d.Destinations, Destination{Address: address, Copies: artifacts, Bytes: int64(artifacts) << 27, LaterBytes: int64(artifacts) << 27})
	}
	d.Backups = []Backup{backup}
	return d
}
