package spec_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/castrolanda/imsctl/spec"
)

// functionReference is the document that is kept true.
const functionReference = "../docs/functions.md"

// functionRow is a row of its tables: signature, sentence, example, result.
var functionRow = regexp.MustCompile("(?m)^\\| `([a-z0-9]+)\\([^`]*\\)` \\| ([^|]+) \\| `([^`]+)` \\| `([^`]*)` \\|$")

// TestFunctions evaluates every example of the reference, and holds the reference against the functions that there are.
func TestFunctions(t *testing.T) {
	data, err := os.ReadFile(functionReference)
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	text := functionRow.ReplaceAllStringFunc(string(data), func(row string) string {
		parts := functionRow.FindStringSubmatch(row)
		if documented[parts[1]] {
			t.Errorf("%s is there twice", parts[1])
		}
		documented[parts[1]] = true
		got := result(t, parts[3])
		if got != parts[4] && !*update {
			t.Errorf("%s is %s, the reference says %s", parts[3], got, parts[4])
		}
		return strings.TrimSuffix(row, "`"+parts[4]+"` |") + "`" + got + "` |"
	})
	for _, name := range spec.FunctionNames() {
		if !documented[name] {
			t.Errorf("the reference does not list %s", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("the reference lists %s, which does not exist", name)
	}
	if *update {
		if err := os.WriteFile(functionReference, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// result evaluates an expression as an output and writes its value as the language does, in one line.
func result(t *testing.T, expression string) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "greeting.txt"), []byte("hello"))
	write(t, filepath.Join(folder, "base.hcl"), []byte(valid+`
backup "b" {
  source = source.command.s
  to     = [destination.local.one]
  every  = "24h"
}
output "result" {
  value = `+expression+"\n}\n"))
	loaded, diagnostics := spec.Load(folder, options(t))
	if diagnostics.HasErrors() {
		t.Errorf("%s: %v", expression, diagnostics.List)
		return ""
	}
	tokens := hclwrite.TokensForValue(loaded.Outputs[0].Value)
	return strings.Join(strings.Fields(strings.ReplaceAll(string(tokens.Bytes()), "\n", " ")), " ")
}

// TestSensitiveThroughFunctions checks that what functions make of a sensitive value is sensitive.
func TestSensitiveThroughFunctions(t *testing.T) {
	for _, expression := range []string{
		`upper(var.secret)`, `"${var.secret}-x"`, `sha256(var.secret)`, `[for c in [var.secret] : c]`, `{ a = var.secret }`, `length(var.secret)`,
		`split("-", var.secret)`, `try(tonumber(var.secret), var.secret)`, `jsonencode([var.secret])`, `yamlencode({ a = var.secret })`,
		`templatefile("t", { a = var.secret })`, `coalesce(var.secret, "x")`, `merge({ a = var.secret }, {})`, `base64encode(var.secret)`,
		`replace("a", "a", var.secret)`, `var.secret == "x" ? 1 : 2`, `format("%s", var.secret)`, `keys({ (var.secret) = 1 })`, `can(tonumber(var.secret))`,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "t", []byte("${a}"))
			write(t, "base.hcl", []byte(valid+`
variable "secret" {
  default   = "hunter2-swordfish"
  sensitive = true
}
backup "b" {
  source = source.command.s
  to     = [destination.local.one]
  every  = "24h"
}
output "result" {
  value = `+expression+"\n}\n"))
			_, diagnostics := spec.Load(".", options(t))
			for _, found := range diagnostics.List {
				if strings.Contains(found.Error(), "hunter2") {
					t.Errorf("the secret is shown: %v", found)
				}
				if found.Summary == "Sensitive output" {
					return
				}
			}
			if !strings.HasPrefix(expression, "can(") {
				t.Errorf("the result is not sensitive: %v", diagnostics.List)
			}
		})
	}
}
