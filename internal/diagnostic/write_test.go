package diagnostic_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/internal/terminal"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// at is a diagnostic about the first place of a text that says something.
func at(severity hcl.DiagnosticSeverity, text, part, detail string) *hcl.Diagnostic {
	byteAt := strings.Index(text, part)
	line := 1 + strings.Count(text[:byteAt], "\n")
	column := 1 + len([]rune(text[strings.LastIndex(text[:byteAt], "\n")+1:byteAt]))
	return &hcl.Diagnostic{Severity: severity, Summary: "Something is wrong", Detail: detail, Subject: &hcl.Range{
		Filename: "x.hcl", Start: hcl.Pos{Line: line, Column: column, Byte: byteAt},
		End: hcl.Pos{Line: line + strings.Count(part, "\n"), Column: column + len(part), Byte: byteAt + len(part)},
	}}
}

func TestWrite(t *testing.T) {
	long := `a = "` + strings.Repeat("left ", 30) + "HERE" + strings.Repeat(" right", 30) + `"`
	for name, test := range map[string]struct {
		text, part, detail string
		options            diagnostic.Options
	}{
		"plain":      {"source \"files\" \"s\" {\n  path = 1\n}\n", "1", "Say why, at some length, so that this sentence is wrapped before it leaves the page.", diagnostic.Options{Width: 60}},
		"warning":    {"a = 1", "a", "", diagnostic.Options{Width: 60}},
		"context":    {"one {\n}\ntwo \"x\" {\n\n\n  y = 5\n}\n", "5", "A text.\n\nexample {\n  kept = \"as it is\"\n}", diagnostic.Options{Width: 60}},
		"between":    {"one {\n}\n\nx = 1\ntwo {\n}\n", "x", "", diagnostic.Options{Width: 60}},
		"tabs":       {"a {\n\tb\t= \tHERE\n}\n", "HERE", "", diagnostic.Options{Width: 60}},
		"wide":       {`a = "漢字" + HERE`, "HERE", "", diagnostic.Options{Width: 60}},
		"under wide": {`a = "漢字" + x`, `漢字`, "", diagnostic.Options{Width: 60}},
		"combining":  {"a = \"c\u0327a\u0303o\" + HERE", "HERE", "", diagnostic.Options{Width: 60}},
		"steering":   {"a = \"\x1b[31m\u202e\x07\" + HERE", "HERE", "A \x1b[31m and a \u202e.", diagnostic.Options{Width: 60}},
		"long":       {long, "HERE", "", diagnostic.Options{Width: 60}},
		"long range": {long, strings.Trim(long, "a= "), "", diagnostic.Options{Width: 60}},
		"lines":      {"a = [\n  1,\n]\n", "[\n  1,\n]", "", diagnostic.Options{Width: 60}},
		"crlf":       {"a = 1\r\nb = HERE\r\n", "HERE", "", diagnostic.Options{Width: 60}},
		"at the end": {"a = ", "", "", diagnostic.Options{Width: 60}},
		"narrow":     {"source \"files\" \"s\" {\n  path = HERE\n}\n", "HERE", "Words and more words.", diagnostic.Options{Width: 5}},
		"color":      {"a = HERE\n", "HERE", "", diagnostic.Options{Width: 60, Color: true}},
	} {
		t.Run(name, func(t *testing.T) {
			severity := hcl.DiagError
			if name == "warning" {
				severity = hcl.DiagWarning
			}
			found := at(severity, test.text, test.part, test.detail)
			if name == "at the end" {
				found.Subject.Start = hcl.Pos{Line: 1, Column: 5, Byte: 4}
				found.Subject.End = found.Subject.Start
			}
			file, _ := hclsyntax.ParseConfig([]byte(test.text), "x.hcl", hcl.InitialPos)
			file.Bytes = []byte(test.text)
			var output bytes.Buffer
			diagnostic.Write(&output, hcl.Diagnostics{found}, map[string]*hcl.File{"x.hcl": file}, test.options)
			compare(t, strings.ReplaceAll(name, " ", "_"), output.Bytes())
			for line := range strings.Lines(output.String()) {
				if width := terminal.Width(strings.TrimRight(line, "\n")); !test.options.Color && test.options.Width > 20 && width > test.options.Width {
					t.Errorf("%d columns: %s", width, line)
				}
			}
		})
	}
}

// compare holds output against a file.
func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Places that are not in the file, and files that are not there, are no reason to fail.
func TestWriteWithoutSource(t *testing.T) {
	beyond := &hcl.Diagnostic{Summary: "S", Subject: &hcl.Range{Filename: "x.hcl", Start: hcl.Pos{Line: 9, Column: 9, Byte: 999}}}
	for name, files := range map[string]map[string]*hcl.File{
		"none": nil, "nil": {"x.hcl": nil}, "empty": {"x.hcl": {}}, "short": {"x.hcl": {Bytes: []byte("a = 1")}},
	} {
		var output bytes.Buffer
		diagnostic.Write(&output, hcl.Diagnostics{beyond}, files, diagnostic.Options{Width: 60})
		if want := "\nError: S\n\n  x.hcl:9:9\n\n\n"; output.String() != want {
			t.Errorf("%s: got %q, want %q", name, output.String(), want)
		}
	}
	var output bytes.Buffer
	if diagnostic.Write(&output, nil, nil, diagnostic.Options{}); output.Len() > 0 {
		t.Errorf("without diagnostics: %q", output.String())
	}
}

func TestFileNamesAreRelative(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	found := at(hcl.DiagError, "a = 1", "1", "")
	found.Subject.Filename = filepath.Join(folder, "sub", "x.hcl")
	var output bytes.Buffer
	diagnostic.Write(&output, hcl.Diagnostics{found}, nil, diagnostic.Options{Width: 60})
	if !strings.Contains(output.String(), "  "+filepath.Join("sub", "x.hcl")+":1:5\n") {
		t.Error(output.String())
	}
}

func TestError(t *testing.T) {
	for text, want := range map[string]string{
		"reading the state: no such file": "\nError: Reading the state: no such file\n",
		"":                                "\nError: \n",
		"a.plan: cut off":                 "\nError: a.plan: cut off\n",
		"über":                            "\nError: Über\n",
		"first\nsecond \x1b[0m":           "\nError: First\n  second \\x1b[0m\n",
		"a long error that does not fit":  "\nError: A long error that\n  does not fit\n",
	} {
		var output bytes.Buffer
		diagnostic.Error(&output, errors.New(text), diagnostic.Options{Width: 25 + 40*min(1, strings.Count(text, ":"))})
		if output.String() != want {
			t.Errorf("%q: got %q, want %q", text, output.String(), want)
		}
	}
}

func TestProblem(t *testing.T) {
	for severity, want := range map[string]string{
		"Warning": "\nWarning: backup.b\n  Slow\n", "Error": "\nError: backup.b\n  Slow\n",
	} {
		var output bytes.Buffer
		diagnostic.Problem(&output, severity, "backup.b", errors.New("slow"), diagnostic.Options{Width: 60})
		if output.String() != want {
			t.Errorf("got %q, want %q", output.String(), want)
		}
	}
}

func TestWriteOfManyAlike(t *testing.T) {
	text := "a = HERE\n"
	var list hcl.Diagnostics
	for range 1000 {
		list = append(list, at(hcl.DiagWarning, text, "HERE", "Why."))
	}
	other := at(hcl.DiagError, text, "HERE", "Another reason.")
	other.Summary = "Something else"
	list = append(list, other)
	var out bytes.Buffer
	diagnostic.Write(&out, list, nil, diagnostic.Options{Width: 60})
	if count := strings.Count(out.String(), "Warning:"); count != 20 {
		t.Errorf("%d of 1000 are printed in full", count)
	}
	for _, wanted := range []string{"Another reason.", "\n980 more like these: Something is wrong\n"} {
		if !strings.Contains(out.String(), wanted) {
			t.Errorf("%q is missing in:\n%s", wanted, out.String())
		}
	}
}
