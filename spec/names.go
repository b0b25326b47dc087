package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// names are the addresses that can be referred to, as nested objects: source → postgres → ims.
type names struct {
	// children by their step; a leaf has none.
	children map[string]*names
	address  string
	kind     providers.Kind
	// expansion is set for a block with for_each.
	expansion *expansion
	// incomplete is true of a family that lacks blocks because these have mistakes of their own.
	incomplete bool
}

// newNames knows the families and nothing in them.
func newNames() *names {
	n := &names{children: make(map[string]*names)}
	for _, family := range families() {
		n.children[string(family)] = &names{children: make(map[string]*names)}
	}
	return n
}

// add makes an address known and returns its leaf.
func (n *names) add(kind providers.Kind, steps ...string) *names {
	at := n.children[string(kind)]
	for _, step := range steps {
		next := at.children[step]
		if next == nil {
			next = &names{children: make(map[string]*names)}
			at.children[step] = next
		}
		at = next
	}
	at.address, at.kind = joinAddress(kind, steps), kind
	return at
}

// value is what an expression sees of a leaf: a reference, or a map of references where there are several instances.
func (n *names) value() cty.Value {
	if n.expansion != nil {
		return n.expansion.references
	}
	return referenceValue(n.kind, n.address)
}

func referenceValue(kind providers.Kind, address string) cty.Value {
	return cty.CapsuleVal(referenceType, &providers.Reference{Kind: kind, Address: address})
}

// leaf follows a traversal that check has found to be whole.
func (n *names) leaf(traversal hcl.Traversal) *names {
	at := n
	for i := 0; at.address == ""; i++ {
		name, _ := stepName(traversal, i)
		if i == 0 {
			name = traversal.RootName()
		}
		at = at.children[name]
	}
	return at
}

// find returns the value of a reference that check has found to be whole.
func (n *names) find(traversal hcl.Traversal) cty.Value {
	leaf := n.leaf(traversal)
	if leaf.expansion == nil {
		return leaf.value()
	}
	if key, ok := instanceKey(traversal, leaf); ok {
		return referenceValue(leaf.kind, instanceAddress(leaf.address, key))
	}
	return leaf.value()
}

// instanceKey is the key behind the address of a block with for_each.
func instanceKey(traversal hcl.Traversal, leaf *names) (string, bool) {
	depth := 2
	if labelCount(string(leaf.kind)) == 2 {
		depth = 3
	}
	return stepName(traversal, depth)
}

// part is the value of a family as far as some whole references into it need it.
func (n *names) part(traversals []hcl.Traversal, depth int) cty.Value {
	if n.address != "" {
		return n.value()
	}
	next := make(map[string][]hcl.Traversal)
	for _, traversal := range traversals {
		name, _ := stepName(traversal, depth)
		next[name] = append(next[name], traversal)
	}
	attributes := make(map[string]cty.Value, len(next))
	for name, list := range next {
		attributes[name] = n.children[name].part(list, depth+1)
	}
	return cty.ObjectVal(attributes)
}

// checkAddress finds the first step of a traversal that leads nowhere, and has the for_each evaluated of the block that it
// leads to. It returns false, without a diagnostic, where the block that is referred to may be one of those that have
// mistakes of their own.
func (e *evaluator) checkAddress(traversal hcl.Traversal) (*hcl.Diagnostic, bool) {
	root := traversal.RootName()
	at, path := e.names.children[root], root
	family := at
	for i := range traversal[1:] {
		if at.address != "" {
			return e.checkBehind(at, traversal, i+1)
		}
		name, ok := stepName(traversal, i+1)
		if _, dotted := traversal[i+1].(hcl.TraverseAttr); !ok || !dotted {
			return mistake(traversal.SourceRange(), "Invalid reference",
				fmt.Sprintf("A reference is written with dots alone, such as %s.", at.first(example(providers.Kind(root))))), false
		}
		next := at.children[name]
		switch {
		case next == nil && family.incomplete:
			return nil, false
		case next == nil:
			return at.unknown(path, name, traversal), false
		}
		at, path = next, path+"."+name
	}
	if at.address == "" {
		return mistake(traversal.SourceRange(), "Incomplete reference",
			fmt.Sprintf("%s names no block; write it whole, such as %s.", path, at.first(example(providers.Kind(root))))), false
	}
	return nil, e.expand(at.expansion)
}

// checkBehind looks at what stands behind the address of a block: a key where it has for_each, nothing otherwise.
func (e *evaluator) checkBehind(at *names, traversal hcl.Traversal, step int) (*hcl.Diagnostic, bool) {
	if at.expansion == nil {
		if _, index := traversal[step].(hcl.TraverseIndex); index {
			return mistake(traversal.SourceRange(), "Reference to an instance",
				fmt.Sprintf("%s has no for_each, so that there is only one: refer to it without a key.", at.address)), false
		}
		return mistake(traversal.SourceRange(), "Reference to an attribute",
			fmt.Sprintf("%s is a reference to a block; its attributes cannot be read here. Put the value into a local, and use that in both places.", at.address)), false
	}
	if !e.expand(at.expansion) {
		return nil, false
	}
	key, ok := stepName(traversal, step)
	if !ok {
		// A splat or a number: the evaluation says what is wrong with it.
		return nil, true
	}
	if _, known := at.expansion.index[key]; !known {
		return unknownInstance(at, key, traversal.SourceRange()), false
	}
	if step+1 < len(traversal) {
		return mistake(traversal.SourceRange(), "Reference to an attribute",
			fmt.Sprintf("%s is a reference to a block; its attributes cannot be read here. Put the value into a local, and use that in both places.", instanceAddress(at.address, key))), false
	}
	return nil, true
}

// unknown says that a step leads nowhere, and where it might have been meant to lead.
func (n *names) unknown(path, step string, traversal hcl.Traversal) *hcl.Diagnostic {
	detail := fmt.Sprintf("Nothing is declared as %s.%s.", path, step)
	if best := spelling.Nearest(step, slices.Collect(maps.Keys(n.children))); best != "" {
		detail += fmt.Sprintf(" Did you mean %s.%s?", path, best)
	}
	return mistake(traversal.SourceRange(), "Unknown reference", detail)
}

// first returns the first complete address below, by alphabet, or the given one where there is none.
func (n *names) first(otherwise string) string {
	at := n
	for at.address == "" {
		if len(at.children) == 0 {
			return otherwise
		}
		at = at.children[slices.Min(slices.Collect(maps.Keys(at.children)))]
	}
	return at.address
}
