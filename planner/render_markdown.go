package planner

import (
	"fmt"
	"io"
	"strings"
)

// MarkdownMarker is the first line of a plan in Markdown. A program that posts plans as comments finds its earlier one by it.
const MarkdownMarker = "<!-- imsctl plan -->"

// MinMarkdown is the smallest bound that a plan in Markdown can keep, in bytes.
const MinMarkdown = 500

// WriteMarkdown prints a plan as a comment for a pull request: the line that sums up, a table, and the details of each
// action folded away. It is at most maxBytes long (at least MinMarkdown): what does not fit is counted, the details first.
// Nothing in the plan can break out of its cell.
func WriteMarkdown(w io.Writer, plan *Plan, maxBytes int) error {
	if maxBytes < MinMarkdown {
		return fmt.Errorf("a plan in Markdown needs at least %d bytes, not %d", MinMarkdown, maxBytes)
	}
	m := &markdown{left: maxBytes}
	m.must(MarkdownMarker + "\n**" + escapeMarkdown(Summary(plan)) + "**\n")
	if !plan.Refreshed {
		m.must("\nNobody looked at the sources and destinations: this plan takes the state's word.\n")
	}
	m.table(plan.Actions)
	m.details(plan)
	_, err := io.WriteString(w, m.text.String())
	return err
}

// markdown is one call of WriteMarkdown.
type markdown struct {
	text strings.Builder
	left int
}

// must writes text that is known to fit.
func (m *markdown) must(text string) {
	m.text.WriteString(text)
	m.left -= len(text)
}

// tail is what must still fit behind rows: the line that counts what was left out.
const tail = 120

// table prints a row for each action as long as they fit.
func (m *markdown) table(actions []Action) {
	if len(actions) == 0 {
		return
	}
	m.must("\n| | address | why |\n|---|---|---|\n")
	for i, action := range actions {
		meta := action.Common()
		row := fmt.Sprintf("| `%s` | %s | %s |\n", action.Kind().Symbol(), escapeMarkdown(meta.Address), escapeMarkdown(meta.Reason))
		if len(row)+tail > m.left {
			m.must(fmt.Sprintf("\n… and %d more, which do not fit in here.\n", len(actions)-i))
			return
		}
		m.must(row)
	}
}

// details prints the notes and what each action does, if all of it fits.
func (m *markdown) details(plan *Plan) {
	var b strings.Builder
	for _, action := range plan.Actions {
		meta := action.Common()
		var facts []string
		if text := prediction(action); text != "" {
			facts = append(facts, text)
		}
		if backup, ok := action.(*Backup); ok {
			facts = append(facts, "to "+strings.Join(backup.Destinations, ", "))
			if text := backup.encryptedTo(); text != "" {
				facts = append(facts, text)
			}
		}
		facts = append(facts, factsOf(action, true)...)
		if others := othersOf(action); len(others) > 0 {
			facts = append(facts, "else from "+strings.Join(others, ", "))
		}
		if len(meta.After) > 0 {
			facts = append(facts, "after "+strings.Join(meta.After, ", "))
		}
		if meta.Undo != "" {
			facts = append(facts, "undo: "+meta.Undo)
		}
		if len(facts) > 0 {
			fmt.Fprintf(&b, "- %s: %s\n", escapeMarkdown(meta.Address), escapeMarkdown(strings.Join(facts, "; ")))
		}
	}
	for _, note := range plan.Notes {
		fmt.Fprintf(&b, "- Note: %s\n", escapeMarkdown(note.Text))
	}
	if b.Len() == 0 {
		return
	}
	text := "\n<details><summary>Details</summary>\n\n" + b.String() + "\n</details>\n"
	if len(text) <= m.left {
		m.must(text)
	}
}

// entities keep text from being read as HTML.
var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escapeMarkdown makes text of one line in which nothing is markup.
func escapeMarkdown(text string) string {
	text = entities.Replace(printable(strings.Join(strings.Fields(text), " ")))
	var b strings.Builder
	for _, character := range text {
		if strings.ContainsRune("\\`*_{}[]()#+!|~@", character) {
			b.WriteByte('\\')
		}
		b.WriteRune(character)
	}
	return b.String()
}

// WriteSummary prints a line for each action, and the line that sums up.
func WriteSummary(w io.Writer, plan *Plan) error {
	var b strings.Builder
	for _, action := range plan.Actions {
		fmt.Fprintf(&b, "%s %s\n", action.Kind().Symbol(), printable(action.Common().Address))
	}
	b.WriteString(Summary(plan) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
