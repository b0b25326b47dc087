// Package architecture holds no code, only the test that keeps the shape of the rest: which folder may import which, what
// a package may be called, and how long a file may grow. docs/design.md says why.
package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "github.com/castrolanda/imsctl"

// longestFile is how many lines a file may have that is not a test.
const longestFile = 400

// rule says what a folder and everything below it may import of this module, unless a rule for a deeper folder does. "x"
// is the package x alone, "x/..." also everything below it.
type rule struct {
	folder  string
	because string
	allowed []string
}

// The rules. The same are in .golangci.yml, for those who have that.
var rules = []rule{
	{"cmd", "a command parses flags, calls the packages and prints: nothing imports it", []string{
		"cmd/imsctl/tracing", "executor/...", "planner/...", "spec", "state/...", "providers/...", "internal/..."}},
	{"cmd/imsctl/tracing", "it wraps what the contracts promise and knows no command", []string{
		"planner", "providers", "state", "internal/..."}},
	{"executor", "it runs a plan and sees providers only through their contracts", []string{
		"executor/...", "planner/...", "spec", "state", "providers", "internal/..."}},
	{"executor/pipeline", "it moves bytes between contracts and knows no plan; of the state it has the form of checksums", []string{
		"providers", "state", "internal/..."}},
	{"executor/health", "it asks checks through their contract and knows no plan", []string{
		"providers", "internal/..."}},
	{"executor/notice", "it says what there is to tell of a run, and knows notifiers only by their contract", []string{
		"executor", "planner", "planner/judgement", "spec", "state", "providers", "internal/..."}},
	{"planner", "it compares specification and state, and sees providers only through their contracts", []string{
		"planner/...", "spec", "state", "providers", "providers/retry", "providers/limit", "providers/claim", "internal/..."}},
	{"planner/judgement", "it judges what is recorded by what the planner says of it, and does no I/O", []string{
		"planner", "spec", "state", "providers", "internal/..."}},
	{"spec", "it is handed the registry and knows no provider by name", []string{
		"providers", "internal/..."}},
	{"state", "it is the memory of the others and knows none of them", []string{
		"state/...", "internal/..."}},
	{"providers", "the contracts depend on nothing that uses them", []string{
		"internal/..."}},
	{"providers/builtin", "the registry is the one place that names every provider", []string{
		"providers/...", "internal/..."}},
	{"providers/retry", "it is a decorator around the contract and knows no provider", []string{
		"providers", "internal/..."}},
	{"providers/limit", "it is a decorator around the contract and knows no provider", []string{
		"providers", "internal/..."}},
	{"providers/claim", "it is a decorator around the contract and knows no provider", []string{
		"providers", "internal/..."}},
	{"providers/compression", "codecs implement a contract and know no other provider", []string{
		"providers", "providers/compression/...", "internal/..."}},
	{"providers/encryption", "encryption implements a contract and knows no other provider", []string{
		"providers", "internal/..."}},
	{"providers/host", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"providers/source", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"providers/destination", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"providers/check", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"providers/deploy", "one folder is one strategy: it knows the contracts, the project on its host (site), the repository (git) and the clone here (workingcopy)", []string{
		"providers", "providers/deploy/site", "providers/deploy/git", "providers/deploy/workingcopy", "internal/..."}},
	{"providers/deploy/deploytest", "it tests strategies through their contract, on real machines", []string{
		"providers", "providers/host/...", "internal/..."}},
	{"providers/cleanup", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"providers/deploy", "one folder is one strategy: it knows the contracts and git, and no other strategy", []string{
		"providers", "providers/deploy/git", "internal/..."}},
	{"providers/notify", "one folder is one provider: it knows the contracts and itself", []string{
		"providers", "internal/..."}},
	{"internal", "it serves every package and so may need none of them", []string{
		"internal/..."}},
	{"scripts", "it serves the work on the program and needs nothing of it", nil},
	{"bench/fleet", "it measures the planner and the backends with places that are simulated, at a size that no machine of a developer has", []string{
		"planner", "planner/strategy", "spec", "state", "state/local", "providers", "providers/builtin", "providers/compression", "internal/..."}},
	{"bench", "it measures the program from outside; of its packages it needs the codecs it measures and those that write the state", []string{
		"bench/...", "state/...", "providers", "providers/compression", "internal/..."}},
}

// vague are names that say nothing about what is in a package.
var vague = []string{
	"util", "utils", "utility", "utilities", "common", "helper", "helpers", "misc", "shared", "base", "lib", "tools", "types",
}

func TestArchitecture(t *testing.T) {
	for _, violation := range check(t, filepath.Join("..", "..")) {
		t.Error(violation)
	}
}

// file is a Go file: where it is, what it is called, and what it imports of this module.
type file struct {
	path, folder, name string
	test               bool
	lines              int
	imports            []string
}

// check returns every violation in the module at root.
func check(t *testing.T, root string) []string {
	t.Helper()
	var violations []string
	for _, f := range files(t, root) {
		if slices.Contains(vague, f.name) {
			violations = append(violations, fmt.Sprintf("%s: package %s: name it after what it holds", f.path, f.name))
		}
		r, ok := ruleOf(f.folder)
		if !ok {
			violations = append(violations, fmt.Sprintf("%s: no rule says what %s may import", f.path, f.folder))
			continue
		}
		if f.test {
			// Tests work with real providers and servers, whoever they belong to; only providers stay apart from the core.
			violations = append(violations, coreImports(f)...)
			continue
		}
		if f.lines > longestFile {
			violations = append(violations, fmt.Sprintf("%s has %d lines: split it, %d are the limit", f.path, f.lines, longestFile))
		}
		for _, imported := range f.imports {
			if !r.allows(f.folder, imported) {
				violations = append(violations, fmt.Sprintf("%s imports %s: %s", f.path, imported, r.because))
			}
		}
	}
	return violations
}

// coreImports are the imports of a provider's test that belong to the core.
func coreImports(f file) []string {
	var violations []string
	if !within(f.folder, "providers") {
		return nil
	}
	for _, imported := range f.imports {
		for _, core := range []string{"cmd", "executor", "planner", "spec", "state"} {
			if within(imported, core) {
				violations = append(violations, fmt.Sprintf("%s imports %s: providers are tested without the core", f.path, imported))
			}
		}
	}
	return violations
}

// ruleOf finds the rule for a folder: that of the deepest folder around it.
func ruleOf(folder string) (rule, bool) {
	var found rule
	for _, r := range rules {
		if within(folder, r.folder) && len(r.folder) > len(found.folder) {
			found = r
		}
	}
	return found, found.folder != ""
}

// allows reports whether a package in folder may import another one of this module.
func (r rule) allows(folder, imported string) bool {
	if within(imported, "internal/testenv") && !within(folder, "bench") {
		// It imports testing, which has no place in the program.
		return within(folder, "internal/testenv") || within(folder, "providers/destination/destinationtest") || within(folder, "providers/host/hosttest") || within(folder, "providers/deploy/deploytest")
	}
	return slices.ContainsFunc(r.allowed, func(pattern string) bool {
		if below, ok := strings.CutSuffix(pattern, "/..."); ok {
			return within(imported, below)
		}
		return imported == pattern
	})
}

// within reports whether a folder is another one or lies below it.
func within(folder, other string) bool {
	return folder == other || strings.HasPrefix(folder, other+"/")
}

// files reads all Go files of a module.
func files(t *testing.T, root string) []file {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not where it was: %v", err)
	}
	var found []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			base := entry.Name()
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := read(root, name)
		found = append(found, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(root, name string) (file, error) {
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return file{}, err
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return file{}, err
	}
	f := file{
		path: filepath.ToSlash(relative),
		name: strings.TrimSuffix(parsed.Name.Name, "_test"), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(string(source), "\n"),
	}
	f.folder = path.Dir(f.path)
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		if own, ok := strings.CutPrefix(imported, module+"/"); ok {
			f.imports = append(f.imports, own)
		}
	}
	return f, nil
}
