package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// referenceSize is how many resources the references plan: more would take them minutes.
const referenceSize = 1_000

// references are the same shapes for Terraform and OpenTofu, of a resource that needs no plugin. What is not here has no
// counterpart.
var references = []shape{
	{"separate blocks", func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "resource \"terraform_data\" \"b%d\" {\n  input = \"x\"\n}\n", i)
		}
		return b.String()
	}},
	{"for_each over a map", func(n int) string { return mapOf(n) + repeated("b", "local.all", "each.value") }},
	{"for_each over a set", func(n int) string { return mapOf(n) + repeated("b", "toset(keys(local.all))", "each.value") }},
	{"b[k] → a[k]", func(n int) string {
		return mapOf(n/2) + repeated("a", "local.all", "each.value") + repeated("b", "local.all", "terraform_data.a[each.key].id")
	}},
	{"chain r(i) → r(i-1)", func(n int) string {
		var b strings.Builder
		for i := range n {
			input := `"x"`
			if i > 0 {
				input = fmt.Sprintf("terraform_data.r%d.id", i-1)
			}
			fmt.Fprintf(&b, "resource \"terraform_data\" \"r%d\" {\n  input = %s\n}\n", i, input)
		}
		return b.String()
	}},
}

func repeated(name, each, input string) string {
	return fmt.Sprintf("resource \"terraform_data\" %q {\n  for_each = %s\n  input    = %s\n}\n", name, each, input)
}

// measureReferences plans the shapes with tofu or terraform, once each, where one of them is on the PATH.
func measureReferences(ctx context.Context, s settings, folder string, r *report) (err error) {
	for _, name := range []string{"tofu", "terraform"} {
		program, err := exec.LookPath(name)
		if err != nil {
			r.missing(name+" plan of the same shapes", "not on the PATH")
			continue
		}
		for _, shape := range references {
			n := max(10, int(referenceSize*s.scale))
			if err := planReference(ctx, folder, program, shape, n, r); err != nil {
				return fmt.Errorf("%s, %s: %w", name, shape.name, err)
			}
		}
	}
	return nil
}

// planReference plans one shape once.
func planReference(ctx context.Context, folder, program string, shape shape, n int, r *report) (err error) {
	name := filepath.Base(program)
	note("%s plan of %d in %s", name, n, shape.name)
	at := filepath.Join(folder, "reference")
	defer func() { err = errors.Join(err, os.RemoveAll(at)) }()
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	settings := filepath.Join(at, "settings.tfrc")
	for path, text := range map[string]string{filepath.Join(at, "main.tf"): shape.write(n), settings: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	run := func(arguments ...string) *exec.Cmd {
		command := newCommand(ctx, program, append([]string{"-chdir=" + at}, arguments...)...)
		command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		return command
	}
	if err := runQuietly(run("init", "-input=false", "-no-color")); err != nil {
		return err
	}
	took, err := measure(ctx, run("plan", "-input=false", "-no-color", "-out=saved"))
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s plan, %s, %d, one run", name, shape.name, n)
	measured{wall: series{took.wall.Seconds()}, peak: series{float64(took.peak)}}.rows(r, what)
	return nil
}
