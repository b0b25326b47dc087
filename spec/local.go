package spec

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// locals makes the local values known.
func (l *loader) locals(blocks []*hclsyntax.Block) {
	for _, block := range blocks {
		for _, attribute := range byPlace(block.Body.Attributes) {
			if other, exists := l.evaluator.locals[attribute.Name]; exists {
				l.report(duplicate("local."+attribute.Name, attribute.NameRange, other.at))
				continue
			}
			l.evaluator.locals[attribute.Name] = &node{name: "local." + attribute.Name, at: attribute.NameRange, expression: attribute.Expr}
		}
		for _, nested := range block.Body.Blocks {
			l.report(mistake(nested.TypeRange, "Unexpected block", "A locals block holds only name = value."))
		}
	}
}

// evaluateLocals evaluates also those that nothing refers to: their mistakes are mistakes.
func (l *loader) evaluateLocals() {
	for _, name := range slices.Sorted(maps.Keys(l.evaluator.locals)) {
		l.evaluator.visit(l.evaluator.locals[name])
	}
}

// byPlace lists attributes in the order in which they stand.
func byPlace(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(attributes), func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
}
