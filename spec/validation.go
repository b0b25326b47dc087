package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// validate holds the value of a variable against its conditions.
func (l *loader) validate(d *declaration, value cty.Value) {
	for _, block := range d.validations {
		parts, ok := l.validationParts(block)
		if !ok || !d.whole || value == cty.DynamicVal {
			continue
		}
		result, diagnostics := l.evaluator.evaluate(parts["condition"], nil)
		l.report(diagnostics...)
		if diagnostics.HasErrors() || !result.IsKnown() {
			continue
		}
		unmarked, _ := result.UnmarkDeep()
		holds, err := convert.Convert(unmarked, cty.Bool)
		if err != nil || holds.IsNull() {
			l.report(mistake(parts["condition"].Range(), "Wrong type", "A condition is true or false."))
			continue
		}
		if holds.False() {
			l.report(mistake(d.block.DefRange(), "Invalid value", l.evaluator.withValues(
				fmt.Sprintf("Variable %q: %s", d.name, l.validationMessage(parts["error_message"])), parts["condition"], nil)))
		}
	}
}

// validationMessage is what is said of a value that is not valid.
func (l *loader) validationMessage(expression hclsyntax.Expression) string {
	message, diagnostics := l.evaluator.evaluate(expression, nil)
	if !diagnostics.HasErrors() && message.ContainsMarked() {
		return "the error message is made from a sensitive value and not shown."
	}
	if diagnostics.HasErrors() || !message.IsKnown() || message.IsNull() || message.Type() != cty.String {
		l.report(diagnostics...)
		return "the value is not valid."
	}
	return message.AsString()
}

// validationParts are the expressions of a validation block, which has exactly two.
func (l *loader) validationParts(block *hclsyntax.Block) (map[string]hclsyntax.Expression, bool) {
	parts := make(map[string]hclsyntax.Expression)
	whole := true
	for _, name := range []string{"condition", "error_message"} {
		attribute := block.Body.Attributes[name]
		if attribute == nil {
			l.missing(block, name, "condition", "error_message")
			whole = false
			continue
		}
		parts[name] = attribute.Expr
	}
	rest, _ := without(block, "condition", "error_message")
	if len(l.strays(rest, []string{"condition", "error_message"}, nil)) > 0 {
		return nil, false
	}
	return parts, whole
}
