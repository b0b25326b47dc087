package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// locals evaluates the local values in the order in which they need each other.
func (l *loader) locals(blocks []*hclsyntax.Block) {
	walk := &localWalk{
		loader: l, attributes: make(map[string]*hclsyntax.Attribute),
		values: make(map[string]cty.Value), position: make(map[string]int),
	}
	for _, block := range blocks {
		for _, attribute := range byPlace(block.Body.Attributes) {
			if other, exists := walk.attributes[attribute.Name]; exists {
				l.report(duplicate("local."+attribute.Name, attribute.NameRange, other.NameRange))
				continue
			}
			walk.attributes[attribute.Name] = attribute
			l.evaluator.known["local"][attribute.Name] = true
		}
		for _, nested := range block.Body.Blocks {
			l.report(mistake(nested.TypeRange, "Unexpected block", "A locals block holds only name = value."))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(walk.attributes)) {
		walk.visit(name)
	}
	l.evaluator.context.Variables["local"] = cty.ObjectVal(walk.values)
}

// byPlace lists attributes in the order in which they stand.
func byPlace(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(attributes), func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
}

// localWalk evaluates local values depth first.
type localWalk struct {
	loader     *loader
	attributes map[string]*hclsyntax.Attribute
	values     map[string]cty.Value
	// trail is the way to the value that is being evaluated, position where on it a name stands, from 1.
	trail    []string
	position map[string]int
}

// visit evaluates a local value, and first those that it needs. A value that cannot be had is unknown; it is told once.
func (w *localWalk) visit(name string) {
	attribute, declared := w.attributes[name]
	if _, done := w.values[name]; done || !declared {
		return
	}
	if at := w.position[name]; at > 0 {
		w.loader.report(w.cycle(w.trail[at-1:]))
		for _, member := range w.trail[at-1:] {
			w.values[member] = cty.DynamicVal
		}
		return
	}
	w.trail = append(w.trail, name)
	w.position[name] = len(w.trail)
	needed := make(map[string]cty.Value)
	for _, traversal := range references(attribute.Expr) {
		if traversal.RootName() != "local" || len(traversal) < 2 {
			continue
		}
		if step, ok := traversal[1].(hcl.TraverseAttr); ok && w.attributes[step.Name] != nil {
			w.visit(step.Name)
			needed[step.Name] = w.values[step.Name]
		}
	}
	w.trail = w.trail[:len(w.trail)-1]
	delete(w.position, name)
	if _, inCycle := w.values[name]; inCycle {
		return
	}
	// The expression sees only what it needs: an object of all values so far, for each of them, would be quadratic.
	w.loader.evaluator.context.Variables["local"] = cty.ObjectVal(needed)
	value, diagnostics := w.loader.evaluator.evaluate(attribute.Expr)
	w.loader.report(diagnostics...)
	if diagnostics.HasErrors() {
		value = cty.DynamicVal
	}
	w.values[name] = value
}

// cycle prints the ring, each step with its place.
func (w *localWalk) cycle(ring []string) *hcl.Diagnostic {
	var text strings.Builder
	for i, name := range ring {
		at := w.attributes[name].NameRange
		fmt.Fprintf(&text, "local.%s (%s:%d) needs local.%s. ", name, at.Filename, at.Start.Line, ring[(i+1)%len(ring)])
	}
	return mistake(w.attributes[ring[0]].NameRange, "Circular local values", strings.TrimSpace(text.String()))
}
