package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/openmetrics"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// metricsMoment is the time of what the documents of these tests know.
var metricsMoment = time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC)

// knowing is a state that knows something of everything that drilledSpecification and a check and a deploy declare.
func knowing() *state.Document {
	at := metricsMoment
	return &state.Document{
		Serial: 7,
		Artifacts: []*state.Artifact{{
			Description: state.Description{
				ID: "docs-1", Backup: "backup.docs", Source: "source.files.docs", SourceType: "files", StartedAt: at, EndedAt: at.Add(90 * time.Second),
				Raw: state.Sums{Size: 1000}, Stored: state.Sums{Size: 250}, Key: "docs/docs-1", Method: "none", Extension: ".tar",
			},
			Replicas: []state.Replica{{Destination: "destination.local.one", Condition: state.Verified, StoredAt: at, VerifiedAt: at}},
		}},
		Drills: []*state.Drill{
			{ID: "1", Address: "drill.docs", Backup: "backup.docs", Artifact: "docs-1", StartedAt: at, Outcome: state.Done, RecoverySeconds: 12.5},
			{ID: "2", Address: "drill.docs", Backup: "backup.docs", Artifact: "docs-1", StartedAt: at.Add(time.Hour), Outcome: state.Failed},
		},
		Releases: []*state.Release{
			{ID: "1", Address: "deploy.shop", Phase: state.Promoted, Transitions: []state.Transition{{Phase: state.Promoted, At: at}}},
			{ID: "2", Address: "deploy.shop", Phase: state.Promoted, Transitions: []state.Transition{{Phase: state.Promoted, At: at.Add(time.Minute)}}},
			{ID: "3", Address: "deploy.shop", Phase: state.RolledBack, Transitions: []state.Transition{{Phase: state.RolledBack, At: at.Add(time.Hour)}}},
		},
		Setbacks: []*state.Setback{{Address: "backup.other", Since: at, LastAt: at, Runs: 2, Error: "no route"}},
		Checks: []*state.CheckResult{
			{Address: "check.disk.root", AskedAt: at, Verdict: "passed"},
			{Address: "check.disk.root", AskedAt: at.Add(time.Hour), Verdict: "warned", Figures: map[string]float64{"used_percent": 81.5}},
		},
	}
}

// known are the metrics of a document, as they are written.
func known(t *testing.T, document *state.Document, agent *agentRecord, now time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.hcl")
	specification := drilledSpecification + "check \"disk\" \"root\" {\n  path = \"/\"\n}\n"
	if err := os.WriteFile(path, []byte(specification), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	project, err := (&cli{stderr: &stderr, clock: clock.NewManual(now), version: "1.2.3"}).open(path, inputs{})
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	project.spec.Deploys = append(project.spec.Deploys, &spec.Deploy{Address: "deploy.shop"})
	text, err := openmetrics.Encode(knowledge{project.spec, document, agent}.metrics("1.2.3", now))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMetricsTellWhatIsKnown(t *testing.T) {
	text := known(t, knowing(), &agentRecord{LastAt: metricsMoment, LastSuccessAt: metricsMoment.Add(-time.Hour), Failures: 2}, metricsMoment.Add(25*time.Hour))
	for _, want := range []string{
		`imsctl_info{version="1.2.3"} 1`,
		`imsctl_metrics_timestamp_seconds 1795921200`,
		`imsctl_state_serial 7`,
		`imsctl_agent_last_round_timestamp_seconds 1795831200`,
		`imsctl_agent_last_success_timestamp_seconds 1795827600`,
		`imsctl_agent_failed_rounds 2`,
		`imsctl_failed_runs{address="backup.other"} 2`,
		`imsctl_breaches{severity="error"} 4`,
		`imsctl_breaches{severity="warning"} 0`,
		`imsctl_backup_last_verified_timestamp_seconds{backup="backup.docs",destination="destination.local.one"} 1795831200`,
		`imsctl_backup_copies{backup="backup.docs",destination="destination.local.one"} 1`,
		`imsctl_backup_copies_bytes{backup="backup.docs",destination="destination.local.one"} 250`,
		`imsctl_backup_missing_copies{backup="backup.docs",destination="destination.local.one"} 0`,
		`imsctl_backup_altered_copies{backup="backup.docs",destination="destination.local.one"} 0`,
		`imsctl_backup_overdue{backup="backup.docs"} 1`,
		`imsctl_backup_min_copies{backup="backup.docs"} 1`,
		`imsctl_backup_verified_copies{backup="backup.docs"} 1`,
		`imsctl_backup_interval_seconds{backup="backup.docs"} 86400`,
		`imsctl_backup_size_bytes{backup="backup.docs",kind="raw"} 1000`,
		`imsctl_backup_size_bytes{backup="backup.docs",kind="stored"} 250`,
		`imsctl_backup_duration_seconds{backup="backup.docs"} 90`,
		`imsctl_backup_reduction_ratio{backup="backup.docs"} 0.75`,
		`imsctl_drill_last_timestamp_seconds{backup="backup.docs",drill="drill.docs"} 1795834800`,
		`imsctl_drill_last_success_timestamp_seconds{backup="backup.docs",drill="drill.docs"} 1795831200`,
		`imsctl_drill_recovery_seconds{backup="backup.docs",drill="drill.docs"} 12.5`,
		`imsctl_drill_overdue{backup="backup.docs",drill="drill.docs"} 0`,
		`imsctl_drill_failed{backup="backup.docs",drill="drill.docs"} 1`,
		`imsctl_deploy_last_timestamp_seconds{deploy="deploy.shop",result="promoted"} 1795831260`,
		`imsctl_deploy_last_timestamp_seconds{deploy="deploy.shop",result="rolled_back"} 1795834800`,
		`imsctl_deploy_phase{deploy="deploy.shop",phase="rolled_back"} 1`,
		`imsctl_check_verdict{check="check.disk.root"} 1`,
		`imsctl_check_timestamp_seconds{check="check.disk.root"} 1795834800`,
		`imsctl_check_figure{check="check.disk.root",figure="used_percent"} 81.5`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("missing %s", want)
		}
	}
	for _, family := range declaredMetrics() {
		if !strings.Contains(text, "# TYPE "+family.Name+" gauge\n") {
			t.Errorf("%s is declared and has no sample", family.Name)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Of what was never done there is no time, and not the time of 1970.
func TestMetricsOfNothing(t *testing.T) {
	text := known(t, &state.Document{}, nil, metricsMoment)
	for _, want := range []string{
		`imsctl_backup_overdue{backup="backup.docs"} 1`, `imsctl_drill_overdue{backup="backup.docs",drill="drill.docs"} 1`,
		`imsctl_drill_failed{backup="backup.docs",drill="drill.docs"} 0`,
		`imsctl_backup_copies{backup="backup.docs",destination="destination.local.one"} 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("missing %s in\n%s", want, text)
		}
	}
	for _, not := range []string{"last_", "_size_", "imsctl_deploy", "imsctl_check", "imsctl_agent"} {
		if strings.Contains(text, not) {
			t.Errorf("%s of what never was:\n%s", not, text)
		}
	}
}

// monitoring is the folder of what reads the metrics.
var monitoring = filepath.Join(repository, "examples", "monitoring")

// checkExpression holds an expression against the metrics that there are.
func checkExpression(t *testing.T, where, expression string) {
	t.Helper()
	names := regexp.MustCompile(`imsctl_[a-zA-Z0-9_]*`).FindAllString(expression, -1)
	if len(names) == 0 {
		t.Errorf("%s: %q is about nothing of imsctl", where, expression)
	}
	for _, name := range names {
		if !slices.ContainsFunc(declaredMetrics(), func(family openmetrics.Family) bool { return family.Name == name }) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	for _, pair := range []string{"()", "{}"} {
		if strings.Count(expression, pair[:1]) != strings.Count(expression, pair[1:]) {
			t.Errorf("%s: unbalanced %s in %q", where, pair, expression)
		}
	}
}

func TestAlertsAreAboutMetrics(t *testing.T) {
	var alerts struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr         string
				For                 time.Duration
				Labels, Annotations map[string]string
			}
		}
	}
	// Prometheus knows days, Go does not.
	text := strings.ReplaceAll(readText(t, filepath.Join(monitoring, "alerts.yaml")), "for: 1d", "for: 24h")
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || seen[rule.Alert] || rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%+v needs a name of its own, a summary and a severity", rule)
			}
			seen[rule.Alert] = true
			checkExpression(t, rule.Alert, rule.Expr)
		}
	}
	if len(seen) == 0 {
		t.Error("there are no alerts")
	}
}

func TestDashboardIsAboutMetrics(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Query json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(readText(t, filepath.Join(monitoring, "dashboard.json"))), &dashboard); err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	for _, panel := range dashboard.Panels {
		if seen[panel.ID] || panel.Title == "" || len(panel.Targets) == 0 {
			t.Errorf("panel %d, %q needs an id of its own, a title and a target", panel.ID, panel.Title)
		}
		seen[panel.ID] = true
		for _, target := range panel.Targets {
			checkExpression(t, panel.Title, target.Expr)
		}
	}
	if len(seen) == 0 {
		t.Error("there are no panels")
	}
	for _, variable := range dashboard.Templating.List {
		if query := string(variable.Query); strings.Contains(query, "label_values(") {
			var asked struct{ Query string }
			if err := json.Unmarshal(variable.Query, &asked); err != nil {
				t.Fatal(err)
			}
			checkExpression(t, "variable", asked.Query)
		}
	}
}

// TestMonitoringPageNamesEveryMetric holds the page against the program.
func TestMonitoringPageNamesEveryMetric(t *testing.T) {
	page := readText(t, filepath.Join(repository, "docs", "monitoring.md"))
	for _, family := range declaredMetrics() {
		if !strings.Contains(page, "`"+family.Name+"`") && !strings.Contains(page, "`"+family.Name+"{") {
			t.Errorf("docs/monitoring.md does not name %s", family.Name)
		}
	}
	for _, name := range regexp.MustCompile("`(imsctl_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		checkExpression(t, "docs/monitoring.md", name[1])
	}
}
