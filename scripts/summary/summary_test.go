package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module has a package for each way in which one can end.
var module = map[string]string{
	"go.mod":         "module example\n\ngo 1.26\n",
	"good/a_test.go": "package good\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) { t.Log(\"quiet\") }\n",
	"mixed/a_test.go": `package mixed

import "testing"

func TestMixed(t *testing.T) {
	t.Run("good", func(t *testing.T) { t.Log("quiet") })
	t.Run("bad", func(t *testing.T) { t.Error("this is broken") })
	t.Run("skipped", func(t *testing.T) { t.Skip("xz is not installed") })
}

func TestAlsoSkipped(t *testing.T) { t.Skip("xz is not installed") }

func FuzzInput(f *testing.F) {
	f.Add("x")
	f.Fuzz(func(t *testing.T, text string) { t.Skip("of no interest") })
}
`,
	"broken/a_test.go": "package broken\n\nimport \"testing\"\n\nfunc TestBroken(t *testing.T) { undefinedName() }\n",
	"panics/a_test.go": "package panics\n\nimport \"testing\"\n\nfunc TestPanics(t *testing.T) { panic(\"aaargh\") }\n",
	"exits/a_test.go":  "package exits\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestExits(t *testing.T) { println(\"last words\"); os.Exit(3) }\n",
	"none/a.go":        "package none\n",
}

func TestSummaryOfRealRun(t *testing.T) {
	folder := t.TempDir()
	for name, content := range module {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "test", "-json", "-vet=off", "./...")
	command.Dir = folder
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	events, err := command.Output()
	if err == nil || len(events) == 0 {
		t.Fatalf("go test: %v", err)
	}
	var out strings.Builder
	s := newSummary(&out)
	if err := s.read(strings.NewReader("go: a line that is no event\n" + string(events))); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, wanted := range []string{
		"go: a line that is no event\n", "ok  \texample/good\t", "FAIL\texample/mixed\t", "a_test.go:7: this is broken\n",
		"--- FAIL: TestMixed/bad", "undefined: undefinedName", "FAIL\texample/broken [build failed]", "panic: aaargh",
		"FAIL\texample/panics\t", "last words", "FAIL\texample/exits\t", "?   \texample/none\t[no test files]\n",
	} {
		if !strings.Contains(text, wanted) {
			t.Errorf("%q is missing", wanted)
		}
	}
	for _, unwanted := range []string{"quiet", "=== RUN", "--- PASS", "of no interest"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("%q is shown", unwanted)
		}
	}
	want := "skipped: 2 — xz is not installed (TestMixed/skipped, TestAlsoSkipped)."
	if got := s.conclusion(); !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want one that ends with %q", got, want)
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestNothingSkipped(t *testing.T) {
	s := newSummary(new(strings.Builder))
	if err := s.read(strings.NewReader(`{"Action":"pass","Package":"p","Test":"TestX"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := s.conclusion(), "Tests: 1, failed: 0, skipped: 0."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRepeatable(t *testing.T) {
	line := func(action, pkg, test, output string) string {
		return fmt.Sprintf(`{"Action":%q,"Package":%q,"Test":%q,"Output":%q}`+"\n", action, pkg, test, output)
	}
	failing := func(pkg string) string {
		return line("fail", pkg, "TestB/case", "") + line("fail", pkg, "TestB", "") + line("fail", pkg, "TestA", "") + line("pass", pkg, "TestC", "") + line("fail", pkg, "", "")
	}
	for name, test := range map[string]struct{ events, want string }{
		"nothing failed":       {line("pass", "p", "TestA", "") + line("pass", "p", "", ""), ""},
		"two tests":            {failing("p"), "p ^(TestA|TestB)$\n"},
		"two packages":         {failing("q") + failing("p"), "p ^(TestA|TestB)$\nq ^(TestA|TestB)$\n"},
		"too many packages":    {failing("p") + failing("q") + failing("r") + failing("s"), ""},
		"a race":               {line("output", "p", "TestA", "WARNING: DATA RACE\n") + failing("p"), ""},
		"a panic":              {line("output", "p", "TestA", "panic: aaargh\n") + failing("p"), ""},
		"a test without end":   {line("output", "p", "TestD", "begins\n") + failing("p"), ""},
		"the process ended":    {line("pass", "p", "TestA", "") + line("fail", "p", "", ""), ""},
		"it does not compile":  {line("fail", "p", "", ""), ""},
		"one package is worse": {failing("q") + line("fail", "p", "", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSummary(new(strings.Builder))
			if err := s.read(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			if got := s.repeatable(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
