package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/spec"
)

// A sensitive value is in no diagnostic: not where a conversion, a function, a provider or the specification finds it wrong,
// and not in the source lines around.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2"
	const rest = `
destination "local" "d" {
  path = "d"
}
backup "b" {
  source = source.files.s
  to     = [destination.local.d]
  every  = "24h"
}
`
	head := "variable \"secret\" {\n  sensitive = true\n}\n"
	source := func(attributes string) string { return "source \"files\" \"s\" {\n" + attributes + "\n}\n" }
	for name, text := range map[string]string{
		"converted":       head + source(`  path = "x"`) + strings.Replace(rest, `"24h"`, "var.secret", 1),
		"schedule":        head + source(`  path = "x"`) + strings.Replace(rest, `every  = "24h"`, "schedule = var.secret", 1),
		"number":          head + source(`  path = "x"`) + strings.Replace(rest, `every  = "24h"`, "every = \"1h\"\nmin_copies = var.secret", 1),
		"provider":        head + source(`  path = "~/${var.secret}"`) + rest,
		"pattern":         head + source("  path = \"x\"\n  exclude = [\"[${var.secret}\"]") + rest,
		"file":            head + source(`  path = file(var.secret)`) + rest,
		"env":             head + source(`  path = env("${var.secret}")`) + rest,
		"local":           head + "locals {\n  l = { a = [var.secret] }\n}\n" + source(`  path = file(local.l.a[0])`) + rest,
		"json":            head + source(`  path = jsondecode(var.secret)`) + rest,
		"regex":           head + source(`  path = regex(var.secret, "x")`) + rest,
		"index":           head + source(`  path = { a = 1 }[var.secret]`) + rest,
		"method":          head + "compression \"c\" {\n  method = var.secret\n}\n" + source(`  path = "x"`) + rest,
		"zone":            head + "imsctl {\n  timezone = var.secret\n  required_version = \"> 0\"\n}\n" + source(`  path = "x"`) + rest,
		"version":         head + "imsctl {\n  required_version = var.secret\n}\n" + source(`  path = "x"`) + rest,
		"default":         "variable \"secret\" {\n  sensitive = true\n  default = \"hunter2\"\n  sort = 1\n}\n" + source(`  path = "x"`) + rest,
		"type of default": "variable \"secret\" {\n  sensitive = true\n  type = number\n  default = \"hunter2\"\n}\n" + source(`  path = "x"`) + rest,
		"neighbour":       "variable \"secret\" {\n  sensitive = true\n  default = <<-E\n    hunter2\n  E\n}\nnonsense \"x\" {\n}\n",
		"type":            "variable \"secret\" {\n  sensitive = true\n  type = number\n}\n" + source(`  path = "x"`) + rest,
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(*spec.Options){
				func(options *spec.Options) { options.Variables = map[string]string{"secret": secret} },
				func(options *spec.Options) {
					file := filepath.Join(t.TempDir(), "s.vars.hcl")
					if err := os.WriteFile(file, []byte("secret = \"hunter2\"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
					options.VariableFiles = []string{file}
				},
			} {
				loaded, diagnostics := loadText(t, text, change)
				if loaded != nil {
					t.Fatal("it loads")
				}
				var output bytes.Buffer
				diagnostic.Write(&output, diagnostics.List, diagnostics.Files, diagnostic.Options{Width: 80})
				if strings.Contains(output.String(), secret) {
					t.Errorf("the secret is shown:\n%s", &output)
				}
			}
		})
	}
}

// A file of values that cannot be parsed is not shown: nobody knows which of it is secret.
func TestBrokenFileOfSecrets(t *testing.T) {
	for _, text := range []string{"secret = \"hunter2", "secret = \"hunter2\"\n}", "scret = \"hunter2\"\n", "secret = hunter2\n"} {
		_, diagnostics := loadText(t, "variable \"secret\" {\n  sensitive = true\n}\n", func(options *spec.Options) {
			file := filepath.Join(t.TempDir(), "s.vars.hcl")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			options.VariableFiles = []string{file}
		})
		var output bytes.Buffer
		diagnostic.Write(&output, diagnostics.List, diagnostics.Files, diagnostic.Options{Width: 80})
		if !diagnostics.HasErrors() || strings.Contains(output.String(), "hunter2") {
			t.Errorf("%q:\n%s", text, &output)
		}
	}
}
