package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A message names at most so many values, each with at most so many characters or elements.
const (
	maxInvolved   = 4
	maxCharacters = 60
	maxElements   = 5
)

// involved says in a sentence what the references of an expression stand for; nothing where there are none. Sensitive values,
// and references to blocks, which say it themselves, are left out.
func involved(traversals []hcl.Traversal, context *hcl.EvalContext) string {
	var parts []string
	for _, traversal := range traversals {
		name, value := reached(traversal, context)
		if value == cty.NilVal || value.ContainsMarked() || !value.IsWhollyKnown() {
			continue
		}
		if text := describeValue(value); text != "" {
			parts = append(parts, name+" is "+text)
		}
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	if len(parts) > maxInvolved {
		parts = parts[:maxInvolved]
	}
	if len(parts) == 0 {
		return ""
	}
	return " Here " + strings.Join(parts, ", and ") + "."
}

// reached follows a reference as far as it leads.
func reached(traversal hcl.Traversal, context *hcl.EvalContext) (string, cty.Value) {
	for length := len(traversal); length > 0; length-- {
		value, diagnostics := traversal[:length].TraverseAbs(context)
		if diagnostics.HasErrors() {
			continue
		}
		if root := traversal.RootName(); length == 1 && (root == "var" || root == "local") {
			break
		}
		return written(traversal[:length]), value
	}
	return "", cty.NilVal
}

// written is a reference as it is written.
func written(traversal hcl.Traversal) string {
	text := traversal.RootName()
	for _, step := range traversal[1:] {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			text += "." + step.Name
		case hcl.TraverseIndex:
			text += "[" + describeValue(step.Key) + "]"
		}
	}
	return text
}

// describeValue shows a value that is known and not sensitive: a primitive one as it is written, of the others what they hold.
func describeValue(value cty.Value) string {
	typ := value.Type()
	switch {
	case value.IsNull():
		return "null"
	case typ == cty.String:
		return strconv.Quote(shortened(value.AsString()))
	case typ == cty.Number:
		return value.AsBigFloat().Text('g', 20)
	case typ == cty.Bool:
		return strconv.FormatBool(value.True())
	case typ.IsObjectType() || typ.IsMapType():
		return holding("a map", "key", slices.Sorted(maps.Keys(value.AsValueMap())))
	case typ.IsTupleType() || typ.IsListType() || typ.IsSetType():
		elements := value.AsValueSlice()
		texts := make([]string, len(elements))
		for i, element := range elements {
			if !element.Type().IsPrimitiveType() || element.IsNull() {
				return fmt.Sprintf("a list of %d", len(elements))
			}
			texts[i] = describeValue(element)
		}
		return holding("a list", "element", texts)
	}
	return ""
}

// holding says how many things a collection holds, and names them where they are few.
func holding(what, of string, names []string) string {
	switch {
	case len(names) == 0:
		return what + " without " + of + "s"
	case len(names) > maxElements:
		return fmt.Sprintf("%s of %d %ss", what, len(names), of)
	case len(names) == 1:
		return what + " with the " + of + " " + shortened(names[0])
	}
	return what + " with the " + of + "s " + shortened(strings.Join(names, ", "))
}

// shortened cuts a text that is too long for a sentence.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxCharacters {
		return string(runes[:maxCharacters-1]) + "…"
	}
	return text
}

// withValues adds to a person's message about a condition what its references stand for.
func (e *evaluator) withValues(message string, condition hclsyntax.Expression, inner scope) string {
	traversals := references(condition)
	values := involved(traversals, e.context(traversals, inner))
	if values != "" && !strings.HasSuffix(message, ".") && !strings.HasSuffix(message, "!") && !strings.HasSuffix(message, "?") {
		message += "."
	}
	return message + values
}
