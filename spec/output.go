package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// outputBlock is what an output block can hold besides its value, which is of any type.
type outputBlock struct {
	Description string `hcl:"description,optional" doc:"What it is."`
	Sensitive   bool   `hcl:"sensitive,optional" doc:"Never show the value."`
}

// outputs evaluates what the specification shows.
func (l *loader) outputs() {
	for _, b := range l.bodies["output"] {
		plain, attributes := without(b.block, "value")
		var options outputBlock
		_, ok := l.decode(body{block: plain, address: b.address, taken: []string{"value"}}, &options)
		attribute := attributes["value"]
		if attribute == nil {
			l.missing(b.block, "value", "value", "description", "sensitive")
			continue
		}
		value, diagnostics := l.evaluator.evaluate(attribute.Expr, nil)
		l.report(diagnostics...)
		if diagnostics.HasErrors() || !ok || value == cty.DynamicVal {
			continue
		}
		value = withoutReferences(value)
		if value.ContainsMarked() && !options.Sensitive {
			l.report(mistake(attribute.Expr.Range(), "Sensitive output",
				fmt.Sprintf("The value of output %q is made from a sensitive value: write sensitive = true in the block.", b.block.Labels[0])))
			continue
		}
		l.spec.Outputs = append(l.spec.Outputs, Output{Name: b.block.Labels[0], Description: options.Description, Sensitive: options.Sensitive, Value: value})
	}
	sortByAddress(l.spec.Outputs, func(o Output) string { return o.Name })
}

// withoutReferences puts addresses, as texts, in the place of references to blocks.
func withoutReferences(value cty.Value) cty.Value {
	plain, err := cty.Transform(value, func(_ cty.Path, inner cty.Value) (cty.Value, error) {
		unmarked, marks := inner.Unmark()
		if inner.Type().Equals(referenceType) && !unmarked.IsNull() {
			return cty.StringVal(unmarked.EncapsulatedValue().(*providers.Reference).Address).WithMarks(marks), nil
		}
		return inner, nil
	})
	if err != nil {
		// A map of references has one type for all of its values and cannot become one of texts step by step.
		return addressesOf(value)
	}
	return plain
}

// addressesOf is a map of references as an object of addresses.
func addressesOf(value cty.Value) cty.Value {
	unmarked, marks := value.Unmark()
	attributes := make(map[string]cty.Value)
	for it := unmarked.ElementIterator(); it.Next(); {
		key, element := it.Element()
		attributes[key.AsString()] = withoutReferences(element)
	}
	return cty.ObjectVal(attributes).WithMarks(marks)
}

// Evaluate gives an expression its value in the specification, as a person at a console would write it. References to blocks
// become their addresses. The value has its marks: see Shown.
func (s *Spec) Evaluate(text string) (cty.Value, Diagnostics) {
	const name = "expression"
	files := map[string]*hcl.File{name: {Bytes: []byte(text)}}
	if err := checkDepth([]byte(text)); err != nil {
		return cty.NilVal, Diagnostics{List: hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid expression", Detail: sentence(err.Error())}}}
	}
	expression, found := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if found.HasErrors() {
		return cty.NilVal, Diagnostics{List: firstOf(found), Files: files}
	}
	value, found := s.evaluator.evaluate(expression, nil)
	if found.HasErrors() {
		return cty.NilVal, Diagnostics{List: sorted(found), Files: files}
	}
	return withoutReferences(value), Diagnostics{Files: files}
}

// hiddenValue stands for a value that must not be shown.
const hiddenValue = "(sensitive)"

// Shown prints a value as the language writes it, in several lines where that helps, and none of what is sensitive in it.
func Shown(value cty.Value) string {
	if value.ContainsMarked() {
		return hiddenValue
	}
	return string(hclwrite.Format(hclwrite.TokensForValue(value).Bytes()))
}

// without takes attributes out of a block.
func without(block *hclsyntax.Block, names ...string) (*hclsyntax.Block, hclsyntax.Attributes) {
	rest, inner := *block, *block.Body
	rest.Body = &inner
	inner.Attributes = make(hclsyntax.Attributes, len(block.Body.Attributes))
	taken := make(hclsyntax.Attributes, len(names))
	for name, attribute := range block.Body.Attributes {
		inner.Attributes[name] = attribute
	}
	for _, name := range names {
		if attribute := inner.Attributes[name]; attribute != nil {
			taken[name] = attribute
			delete(inner.Attributes, name)
		}
	}
	return &rest, taken
}
