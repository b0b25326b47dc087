package planner

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/castrolanda/imsctl/internal/units"
)

// RenderOptions say how a plan is printed.
type RenderOptions struct {
	// Width of the terminal in columns; 0 is 80. Addresses are never broken.
	Width int
	// Color marks symbols and titles with ANSI colours.
	Color bool
	// Verbose adds to each action how it can be taken back and everything it waits for.
	Verbose bool
}

// defaultWidth is that of a terminal that does not tell.
const defaultWidth = 80

// sections are the parts of a printed plan, in their order.
var sections = [...]struct {
	cause Cause
	title string
}{
	{CauseRecovery, "An earlier apply was interrupted"},
	{CauseDrift, "Reality differs from the state"},
	{CauseChange, "The specification asks for more"},
	{CauseTime, "Due now"},
}

// WriteText prints a plan for people: the symbols in use, the actions by their cause, the notes, and one line that sums
// up. It reads nothing but the plan; control characters in it are shown, never sent to the terminal.
func WriteText(w io.Writer, plan *Plan, options RenderOptions) error {
	if options.Width <= 0 {
		options.Width = defaultWidth
	}
	p := &textPrinter{plan: plan, options: options}
	p.header()
	for _, section := range sections {
		p.section(section.cause, section.title)
	}
	p.notes()
	p.line(p.paint(color.Bold, Summary(plan)))
	_, err := w.Write(p.buffer.Bytes())
	return err
}

// Summary is the line that sums a plan up: "Plan: 1 to back up, 2 to replicate, 4 to prune."
func Summary(plan *Plan) string {
	var parts []string
	for _, kind := range kinds {
		if count := plan.Count(kind); count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, kind.task()))
		}
	}
	switch {
	case len(parts) == 0 && plan.RefreshOnly:
		return "No changes. The state says what is there."
	case len(parts) == 0 && slices.ContainsFunc(plan.Notes, func(note Note) bool { return note.Code == ChecksUnasked }):
		return "No changes. Everything declared is true, but for the checks, which were not asked."
	case len(parts) == 0:
		return "No changes. Everything declared is true."
	}
	return "Plan: " + strings.Join(parts, ", ") + "."
}

// textPrinter is one call of WriteText.
type textPrinter struct {
	plan    *Plan
	options RenderOptions
	buffer  bytes.Buffer
}

// header explains the symbols in use, and says when nobody looked at reality.
func (p *textPrinter) header() {
	if !p.plan.Refreshed {
		p.wrapped("", "Nobody looked at the sources and destinations: this plan takes the state's word.")
		p.line("")
	}
	if p.plan.RefreshOnly && p.plan.HasChanges() {
		p.wrapped("", "This plan only brings the state up to date with what is there.")
		p.line("")
	}
	p.legend()
}

// legend explains the symbols in use, on as many lines as it takes.
func (p *textPrinter) legend() {
	const title, gap = "Symbols: ", 3
	line, length := "", 0
	for _, kind := range kinds {
		if p.plan.Count(kind) == 0 {
			continue
		}
		size := len("+ ") + len(kind.verb())
		switch {
		case line == "":
			line, length = title, len(title)
		case length+gap+size > p.options.Width:
			p.line(line)
			line, length = strings.Repeat(" ", len(title)), len(title)
		default:
			line, length = line+strings.Repeat(" ", gap), length+gap
		}
		line, length = line+p.paint(kind.color(), kind.Symbol())+" "+kind.verb(), length+size
	}
	if line != "" {
		p.line(line)
		p.line("")
	}
}

// section prints the actions of one cause under a title.
func (p *textPrinter) section(cause Cause, title string) {
	first := true
	for _, action := range p.plan.Actions {
		if action.Common().Cause != cause {
			continue
		}
		if first {
			p.line(p.paint(color.Bold, title))
			p.line("")
			first = false
		}
		p.action(action)
	}
	if !first {
		p.line("")
	}
}

// action prints one action.
func (p *textPrinter) action(action Action) {
	meta, kind := action.Common(), action.Kind()
	suffix := ""
	if blocked, ok := action.(*Blocked); ok && blocked.Failed {
		suffix = "  " + p.paint(color.FgRed, "(needs attention)")
	}
	p.line("  " + p.paint(kind.color(), kind.Symbol()) + " " + printable(meta.Address) + suffix)
	p.wrapped("      ", meta.Reason)
	if text := prediction(action); text != "" {
		p.wrapped("      ", text)
	}
	if backup, ok := action.(*Backup); ok {
		p.wrapped("      ", "to "+strings.Join(backup.Destinations, ", "))
		if text := backup.encryptedTo(); text != "" {
			p.wrapped("      ", text)
		}
	}
	for _, fact := range factsOf(action, p.options.Verbose) {
		p.wrapped("      ", "- "+fact)
	}
	if others := othersOf(action); p.options.Verbose && len(others) > 0 {
		p.wrapped("      ", "else from "+strings.Join(others, ", "))
	}
	p.after(meta.After)
	if p.options.Verbose && meta.Undo != "" {
		p.wrapped("      ", "undo: "+meta.Undo)
	}
}

// othersOf are the origins that a copy is made from when its first one proves bad.
func othersOf(action Action) []string {
	switch action := action.(type) {
	case *Replicate:
		return action.Others
	case *Repair:
		return action.Others
	default:
		return nil
	}
}

// after prints what an action waits for; without Verbose only the first of many.
func (p *textPrinter) after(addresses []string) {
	const most = 3
	more := 0
	if !p.options.Verbose && len(addresses) > most {
		more = len(addresses) - 1
		addresses = addresses[:1]
	}
	if len(addresses) == 0 {
		return
	}
	text := "after " + strings.Join(addresses, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	p.wrapped("      ", text)
}

// notes prints what is worth knowing and nothing is done about.
func (p *textPrinter) notes() {
	if len(p.plan.Notes) == 0 {
		return
	}
	p.line(p.paint(color.Bold, "Notes"))
	p.line("")
	for _, note := range p.plan.Notes {
		lines := wrap(printable(note.Text), p.options.Width-4)
		for i, text := range lines {
			if i == 0 {
				p.line("  * " + text)
			} else {
				p.line("    " + text)
			}
		}
	}
	p.line("")
}

// wrapped prints text broken into lines, each behind an indent.
func (p *textPrinter) wrapped(indent, text string) {
	for _, line := range wrap(printable(text), p.options.Width-len(indent)) {
		p.line(indent + line)
	}
}

// line prints one line as it is.
func (p *textPrinter) line(text string) {
	p.buffer.WriteString(text)
	p.buffer.WriteByte('\n')
}

// paint colours text when colours were asked for, whatever the process's own terminal is.
func (p *textPrinter) paint(attribute color.Attribute, text string) string {
	if !p.options.Color {
		return text
	}
	ink := color.New(attribute)
	ink.EnableColor()
	return ink.Sprint(text)
}

// prediction says how much an action moves.
func prediction(action Action) string {
	meta := action.Common()
	if backup, ok := action.(*Backup); ok {
		return expectedOf(backup)
	}
	if cleanup, ok := action.(*Cleanup); meta.Bytes <= 0 || ok && cleanup.Step == StepTrash {
		return ""
	}
	size := units.Bytes(meta.Bytes)
	switch action.Kind() {
	case KindReplicate, KindRepair:
		return "copies " + size
	case KindVerify, KindAdopt:
		return "reads " + size
	case KindDrill:
		if meta.Seconds < 1 {
			return "reads " + size
		}
		return fmt.Sprintf("reads %s; the last one that passed took %s", size, seconds(meta.Seconds))
	case KindPrune, KindSweep, KindCleanup:
		return "frees " + size
	default:
		return ""
	}
}

// seconds prints a span in whole seconds without empty units: "2m10s", "1h", "45s".
func seconds(n float64) string {
	text := time.Duration(n * float64(time.Second)).Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
