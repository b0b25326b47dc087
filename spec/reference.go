package spec

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// The families of blocks that only the specification knows.
const (
	kindCompression providers.Kind = "compression"
	kindRetention   providers.Kind = "retention"
	kindBackup      providers.Kind = "backup"
)

// referenceType is what an expression such as source.files.docs evaluates to.
var referenceType = cty.Capsule("reference", reflect.TypeFor[providers.Reference]())

// problem is a summary and a detail; the zero problem is none.
type problem struct{ summary, detail string }

func (p problem) split() (string, string) { return p.summary, p.detail }

// referenceOf takes the reference out of a value.
func referenceOf(value cty.Value, field field) (providers.Reference, problem) {
	if value.IsNull() || !value.Type().Equals(referenceType) {
		return providers.Reference{}, problem{"Wrong type", fmt.Sprintf("%q refers to another block, such as %s; this is %s.",
			field.name, example(field.kind), friendly(value))}
	}
	reference := *value.EncapsulatedValue().(*providers.Reference)
	if field.kind != "" && reference.Kind != field.kind {
		return providers.Reference{}, problem{"Wrong kind of reference", fmt.Sprintf("%q needs a %s, such as %s; %s is a %s.",
			field.name, field.kind, example(field.kind), reference.Address, reference.Kind)}
	}
	return reference, problem{}
}

// example shows what a reference of a kind looks like.
func example(kind providers.Kind) string {
	switch kind {
	case providers.KindSource:
		return "source.postgres.ims"
	case providers.KindDestination:
		return "destination.local.vm"
	case kindCompression:
		return "compression.balanced"
	case kindRetention:
		return "retention.week"
	default:
		return "host.local"
	}
}

// assignReferences takes a list of references.
func assignReferences(target *[]providers.Reference, field field, value cty.Value) (summary, detail string) {
	kind := value.Type()
	if !kind.IsTupleType() && !kind.IsListType() && !kind.IsSetType() {
		return "Wrong type", fmt.Sprintf("%q is a list, such as [%s]; this is %s.", field.name, example(field.kind), friendly(value))
	}
	var list []providers.Reference
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		reference, problem := referenceOf(element, field)
		if problem.summary != "" {
			return problem.split()
		}
		list = append(list, reference)
	}
	*target = list
	return "", ""
}

// names are the addresses that can be referred to, as nested objects: source → postgres → ims.
type names struct {
	// children by their step; a leaf has none.
	children map[string]*names
	address  string
	kind     providers.Kind
}

func newNames() *names { return &names{children: make(map[string]*names)} }

// add makes an address known.
func (n *names) add(kind providers.Kind, address string) {
	at := n
	for step := range strings.SplitSeq(address, ".") {
		next := at.children[step]
		if next == nil {
			next = newNames()
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

// check finds the first step of a traversal that leads nowhere.
func (n *names) check(traversal hcl.Traversal) *hcl.Diagnostic {
	at, path := n.children[traversal.RootName()], traversal.RootName()
	for _, step := range traversal[1:] {
		if at.address != "" {
			return mistake(traversal.SourceRange(), "Reference to an attribute",
				fmt.Sprintf("%s is a reference to a block; its attributes cannot be read here.", at.address))
		}
		name, ok := step.(hcl.TraverseAttr)
		if !ok {
			return nil
		}
		next := at.children[name.Name]
		if next == nil {
			return at.unknown(path, name, traversal)
		}
		at, path = next, path+"."+name.Name
	}
	if at.address == "" {
		return mistake(traversal.SourceRange(), "Incomplete reference", fmt.Sprintf("%s names no block; write it whole, such as %s.", path, at.first(path)))
	}
	return nil
}

// unknown says that a step leads nowhere, and where it might have been meant to lead.
func (n *names) unknown(path string, step hcl.TraverseAttr, traversal hcl.Traversal) *hcl.Diagnostic {
	known := make([]string, 0, len(n.children))
	for name := range n.children {
		known = append(known, name)
	}
	whole := path + "." + step.Name
	detail := fmt.Sprintf("Nothing is declared as %s.", whole)
	if best := nearest(step.Name, known); best != "" {
		detail += fmt.Sprintf(" Did you mean %s.%s?", path, best)
	}
	return mistake(traversal.SourceRange(), "Unknown reference", detail)
}

// first returns the first complete address below, by alphabet.
func (n *names) first(path string) string {
	at := n
	for at.address == "" {
		best := ""
		for step := range at.children {
			if best == "" || step < best {
				best = step
			}
		}
		if best == "" {
			return path
		}
		at = at.children[best]
	}
	return at.address
}

// rootNames are what the first word of a reference may be.
func rootNames() []string {
	return []string{"var", "local", "host", "source", "destination", "compression", "retention", "backup"}
}

// checkReferences looks at every reference of an expression before it is evaluated, because it can say more about a wrong
// one than the evaluation would.
func (e *evaluator) checkReferences(expression hclsyntax.Expression) hcl.Diagnostics {
	var diagnostics hcl.Diagnostics
	for _, traversal := range expression.Variables() {
		root := traversal.RootName()
		switch {
		case root == "var" || root == "local":
			diagnostics = append(diagnostics, e.checkValue(traversal)...)
		case e.names.children[root] != nil:
			if wrong := e.names.check(traversal); wrong != nil {
				diagnostics = append(diagnostics, wrong)
			}
		case e.context.Variables[root] == cty.NilVal:
			diagnostics = append(diagnostics, mistake(traversal.SourceRange(), "Unknown reference",
				fmt.Sprintf("%q is nothing that can be referred to; a text stands in quotes.%s", root, suggest(root, rootNames()))))
		}
	}
	return diagnostics
}

// checkValue looks at a reference to a variable or to a local value.
func (e *evaluator) checkValue(traversal hcl.Traversal) hcl.Diagnostics {
	root := traversal.RootName()
	if len(traversal) < 2 {
		return nil
	}
	step, ok := traversal[1].(hcl.TraverseAttr)
	if !ok {
		return nil
	}
	known := e.variableNames
	what := "variable"
	if root == "local" {
		known, what = e.localNames, "local value"
	}
	for _, name := range known {
		if name == step.Name {
			return nil
		}
	}
	return hcl.Diagnostics{mistake(traversal.SourceRange(), "Unknown reference",
		fmt.Sprintf("No %s %q is declared.%s", what, step.Name, suggest(step.Name, known)))}
}
