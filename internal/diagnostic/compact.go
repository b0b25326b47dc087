package diagnostic

import (
	"fmt"
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/castrolanda/imsctl/internal/terminal"
)

// WriteCompact prints the summaries alone, each once with its first place and how many more there are.
func WriteCompact(w io.Writer, list hcl.Diagnostics, options Options) {
	if len(list) == 0 {
		return
	}
	p := &printer{Writer: w, options: options}
	fmt.Fprintf(p, "\n%s\n\n", p.painted(hcl.DiagWarning, "Warnings:"))
	more := make(map[string]int)
	for _, found := range list {
		more[found.Summary]++
	}
	for _, found := range list {
		count := more[found.Summary]
		if count == 0 {
			continue
		}
		delete(more, found.Summary)
		fmt.Fprintf(p, "- %s\n", terminal.Escape(found.Summary))
		place := ""
		if at := found.Subject; at != nil {
			place = fmt.Sprintf("on %s line %d", terminal.Escape(at.Filename), at.Start.Line)
		}
		if count > 1 {
			place += fmt.Sprintf(" (and %d more)", count-1)
		}
		if place != "" {
			fmt.Fprintf(p, "  %s\n", place)
		}
	}
	fmt.Fprintln(p, "\nTo see them in full, leave -compact-warnings out.")
}
