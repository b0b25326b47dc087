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
func (l *loader) locals(blocks []*hclsyntax.Block) hcl.Diagnostics {
	attributes := make(map[string]*hclsyntax.Attribute)
	var diagnostics hcl.Diagnostics
	for _, block := range blocks {
		for _, attribute := range block.Body.Attributes {
			if other, exists := attributes[attribute.Name]; exists {
				diagnostics = append(diagnostics, duplicate("local."+attribute.Name, attribute.NameRange, other.NameRange))
				continue
			}
			attributes[attribute.Name] = attribute
		}
		for _, nested := range block.Body.Blocks {
			diagnostics = append(diagnostics, mistake(nested.TypeRange, "Unexpected block", "A locals block holds only name = value."))
		}
	}
	l.evaluator.localNames = slices.Sorted(maps.Keys(attributes))
	walk := &localWalk{evaluator: l.evaluator, attributes: attributes, values: make(map[string]cty.Value)}
	for _, name := range l.evaluator.localNames {
		diagnostics = append(diagnostics, walk.visit(name)...)
	}
	return diagnostics
}

// localWalk evaluates local values depth first.
type localWalk struct {
	evaluator  *evaluator
	attributes map[string]*hclsyntax.Attribute
	values     map[string]cty.Value
	// trail is the way to the value that is being evaluated.
	trail []string
}

func (w *localWalk) visit(name string) hcl.Diagnostics {
	attribute, declared := w.attributes[name]
	if _, done := w.values[name]; done || !declared {
		return nil
	}
	if at := slices.Index(w.trail, name); at >= 0 {
		return hcl.Diagnostics{w.cycle(w.trail[at:])}
	}
	w.trail = append(w.trail, name)
	defer func() { w.trail = w.trail[:len(w.trail)-1] }()
	for _, traversal := range attribute.Expr.Variables() {
		if traversal.RootName() != "local" || len(traversal) < 2 {
			continue
		}
		if step, ok := traversal[1].(hcl.TraverseAttr); ok {
			if diagnostics := w.visit(step.Name); diagnostics.HasErrors() {
				w.set(name, cty.DynamicVal)
				return diagnostics
			}
		}
	}
	value, diagnostics := w.evaluator.evaluate(attribute.Expr)
	w.set(name, value)
	return diagnostics
}

func (w *localWalk) set(name string, value cty.Value) {
	w.values[name] = value
	w.evaluator.context.Variables["local"] = cty.ObjectVal(w.values)
}

// cycle prints the ring, each step with its place, and marks its values as done so that it is told once.
func (w *localWalk) cycle(ring []string) *hcl.Diagnostic {
	var text strings.Builder
	for i, name := range ring {
		at := w.attributes[name].NameRange
		fmt.Fprintf(&text, "local.%s (%s:%d) needs local.%s. ", name, at.Filename, at.Start.Line, ring[(i+1)%len(ring)])
	}
	return mistake(w.attributes[ring[0]].NameRange, "Circular local values", strings.TrimSpace(text.String()))
}
