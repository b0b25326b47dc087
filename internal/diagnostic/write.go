// Package diagnostic prints what is wrong and where: the summary, the place, the source lines with the spot underlined in
// characters, and what to do.
package diagnostic

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/hashicorp/hcl/v2"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// Options say what the output can show.
type Options struct {
	// Width in columns; lines are not broken when it is 20 or less.
	Width int
	Color bool
}

// shown is how many diagnostics of one summary are printed in full: who has made a mistake a thousand times sees it from these.
const shown = 20

// Write prints diagnostics in their order; of many with one summary the first 20, and then how many more there are. files hold the sources by name; of a file that is not among them only the place
// is printed. Nothing that comes from the sources can steer the terminal.
func Write(w io.Writer, list hcl.Diagnostics, files map[string]*hcl.File, options Options) {
	if len(list) == 0 {
		return
	}
	// There is nobody to tell that diagnostics cannot be written.
	buffered := bufio.NewWriter(w)
	defer buffered.Flush()
	p := &printer{Writer: buffered, options: options}
	sources := make(map[string]*source)
	counts := make(map[string]int)
	for _, diagnostic := range list {
		if counts[diagnostic.Summary]++; counts[diagnostic.Summary] > shown {
			continue
		}
		p.heading(diagnostic.Severity, diagnostic.Summary)
		if at := diagnostic.Subject; at != nil {
			if sources[at.Filename] == nil {
				sources[at.Filename] = newSource(files[at.Filename])
			}
			p.place(*at, sources[at.Filename], diagnostic.Severity)
		}
		p.paragraphs(diagnostic.Detail)
	}
	for _, summary := range slices.Sorted(maps.Keys(counts)) {
		if more := counts[summary] - shown; more > 0 {
			fmt.Fprintf(p, "\n%d more like these: %s\n", more, terminal.Escape(summary))
		}
	}
	fmt.Fprintln(p)
}

// Error prints an error that has no place in a specification.
func Error(w io.Writer, err error, options Options) {
	p := &printer{Writer: w, options: options}
	first, rest, _ := strings.Cut(capital(err.Error()), "\n")
	fmt.Fprintf(w, "\n%s ", p.label(hcl.DiagError))
	p.wrapped(len("Error: "), first)
	p.paragraphs(rest)
}

// Problem prints an error or a warning about an address. The severity is "Error" or "Warning".
func Problem(w io.Writer, severity, address string, err error, options Options) {
	p := &printer{Writer: w, options: options}
	kind := hcl.DiagError
	if severity == "Warning" {
		kind = hcl.DiagWarning
	}
	p.heading(kind, address)
	p.paragraphs(capital(err.Error()))
}

// printer writes with options.
type printer struct {
	io.Writer
	options Options
}

// heading begins a diagnostic, after an empty line.
func (p *printer) heading(severity hcl.DiagnosticSeverity, summary string) {
	fmt.Fprintf(p, "\n%s %s\n", p.label(severity), terminal.Escape(summary))
}

// label is the first word.
func (p *printer) label(severity hcl.DiagnosticSeverity) string {
	if severity == hcl.DiagWarning {
		return p.painted(severity, "Warning:")
	}
	return p.painted(severity, "Error:")
}

// painted is a text in the colour of a severity, where there is colour.
func (p *printer) painted(severity hcl.DiagnosticSeverity, text string) string {
	if !p.options.Color {
		return text
	}
	paint := color.New(color.FgRed, color.Bold)
	if severity == hcl.DiagWarning {
		paint = color.New(color.FgYellow, color.Bold)
	}
	paint.EnableColor()
	return paint.Sprint(text)
}
