package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// outputBlock is what an output block can hold besides its value, which is of any type.
type outputBlock struct {
	Description string `hcl:"description,optional" doc:"What it is."`
	Sensitive   bool   `hcl:"sensitive,optional" doc:"Show it only when it is asked for by name."`
}

// outputs evaluates what the specification shows.
func (l *loader) outputs() {
	for _, b := range l.bodies["output"] {
		plain, attributes := without(b.block, "value")
		var options outputBlock
		_, ok := l.decode(body{block: plain, address: b.address}, &options)
		attribute := attributes["value"]
		if attribute == nil {
			l.report(mistake(b.block.DefRange(), "Missing attribute", fmt.Sprintf("%s needs the attribute %q.", describe(b.block), "value")))
			continue
		}
		value, diagnostics := l.evaluator.evaluate(attribute.Expr, nil)
		l.report(diagnostics...)
		if diagnostics.HasErrors() || !ok || value == cty.DynamicVal {
			continue
		}
		if value.ContainsMarked() && !options.Sensitive {
			l.report(mistake(attribute.Expr.Range(), "Sensitive output",
				fmt.Sprintf("The value of output %q is made from a sensitive value: write sensitive = true in the block.", b.block.Labels[0])))
			continue
		}
		l.spec.Outputs = append(l.spec.Outputs, Output{Name: b.block.Labels[0], Description: options.Description, Sensitive: options.Sensitive, Value: value})
	}
	sortByAddress(l.spec.Outputs, func(o Output) string { return o.Name })
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
