package schedule

import (
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v3"

	"github.com/castrolanda/imsctl/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files")

// whole has all that can be in a specification, and a path of which every format has something to quote.
func whole() Specification {
	return Specification{
		Name: "eu-1", Scope: []string{`-target=backup.trees["it's 100% $HOME $(x) ${{ y }}"]`, "-target=backup.database"},
		Program: "/opt/50% off/imsctl", Path: `/srv/it's 100% "mine" $HOME ${x}`, InRepository: `ops/it's 100% "mine" $HOME ${{ x }}`,
		Files:      []string{"main.hcl", "some more.hcl", "some-more.hcl"},
		Variables:  []Variable{{Name: "DATABASE_URL"}, {Name: "IMS_VAR_secret"}, {Name: "REGION", Optional: true}},
		Timings:    []Timing{{Address: "backup.database", Words: "every 2h", Every: 2 * time.Hour}},
		LocalState: true, Version: "v1.2.0",
	}
}

// plain has the least: one file, nothing secret, the state on a server.
func plain() Specification {
	return Specification{
		Program: "/usr/local/bin/imsctl", Path: "/srv/ims.hcl", InRepository: "ims.hcl", Files: []string{"ims.hcl"}, Single: true, Version: "latest",
	}
}

func filesOf(t *testing.T, format string, specification Specification) []File {
	t.Helper()
	files, err := Files(format, specification)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGolden(t *testing.T) {
	for name, specification := range map[string]Specification{"whole": whole(), "plain": plain()} {
		for _, format := range Formats() {
			for _, file := range filesOf(t, format, specification) {
				golden := filepath.Join("testdata", name+"-"+strings.Replace(strings.TrimPrefix(path.Base(file.Name), "."), "eu-1", "imsctl", 1))
				if *update {
					if err := os.WriteFile(golden, []byte(file.Text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), file.Text); diff != "" {
					t.Errorf("%s, %s:\n%s", format, file.Name, diff)
				}
			}
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := Files("upstart", plain()); err == nil || !strings.Contains(err.Error(), `no format "upstart"`) {
		t.Errorf("an unknown format: got %v", err)
	}
	for _, bad := range []string{"-x", "x-", "X", "é", "a b", "1a", strings.Repeat("a", 41)} {
		specification := plain()
		specification.Name = bad
		if _, err := Files("systemd", specification); err == nil {
			t.Errorf("a name %q was not refused", bad)
		}
	}
	specification := plain()
	specification.Scope = []string{"-target=backup.a\nb"}
	if _, err := Files("systemd", specification); err == nil {
		t.Error("a target with a line break was not refused")
	}
	for _, bad := range []string{"/srv/a\nb", "/srv/a\x00b", "/srv/\xff", ""} {
		specification := plain()
		specification.Path = bad
		for _, format := range Formats() {
			if _, err := Files(format, specification); err == nil {
				t.Errorf("%s: a path %q was not refused", format, bad)
			}
		}
	}
}

// fires are moments at these minutes of an hour.
func fires(minutes ...int) []time.Time {
	var list []time.Time
	for _, minute := range minutes {
		list = append(list, time.Date(2026, 1, 1, 2, minute, 0, 0, time.UTC))
	}
	return list
}

func TestPace(t *testing.T) {
	for name, test := range map[string]struct {
		timings  []Timing
		want     int
		calendar string
	}{
		"nothing":                    {nil, 60, "*-*-* *:00:00 UTC"},
		"a day":                      {[]Timing{{Every: 24 * time.Hour}}, 60, "*-*-* *:00:00 UTC"},
		"six hours":                  {[]Timing{{Every: 6 * time.Hour}}, 30, "*-*-* *:00/30:00 UTC"},
		"an hour":                    {[]Timing{{Every: time.Hour}}, 5, "*-*-* *:00/5:00 UTC"},
		"a minute":                   {[]Timing{{Every: time.Minute}}, 5, "*-*-* *:00/5:00 UTC"},
		"the tightest of two":        {[]Timing{{Every: 24 * time.Hour}, {Every: 2 * time.Hour}}, 10, "*-*-* *:00/10:00 UTC"},
		"on the hour":                {[]Timing{{Fires: fires(0)}}, 60, "*-*-* *:00:00 UTC"},
		"half past":                  {[]Timing{{Fires: fires(30)}}, 30, "*-*-* *:00/30:00 UTC"},
		"an odd minute":              {[]Timing{{Fires: fires(17)}}, 5, "*-*-* *:00/5:00 UTC"},
		"every quarter":              {[]Timing{{Fires: fires(0, 15, 30, 45)}}, 15, "*-*-* *:00/15:00 UTC"},
		"two schedules":              {[]Timing{{Fires: fires(20)}, {Fires: fires(15)}}, 5, "*-*-* *:00/5:00 UTC"},
		"half an hour from UTC":      {[]Timing{{Fires: []time.Time{time.Date(2026, 1, 1, 2, 0, 0, 0, time.FixedZone("", 19800))}}}, 30, "*-*-* *:00/30:00 UTC"},
		"an interval and a schedule": {[]Timing{{Every: 12 * time.Hour, Fires: fires(20)}}, 20, "*-*-* *:00/20:00 UTC"},
	} {
		got := paceOf(test.timings)
		if got.Minutes != test.want || got.Calendar() != test.calendar || got.Reason == "" {
			t.Errorf("%s: got %+v, %s; want %d minutes, %s", name, got, got.Calendar(), test.want, test.calendar)
		}
	}
}

// TestUnitsAreUnits has systemd read them.
func TestUnitsAreUnits(t *testing.T) {
	testenv.Need(t, "systemd-analyze")
	for name, specification := range map[string]Specification{"50% off $HOME": whole(), `50% "off" $HOME`: plain(), "imsctl": plain()} {
		folder := t.TempDir()
		// The program must exist.
		specification.Program = filepath.Join(folder, name)
		if err := os.WriteFile(specification.Program, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, file := range filesOf(t, "systemd", specification) {
			paths = append(paths, filepath.Join(folder, file.Name))
			if err := os.WriteFile(paths[len(paths)-1], []byte(file.Text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		output, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, paths...)...).CombinedOutput()
		if err != nil || strings.Contains(string(output), folder) {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
	}
}

// TestCronLine runs the line as cron would: \% is %, and a shell gets the rest.
func TestCronLine(t *testing.T) {
	testenv.Need(t, "flock")
	folder := filepath.Join(t.TempDir(), `it's 100% "mine" $HOME`)
	program := filepath.Join(folder, "imsctl")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"exit 0":                    "",
		"echo all is well":          "",
		"echo degraded; exit 3":     "degraded\n",
		`printf '%s|' "$@"; exit 1`: "apply|-auto-approve|-input=false|-lock-timeout=10m|" + folder + "|\n",
	} {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		specification := plain()
		specification.Program, specification.Path = program, folder
		lines := strings.Split(strings.TrimSpace(filesOf(t, "cron", specification)[0].Text), "\n")
		line := lines[len(lines)-1]
		if bare := regexp.MustCompile(`(^|[^\\])%`).FindString(line); bare != "" {
			t.Errorf("cron takes %q for a line break: %s", bare, line)
		}
		schedule, command, _ := strings.Cut(line, " * * * * ")
		if schedule != "0" {
			t.Errorf("it runs at %q", schedule)
		}
		output, err := exec.Command("sh", "-c", strings.ReplaceAll(command, `\%`, "%")).CombinedOutput()
		if err != nil || string(output) != want {
			t.Errorf("%s: got %q, %v; want %q", script, output, err, want)
		}
	}
}

// at follows keys and indexes through a document.
func at(t *testing.T, document any, keys ...any) any {
	t.Helper()
	for i, key := range keys {
		switch key := key.(type) {
		case string:
			mapping, ok := document.(map[string]any)
			if !ok {
				t.Fatalf("%v: %T has no keys", keys[:i+1], document)
			}
			document = mapping[key]
		case int:
			list, ok := document.([]any)
			if !ok || key >= len(list) {
				t.Fatalf("%v: %v has no such element", keys[:i+1], document)
			}
			document = list[key]
		}
	}
	return document
}

func parseYAML(t *testing.T, text string) []any {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var documents []any
	for {
		var document any
		if err := decoder.Decode(&document); err != nil {
			if err.Error() == "EOF" {
				return documents
			}
			t.Fatalf("%v\n%s", err, text)
		}
		documents = append(documents, document)
	}
}

func TestGithub(t *testing.T) {
	document := parseYAML(t, filesOf(t, "github", whole())[0].Text)[0]
	for _, test := range []struct {
		want any
		keys []any
	}{
		{map[string]any{"contents": "read"}, []any{"permissions"}},
		{map[string]any{"contents": "read", "pull-requests": "write"}, []any{"jobs", "plan", "permissions"}},
		{nil, []any{"jobs", "apply", "permissions"}},
		{false, []any{"concurrency", "cancel-in-progress"}},
		{"main", []any{"on", "push", "branches", 0}},
		{"17 3 * * *", []any{"on", "schedule", 0, "cron"}},
		{nil, []any{"env"}},
		{"${{ secrets.DATABASE_URL }}", []any{"jobs", "plan", "steps", 3, "env", "DATABASE_URL"}},
		{"${{ secrets.DATABASE_URL }}", []any{"jobs", "apply", "steps", 3, "env", "DATABASE_URL"}},
		{nil, []any{"jobs", "drift", "steps", 3, "env", "REGION"}},
		{`ops/it's 100% "mine" $HOME ${{ '${{' }} x }}`, []any{"jobs", "drift", "steps", 3, "env", "IMSCTL_PATH"}},
		{`imsctl plan -input=false '-target=backup.trees["it'\''s 100% $HOME $(x) $''{{ y }}"]' -target=backup.database -detailed-exitcode -- "$IMSCTL_PATH"` + "\n", []any{"jobs", "drift", "steps", 3, "run"}},
	} {
		if diff := cmp.Diff(test.want, at(t, document, test.keys...)); diff != "" {
			t.Errorf("%v: %s", test.keys, diff)
		}
	}
	for _, job := range []string{"plan", "apply", "drift"} {
		for _, step := range at(t, document, "jobs", job, "steps").([]any) {
			if uses, ok := at(t, step, "uses").(string); ok && !regexp.MustCompile(`^actions/[a-z-]+@v\d+$`).MatchString(uses) {
				t.Errorf("%s: %s is not pinned", job, uses)
			}
			if run, ok := at(t, step, "run").(string); ok {
				checkShell(t, run)
				if strings.Contains(run, "${{") {
					t.Errorf("%s: what comes from outside stands in a script: %s", job, run)
				}
			}
		}
	}
}

// checkShell has a shell read a script without running it.
func checkShell(t *testing.T, script string) {
	t.Helper()
	if output, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, output, script)
	}
}

func TestGitlab(t *testing.T) {
	document := parseYAML(t, filesOf(t, "gitlab", whole())[0].Text)[0]
	for _, test := range []struct {
		want any
		keys []any
	}{
		{map[string]any{"value": `ops/it's 100% "mine" $HOME ${{ x }}`, "expand": false}, []any{"variables", "IMSCTL_PATH"}},
		{"eu-1", []any{"apply", "resource_group"}},
		{3, []any{"apply", "allow_failure", "exit_codes", 0}},
		{`$CI_PIPELINE_SOURCE == "merge_request_event"`, []any{"plan", "rules", 0, "if"}},
	} {
		if diff := cmp.Diff(test.want, at(t, document, test.keys...)); diff != "" {
			t.Errorf("%v: %s", test.keys, diff)
		}
	}
	for _, job := range []string{"plan", "apply", "drift"} {
		checkShell(t, at(t, document, job, "script", 0).(string))
	}
}

func TestKubernetes(t *testing.T) {
	documents := parseYAML(t, filesOf(t, "kubernetes", whole())[0].Text)
	if len(documents) != 2 || at(t, documents[1], "kind") != "PersistentVolumeClaim" {
		t.Fatalf("a state in a file has no claim: %v", documents)
	}
	pod := at(t, documents[0], "spec", "jobTemplate", "spec", "template", "spec")
	for _, test := range []struct {
		document, want any
		keys           []any
	}{
		{documents[0], "*/10 * * * *", []any{"spec", "schedule"}},
		{documents[0], "Forbid", []any{"spec", "concurrencyPolicy"}},
		{pod, "Never", []any{"restartPolicy"}},
		{pod, "-lock-timeout=10m", []any{"containers", 0, "args", 3}},
		{pod, `-target=backup.trees["it's 100% $HOME $$(x) ${{ y }}"]`, []any{"containers", 0, "args", 4}},
		{pod, "/work", []any{"containers", 0, "args", 6}},
		{pod, map[string]any{"name": "eu-1", "key": "DATABASE_URL"}, []any{"containers", 0, "env", 0, "valueFrom", "secretKeyRef"}},
		{pod, map[string]any{"name": "eu-1", "key": "REGION", "optional": true}, []any{"containers", 0, "env", 2, "valueFrom", "secretKeyRef"}},
		{pod, "/work/some-more.hcl", []any{"containers", 0, "volumeMounts", 3, "mountPath"}},
		{pod, "xsome-more.hcl", []any{"containers", 0, "volumeMounts", 4, "subPath"}},
		{pod, "eu-1-work", []any{"volumes", 2, "persistentVolumeClaim", "claimName"}},
	} {
		if diff := cmp.Diff(test.want, at(t, test.document, test.keys...)); diff != "" {
			t.Errorf("%v: %s", test.keys, diff)
		}
	}
	documents = parseYAML(t, filesOf(t, "kubernetes", plain())[0].Text)
	pod = at(t, documents[0], "spec", "jobTemplate", "spec", "template", "spec")
	if len(documents) != 1 || at(t, pod, "containers", 0, "args", 4) != "/work/ims.hcl" || at(t, pod, "volumes", 2, "persistentVolumeClaim") != nil {
		t.Errorf("a state on a server got a claim, or the file is not named: %v", documents)
	}
}

func TestNomad(t *testing.T) {
	specification := whole()
	file, diagnostics := hclsyntax.ParseConfig([]byte(filesOf(t, "nomad", specification)[0].Text), "job.hcl", hcl.InitialPos)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	job := blockOf(t, file.Body.(*hclsyntax.Body), "job")
	task := blockOf(t, blockOf(t, job, "group"), "task")
	arguments, diagnostics := blockOf(t, task, "config").Attributes["args"].Expr.Value(nil)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	if got := arguments.AsValueSlice(); got[len(got)-1].AsString() != specification.Path {
		t.Errorf("it applies %s", got[len(got)-1].AsString())
	}
	prohibited, _ := blockOf(t, job, "periodic").Attributes["prohibit_overlap"].Expr.Value(nil)
	data, _ := blockOf(t, task, "template").Attributes["data"].Expr.Value(nil)
	if prohibited.False() || !slices.Contains(strings.Split(data.AsString(), "\n"), "{{ .K }}={{ .V | toJSON }}") {
		t.Errorf("overlaps are not prohibited, or the environment is %q", data.AsString())
	}
}

func blockOf(t *testing.T, body *hclsyntax.Body, name string) *hclsyntax.Body {
	t.Helper()
	for _, block := range body.Blocks {
		if block.Type == name {
			return block.Body
		}
	}
	t.Fatalf("there is no block %s", name)
	return nil
}
