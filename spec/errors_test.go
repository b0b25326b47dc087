package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/spec"
)

// valid is what a case may leave out: the blocks that it refers to.
const valid = `
source "command" "s" {
  command = ["true"]
}
destination "local" "one" {
  path = "one"
}
destination "local" "two" {
  path = "two"
}
`

// TestErrors loads the mistakes of testdata/errors, one file each, and compares all that is printed about them. A case has
// files to load, "want", and perhaps "with": names of variables and their values as -var gives them. "base" is added to
// cases that have a file of that name.
func TestErrors(t *testing.T) {
	cases, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			// The case changes the working directory.
			path, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := printed(t, archive)
			for i, file := range archive.Files {
				if file.Name != "want" {
					continue
				}
				if *update {
					archive.Files[i].Data = []byte(got)
					if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if string(file.Data) != got {
					t.Errorf("printed:\n%s\nwant:\n%s", got, file.Data)
				}
				return
			}
			t.Fatal("no want")
		})
	}
}

// printed loads a case and returns what a person sees of its mistakes, at 80 columns.
func printed(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	folder := t.TempDir()
	t.Chdir(folder)
	given := options(t)
	given.Variables = make(map[string]string)
	for _, file := range archive.Files {
		switch file.Name {
		case "want":
		case "with":
			for line := range strings.Lines(string(file.Data)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				given.Variables[name] = value
			}
		case "base":
			write(t, "base.hcl", []byte(valid))
		default:
			write(t, file.Name, file.Data)
		}
	}
	loaded, diagnostics := spec.Load(".", given)
	if loaded != nil || !diagnostics.HasErrors() {
		t.Fatal("it loads")
	}
	var output bytes.Buffer
	diagnostic.Write(&output, diagnostics.List, diagnostics.Files, diagnostic.Options{Width: 80})
	return strings.ReplaceAll(output.String(), folder, "FOLDER")
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
