package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/report"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// reportedDocument is what a report says of a state, of a specification with a secret.
func reportedDocument(t *testing.T, document *state.Document, now time.Time) *report.Document {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.hcl")
	specification := drilledSpecification + `
check "disk" "root" {
  path = "/"
}
variable "password" {
  type      = string
  sensitive = true
}
output "used" {
  value     = var.password
  sensitive = true
}
`
	if err := os.WriteFile(path, []byte(specification), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	project, err := (&cli{stderr: &stderr, clock: clock.NewManual(now), version: "1.2.3"}).open(path, inputs{variables: []string{"password=hunter2"}})
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	project.spec.Deploys = append(project.spec.Deploys, &spec.Deploy{Address: "deploy.shop"})
	return reportOf(project.spec, document, "1.2.3", now)
}

// A state that was written before a value was declared sensitive may hold it.
func TestReportHidesSecrets(t *testing.T) {
	document := knowing()
	const leak = "the server said hunter2"
	for _, artifact := range document.Artifacts {
		for i := range artifact.Replicas {
			artifact.Replicas[i].Condition, artifact.Replicas[i].Problem, artifact.Replicas[i].KeptBy = state.Altered, leak, leak
		}
	}
	for _, drill := range document.Drills {
		drill.Outcome, drill.Error, drill.Differences = state.Failed, leak, []string{leak}
	}
	for _, release := range document.Releases {
		release.Error = leak
	}
	for _, check := range document.Checks {
		check.Verdict, check.Summary = "failed", leak
	}
	page, err := report.Render(reportedDocument(t, document, metricsMoment.Add(25*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(page, []byte("the server said")); n < 5 {
		t.Errorf("the page shows %d of the texts", n)
	}
	if bytes.Contains(page, []byte("hunter2")) {
		t.Errorf("the page shows a secret:\n%s", page)
	}
}

func TestReportTellsWhatIsKnown(t *testing.T) {
	document := knowing()
	got := reportedDocument(t, document, metricsMoment.Add(25*time.Hour))
	if got.Untrue < 3 || got.Untrue >= got.Declared || len(got.Findings) < got.Untrue || got.Findings[0].Level != report.Wrong {
		t.Errorf("%d of %d, findings %+v", got.Untrue, got.Declared, got.Findings)
	}
	for _, want := range []string{"the last backup is 25h old", "failed", "was gone back from"} {
		found := false
		for _, finding := range got.Findings {
			found = found || strings.Contains(finding.Text, want)
		}
		if !found {
			t.Errorf("no finding has %q: %+v", want, got.Findings)
		}
	}
	backup := got.Backups[0]
	if len(backup.Artifacts) != 1 || len(backup.Places) != 1 || len(backup.Places[0].Copies) != 1 || backup.Level != report.Wrong {
		t.Errorf("got %+v", backup)
	}
	if len(got.Deploys) != 1 || len(got.Deploys[0].Runs) != 3 || got.Deploys[0].Runs[2].Level != report.Watch || got.Deploys[0].Runs[2].EndedAt.IsZero() {
		t.Errorf("got %+v", got.Deploys)
	}
	if len(got.Checks) != 1 || len(got.Checks[0].Results) != 2 || got.Checks[0].Results[0].UsedPercent != -1 || got.Checks[0].Results[1].UsedPercent != 81.5 {
		t.Errorf("got %+v", got.Checks)
	}
	if len(got.Drills) != 1 || len(got.Drills[0].Runs) != 2 || got.Drills[0].Runs[0].Recovery != 12500*time.Millisecond {
		t.Errorf("got %+v", got.Drills)
	}
	if len(got.Destinations) != 1 || got.Destinations[0].Copies != 1 || got.Destinations[0].Bytes != 250 {
		t.Errorf("got %+v", got.Destinations)
	}
}

// TestReportCommands runs what docs/report.md says first, and looks for what it promises.
func TestReportCommands(t *testing.T) {
	text := readText(t, filepath.Join(repository, "docs", "report.md"))
	_, rest, _ := strings.Cut(text, "```sh\n")
	command, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page shows no command")
	}
	w := newWorkFolder(t, map[string]string{"main.hcl": strings.TrimPrefix(exitSpecification, "\n"), "notes.txt": "one\n"})
	w.run(exitDone, "apply", "-auto-approve")
	w.run(exitDone, strings.Fields(command)[1:]...)
	page := string(w.read("report.html"))
	for _, want := range []string{"Everything declared is true.", "What will be pruned, and when", "Cost a month", "Drills", "Deploys", "Checks"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page says nothing of %q", want)
		}
	}
}
