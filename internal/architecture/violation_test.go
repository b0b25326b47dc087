package architecture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestViolations holds the check against modules that break one rule each.
func TestViolations(t *testing.T) {
	for name, c := range map[string]struct {
		path, source string
		want         string
	}{
		"planner imports executor":          {"planner/a.go", importing("planner", "executor"), "planner/a.go imports executor"},
		"planner imports a provider":        {"planner/a.go", importing("planner", "providers/destination/local"), "contracts"},
		"executor imports a provider":       {"executor/a.go", importing("executor", "providers/host/local"), "contracts"},
		"executor imports a command":        {"executor/a.go", importing("executor", "cmd/imsctl"), "executor/a.go imports cmd/imsctl"},
		"the pipeline imports plans":        {"executor/pipeline/a.go", importing("pipeline", "planner"), "moves bytes"},
		"spec imports planner":              {"spec/a.go", importing("spec", "planner"), "spec/a.go imports planner"},
		"spec imports a provider":           {"spec/a.go", importing("spec", "providers/source/files"), "no provider by name"},
		"state imports spec":                {"state/a.go", importing("state", "spec"), "knows none of them"},
		"contracts import a provider":       {"providers/a.go", importing("providers", "providers/host/local"), "nothing that uses them"},
		"provider imports spec":             {"providers/source/x/a.go", importing("x", "spec"), "one folder is one provider"},
		"provider imports another":          {"providers/source/x/a.go", importing("x", "providers/source/y"), "one folder is one provider"},
		"a provider's test imports state":   {"providers/source/x/a_test.go", importing("x_test", "state/local"), "without the core"},
		"internal imports the core":         {"internal/x/a.go", importing("x", "state"), "serves every package"},
		"the program imports testenv":       {"state/a.go", importing("state", "internal/testenv"), "state/a.go imports internal/testenv"},
		"the program imports a test double": {"executor/a.go", importing("executor", "internal/testenv/x"), "executor/a.go imports internal/testenv/x"},
		"a folder without a rule":           {"surprise/a.go", "package surprise\n", "no rule"},
		"a vague name":                      {"internal/x/a.go", "package utils\n", "name it after"},
		"a vague name of a test":            {"internal/x/a_test.go", "package helpers_test\n", "name it after"},
		"a long file":                       {"state/a.go", "package state\n" + strings.Repeat("// line\n", longestFile), "401 lines"},
	} {
		t.Run(name, func(t *testing.T) {
			violations := check(t, moduleWith(t, c.path, c.source))
			if len(violations) != 1 || !strings.Contains(violations[0], c.want) {
				t.Errorf("got %q, want one that says %q", violations, c.want)
			}
		})
	}
}

// TestAllowed holds the check against what is right.
func TestAllowed(t *testing.T) {
	for name, c := range map[string]struct{ path, source string }{
		"executor imports the contracts":     {"executor/a.go", importing("executor", "providers")},
		"a command imports a backend":        {"cmd/imsctl/a.go", importing("main", "state/local")},
		"the registry imports a provider":    {"providers/builtin/a.go", importing("builtin", "providers/source/files")},
		"a test of the core uses a real one": {"planner/a_test.go", importing("planner_test", "providers/destination/local")},
		"a test uses testenv":                {"state/local/a_test.go", importing("local", "internal/testenv")},
		"a long test":                        {"state/a_test.go", "package state\n" + strings.Repeat("// line\n", 2*longestFile)},
		"testdata":                           {"state/testdata/a.go", importing("anything", "executor")},
		"a file of the longest length":       {"state/a.go", "package state\n" + strings.Repeat("// line\n", longestFile-1)},
	} {
		t.Run(name, func(t *testing.T) {
			if violations := check(t, moduleWith(t, c.path, c.source)); len(violations) > 0 {
				t.Errorf("got %q", violations)
			}
		})
	}
}

func importing(name, imported string) string {
	return "package " + name + "\n\nimport _ \"" + module + "/" + imported + "\"\n"
}

func moduleWith(t *testing.T, path, source string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module " + module + "\n", path: source} {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
