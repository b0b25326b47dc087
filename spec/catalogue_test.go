package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/spec"
)

// unseen are diagnostics that no text can show, and why.
var unseen = map[string]string{
	"Unusable profile": "the profiles are built in",
	"Not a host":       "the language refuses the reference before the provider sees it",
	"No specification": "cmd/imsctl: there is no file to show it in",
	// TestTooManyRecipients shows it.
	"Too many recipients": "hundreds of them make no readable case",
}

// TestCatalogue holds that every diagnostic in the code, by its summary, is one that a case or a script shows.
func TestCatalogue(t *testing.T) {
	shown := shownSummaries(t)
	sources := slices.Concat(glob(t, "*.go"), glob(t, "../providers/*/*/*.go"), glob(t, "../providers/encryption/*.go"))
	written := make(map[string]token.Position)
	for _, name := range sources {
		if !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "destinationtest") {
			maps.Copy(written, summaries(t, name))
		}
	}
	if len(written) < 80 {
		t.Errorf("only %d summaries were found in the code", len(written))
	}
	for _, summary := range slices.Sorted(maps.Keys(written)) {
		if shown[summary] == (unseen[summary] != "") {
			t.Errorf("%s: shown in testdata: %t; among the unseen: %q (%q)", written[summary], shown[summary], unseen[summary], summary)
		}
	}
	for summary := range unseen {
		if _, ok := written[summary]; !ok {
			t.Errorf("there is no %q", summary)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	return names
}

// shownSummaries are those that expected output has.
func shownSummaries(t *testing.T) map[string]bool {
	shown := make(map[string]bool)
	line := regexp.MustCompile(`(?m)^(?:Error|Warning): (?:IMS\d+: )?(.*)$`)
	for _, name := range slices.Concat(glob(t, "testdata/errors/*.txtar"), glob(t, "../cmd/imsctl/testdata/script/*.txtar")) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range line.FindAllStringSubmatch(string(data), -1) {
			shown[strings.TrimSpace(match[1])] = true
		}
	}
	return shown
}

// summaries are the texts that a file makes diagnostics with: the last constant but one of a call of one of the functions
// that make them, or the Summary of a literal that is no provider.
func summaries(t *testing.T, name string) map[string]token.Position {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]token.Position)
	note := func(expression ast.Expr) {
		if literal, ok := expression.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err == nil && text != "" && strings.ToUpper(text[:1]) == text[:1] {
				found[text] = files.Position(literal.Pos())
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			switch called := calledName(node); {
			case called == "mistake" || called == "report" || called == "warning":
				if len(node.Args) >= 3 {
					note(node.Args[1])
				}
			case called == "warn" || called == "mistakeIn":
				if len(node.Args) == 4 {
					note(node.Args[2])
				}
			}
		case *ast.CompositeLit:
			noteLiteral(node, note)
		}
		return true
	})
	return found
}

// noteLiteral looks at a literal of a diagnostic or of a problem.
func noteLiteral(literal *ast.CompositeLit, note func(ast.Expr)) {
	if name, ok := literal.Type.(*ast.Ident); ok && name.Name == "problem" && len(literal.Elts) == 3 {
		note(literal.Elts[0])
	}
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Summary" && !isProvider(literal) {
			note(pair.Value)
		}
	}
}

func isProvider(literal *ast.CompositeLit) bool {
	selector, ok := literal.Type.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "Provider"
}

func calledName(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	}
	return ""
}

// Every code of a warning has a section that its message leads to.
func TestWarningsAreDocumented(t *testing.T) {
	policy, err := os.ReadFile("policy.go")
	if err != nil {
		t.Fatal(err)
	}
	documented, err := os.ReadFile("../docs/warnings.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`"(IMS\d+)"`).FindAllStringSubmatch(string(policy), -1)
	if len(codes) < 7 {
		t.Errorf("only %d codes", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(string(documented), "\n## "+code[1]+"\n") {
			t.Errorf("docs/warnings.md has no section %s", code[1])
		}
	}
}

// Text that is no UTF-8, and nesting without end, are one mistake each; a byte order mark is none.
func TestBytes(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"invalid UTF-8":    {"# fine\nlocals {\n  a = \"\xff\xfe\"\n}\n", "x.hcl: line 3 is not UTF-8 text. Save the file as UTF-8."},
		"UTF-16":           {"\xff\xfel\x00o\x00", "x.hcl: line 1 is not UTF-8 text. Save the file as UTF-8."},
		"nested brackets":  {"locals {\n  a = " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "\n}\n", "line 2: brackets and operators are nested more than 500 deep"},
		"nested operators": {"locals {\n  a = " + strings.Repeat("!", 2000) + "true\n}\n", "line 2: brackets and operators are nested more than 500 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.hcl")
			write(t, path, []byte(test.text))
			_, diagnostics := spec.Load(path, options(t))
			if len(diagnostics.List) != 1 || !diagnostics.HasErrors() || !strings.Contains(diagnostics.List[0].Detail, test.want) {
				t.Errorf("%v, want one with %q", diagnostics.List, test.want)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "x.hcl")
	write(t, path, []byte("\xef\xbb\xbf"+strings.ReplaceAll(whole, "\n", "\r\n")))
	if _, diagnostics := spec.Load(path, options(t)); diagnostics.HasErrors() {
		t.Errorf("a byte order mark and CRLF: %v", diagnostics.List)
	}
}
