package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hexops/gotextdiff"
	"github.com/hexops/gotextdiff/myers"
	"github.com/hexops/gotextdiff/span"
	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/spec"
)

// The exit codes of fmt, as Terraform's users know them.
const (
	exitFormatSyntax  = 2
	exitFormatDiffers = 3
)

// fmtArguments are the flags of fmt.
type fmtArguments struct {
	paths     []string
	check     bool
	diff      bool
	recursive bool
	list      bool
	write     bool
}

func (c *cli) fmtCommand() *cobra.Command {
	var arguments fmtArguments
	command := &cobra.Command{
		Use:   "fmt [flags] [PATH ... | -]",
		Short: "Rewrite specifications in the canonical format",
		Long: `Rewrites the *.hcl files of each PATH (a folder or a file, "." by default) in
the canonical format and prints the names of those that changed. With "-" it
reads standard input and prints the result.

EXIT STATUS
  0  done; with -check: everything is formatted
  2  a file has a syntax error; it is left alone
  3  -check: a file is not formatted`,
		RunE: func(_ *cobra.Command, positional []string) error {
			arguments.paths = positional
			return c.format(arguments)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&arguments.check, "check", false, "change nothing; exit with 3 when a file is not formatted")
	flags.BoolVar(&arguments.diff, "diff", false, "print what changes")
	flags.BoolVar(&arguments.recursive, "recursive", false, "go into subfolders")
	flags.BoolVar(&arguments.list, "list", true, "print the names of files that change")
	flags.BoolVar(&arguments.write, "write", true, "write the files")
	return command
}

func (c *cli) format(arguments fmtArguments) error {
	if len(arguments.paths) == 1 && arguments.paths[0] == "-" {
		return c.formatInput(arguments)
	}
	if len(arguments.paths) == 0 {
		arguments.paths = []string{"."}
	}
	code := exitDone
	for _, path := range arguments.paths {
		files, err := spec.Files(path, arguments.recursive)
		if err != nil {
			return err
		}
		for _, file := range files {
			fileCode, err := c.formatFile(file, arguments)
			if err != nil {
				return err
			}
			code = worse(code, fileCode)
		}
	}
	if code != exitDone {
		return exitCode(code)
	}
	return nil
}

// worse picks the code that says more: a syntax error before a difference.
func worse(a, b int) int {
	if a == exitFormatSyntax || b == exitFormatSyntax {
		return exitFormatSyntax
	}
	return max(a, b)
}

// formatFile formats one file in place, keeping its mode.
func (c *cli) formatFile(path string, arguments fmtArguments) (int, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return exitError, err
	}
	formatted, ok := c.canonical(source, path)
	if !ok {
		return exitFormatSyntax, nil
	}
	if bytes.Equal(source, formatted) {
		return exitDone, nil
	}
	if arguments.list {
		fmt.Fprintln(c.stdout, path)
	}
	if arguments.diff {
		c.printDiff(path, source, formatted)
	}
	if arguments.check {
		return exitFormatDiffers, nil
	}
	if !arguments.write {
		return exitDone, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return exitError, err
	}
	return exitDone, atomicfile.Write(path, formatted, info.Mode().Perm())
}

// formatInput formats standard input to standard output.
func (c *cli) formatInput(arguments fmtArguments) error {
	source, err := io.ReadAll(c.stdin)
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	formatted, ok := c.canonical(source, "<stdin>")
	if !ok {
		return exitCode(exitFormatSyntax)
	}
	differs := !bytes.Equal(source, formatted)
	if arguments.diff && differs {
		c.printDiff("<stdin>", source, formatted)
	}
	if arguments.check {
		if differs {
			return exitCode(exitFormatDiffers)
		}
		return nil
	}
	if arguments.diff {
		return nil
	}
	_, err = c.stdout.Write(formatted)
	return err
}

// canonical formats a source, or prints why it cannot.
func (c *cli) canonical(source []byte, name string) ([]byte, bool) {
	formatted, diagnostics := spec.Format(source, name)
	if diagnostics.HasErrors() {
		files := map[string]*hcl.File{name: {Bytes: source}}
		diagnostic.Write(c.stderr, diagnostics, files, c.diagnosticOptions(c.stderr))
		return nil, false
	}
	return formatted, true
}

// printDiff prints a unified diff.
func (c *cli) printDiff(name string, before, after []byte) {
	edits := myers.ComputeEdits(span.URIFromPath(name), string(before), string(after))
	fmt.Fprint(c.stdout, gotextdiff.ToUnified("old/"+name, "new/"+name, string(before), edits))
}
