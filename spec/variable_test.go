package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers/source/files"
	"github.com/castrolanda/imsctl/spec"
)

// withVariable is a specification whose source has the path that a variable says.
const withVariable = `
variable "path" {
  type    = string
  default = "default"
}
source "files" "s" {
  path = var.path
}
destination "local" "d" {
  path = "d"
}
backup "b" {
  source = source.files.s
  to     = [destination.local.d]
  every  = "24h"
}
`

// Each place of a value wins over the one before.
func TestPrecedenceOfVariables(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	write(t, "main.hcl", []byte(withVariable))
	given := options(t)
	check := func(want string) {
		t.Helper()
		loaded, diagnostics := spec.Load(".", given)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics.List)
		}
		if got := loaded.Sources[0].Config.(*files.Config).Path; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check("default")
	write(t, "a.auto.vars.hcl", []byte(`path = "auto a"`))
	check("auto a")
	write(t, "b.auto.vars.hcl", []byte(`path = "auto b"`))
	check("auto b")
	write(t, "other.vars.hcl", []byte(`path = "file"`))
	check("auto b")
	given.VariableFiles = []string{filepath.Join(folder, "other.vars.hcl")}
	check("file")
	given.Getenv = func(name string) (string, bool) { return "environment", name == "IMS_VAR_path" }
	check("environment")
	given.Variables = map[string]string{"path": "flag"}
	check("flag")
}

// Texts from outside become what the type says.
func TestTypesOfVariables(t *testing.T) {
	for _, test := range []struct{ typ, text, use, want string }{
		{"list(string)", `["a", "b"]`, `join("/", var.x)`, "a/b"},
		{"map(number)", `{ n = 3 }`, `tostring(var.x["n"])`, "3"},
		{"object({ name = string })", `{ name = "z" }`, "var.x.name", "z"},
		{"number", " 7 ", `"n${var.x}"`, "n7"},
		{"bool", "true", `var.x ? "yes" : "no"`, "yes"},
		{"string", `["a"]`, "var.x", `["a"]`},
		{"any", "plain", "var.x", "plain"},
	} {
		text := strings.Replace(strings.Replace(withVariable, "var.path", test.use, 1), `variable "path" {
  type    = string
  default = "default"
}`, "variable \"x\" {\n  type = "+test.typ+"\n}", 1)
		loaded := valued(t, text, func(options *spec.Options) { options.Variables = map[string]string{"x": test.text} })
		if got := loaded.Sources[0].Config.(*files.Config).Path; got != test.want {
			t.Errorf("%s: got %q, want %q", test.typ, got, test.want)
		}
	}
}

func TestFilesOfValues(t *testing.T) {
	for text, want := range map[string]string{
		`pth = "x"`:              `no variable "pth". Did you mean "path"?`,
		`path = ["x"]`:           "not what its type says: string",
		`path = env("HOME")`:     "call no functions",
		`path = `:                "Missing expression",
		"block {\n}\n":           "only name = value",
		"path = 1\npath = 2\n":   "redefined",
		"path = \"\xff\"":        "not UTF-8",
		`path = ` + deep(2000):   "nested more than",
		`path = null`:            "Missing value",
		"path = \"x\"\nand more": "Invalid",
	} {
		name := filepath.Join(t.TempDir(), "x.vars.hcl")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, diagnostics := loadText(t, withVariable, func(options *spec.Options) { options.VariableFiles = []string{name} })
		if len(diagnostics.List) != 1 || !strings.Contains(diagnostics.List[0].Error(), want) {
			t.Errorf("%.40q: got %v, want one that says %q", text, diagnostics.List, want)
		}
	}
	_, diagnostics := loadText(t, withVariable, func(options *spec.Options) { options.VariableFiles = []string{"/no/such/file"} })
	if !diagnostics.HasErrors() {
		t.Error("a missing file of values was accepted")
	}
}
