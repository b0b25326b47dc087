package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// names are the addresses that can be referred to, as nested objects: source → postgres → ims.
type names struct {
	// children by their step; a leaf has none.
	children map[string]*names
	address  string
	kind     providers.Kind
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

// families are what can be referred to by address, in the order of the language reference.
func families() []providers.Kind {
	return []providers.Kind{kindCompression, kindRetention, providers.KindHost, providers.KindSource, providers.KindDestination, kindBackup}
}

// add makes an address known.
func (n *names) add(kind providers.Kind, address string) {
	at := n
	for step := range strings.SplitSeq(address, ".") {
		next := at.children[step]
		if next == nil {
			next = &names{children: make(map[string]*names)}
			at.children[step] = next
		}
		at = next
	}
	at.address, at.kind = address, kind
}

// value is what expressions see.
func (n *names) value() cty.Value {
	if n.address != "" {
		return cty.CapsuleVal(referenceType, &providers.Reference{Kind: n.kind, Address: n.address})
	}
	if len(n.children) == 0 {
		return cty.EmptyObjectVal
	}
	attributes := make(map[string]cty.Value, len(n.children))
	for step, child := range n.children {
		attributes[step] = child.value()
	}
	return cty.ObjectVal(attributes)
}

// find returns the value of a reference that check has found to be whole.
func (n *names) find(traversal hcl.Traversal) cty.Value {
	at := n.children[traversal.RootName()]
	for _, step := range traversal[1:] {
		at = at.children[step.(hcl.TraverseAttr).Name]
	}
	return cty.CapsuleVal(referenceType, &providers.Reference{Kind: at.kind, Address: at.address})
}

// check finds the first step of a traversal that leads nowhere. It returns false, without a diagnostic, where the block
// that is referred to may be one of those that have mistakes of their own.
func (n *names) check(traversal hcl.Traversal) (*hcl.Diagnostic, bool) {
	at, path := n.children[traversal.RootName()], traversal.RootName()
	family := at
	for _, step := range traversal[1:] {
		if at.address != "" && len(at.children) == 0 {
			return mistake(traversal.SourceRange(), "Reference to an attribute",
				fmt.Sprintf("%s is a reference to a block; its attributes cannot be read here.", at.address)), false
		}
		name, ok := step.(hcl.TraverseAttr)
		if !ok {
			return mistake(traversal.SourceRange(), "Invalid reference",
				fmt.Sprintf("A reference is written with dots alone, such as %s.", at.first(example(providers.Kind(traversal.RootName()))))), false
		}
		next := at.children[name.Name]
		switch {
		case next == nil && family.incomplete:
			return nil, false
		case next == nil:
			return at.unknown(path, name.Name, traversal), false
		}
		at, path = next, path+"."+name.Name
	}
	if at.address == "" {
		return mistake(traversal.SourceRange(), "Incomplete reference",
			fmt.Sprintf("%s names no block; write it whole, such as %s.", path, at.first(example(providers.Kind(traversal.RootName()))))), false
	}
	return nil, true
}

// unknown says that a step leads nowhere, and where it might have been meant to lead.
func (n *names) unknown(path, step string, traversal hcl.Traversal) *hcl.Diagnostic {
	detail := fmt.Sprintf("Nothing is declared as %s.%s.", path, step)
	if best := nearest(step, slices.Collect(maps.Keys(n.children))); best != "" {
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
