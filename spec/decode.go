package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// field is one attribute of a block: a tagged field of the struct that it is decoded into.
type field struct {
	name     string
	optional bool
	doc      string
	// kind is the family that a reference must be of, when the struct says so.
	kind  providers.Kind
	index int
	typ   reflect.Type
}

// fields lists the attributes of a struct, in its order.
func fields(structure reflect.Type) []field {
	var list []field
	for i := range structure.NumField() {
		tag, ok := structure.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		list = append(list, field{
			name: name, optional: option == "optional", doc: structure.Field(i).Tag.Get("doc"),
			kind: providers.Kind(structure.Field(i).Tag.Get("kind")), index: i, typ: structure.Field(i).Type,
		})
	}
	return list
}

// place is where the value of an attribute stands.
type place struct {
	at hcl.Range
	// given is false for null, which means: left out.
	given bool
	// secret values are not shown.
	secret bool
	// elements are the places of the elements of a list that is written as one.
	elements []hclsyntax.Expression
}

// places are where the attributes of a block stand, by name.
type places struct {
	block      *hclsyntax.Block
	attributes map[string]place
}

// of returns the place of an attribute, or that of the block where it was left out.
func (p places) of(name string) hcl.Range {
	if place, ok := p.attributes[name]; ok {
		return place.at
	}
	return p.block.DefRange()
}

// element returns the place of one element of a list, or that of the whole attribute.
func (p places) element(name string, index int) hcl.Range {
	if elements := p.attributes[name].elements; index < len(elements) {
		return elements[index].Range()
	}
	return p.of(name)
}

// given reports whether an attribute has a value.
func (p places) given(name string) bool { return p.attributes[name].given }

// mistake is an error about the value of an attribute, or about the block where name is empty. Details may quote what was
// written, so that they are left out where that is a secret.
func (p places) mistake(name, summary, detail string) *hcl.Diagnostic {
	for other, place := range p.attributes {
		if place.secret && (other == name || name == "") {
			detail = "What is wrong is not shown, because the value is made from a sensitive variable."
		}
	}
	return mistake(p.of(name), summary, detail)
}

// decode fills structs from the attributes of a block and reports what is wrong. Every attribute belongs to one of the
// structs; anything else in the block is a mistake. It returns false when a value is missing or wrong, so that nothing can
// be said about the whole.
func (l *loader) decode(block *hclsyntax.Block, targets ...any) (places, bool) {
	at := places{block: block, attributes: make(map[string]place, len(block.Body.Attributes))}
	whole := true
	var known, missing []string
	for _, target := range targets {
		value := reflect.ValueOf(target).Elem()
		for _, field := range l.fields(value.Type()) {
			known = append(known, field.name)
			attribute, present := block.Body.Attributes[field.name]
			if !present {
				if !field.optional {
					missing = append(missing, field.name)
				}
				continue
			}
			place, ok := l.set(value.Field(field.index), field, attribute)
			at.attributes[field.name] = place
			whole = whole && ok
		}
	}
	strays := l.strays(block, known)
	for _, name := range missing {
		whole = false
		// What stands there under a similar name is one mistake, not two.
		if !slices.Contains(strays, name) {
			l.report(mistake(block.DefRange(), "Missing attribute", fmt.Sprintf("%s needs the attribute %q.", describe(block), name)))
		}
	}
	return at, whole && len(strays) == 0
}

// fields are the attributes of a struct; each type is looked at once.
func (l *loader) fields(structure reflect.Type) []field {
	list, ok := l.structures[structure]
	if !ok {
		list = fields(structure)
		l.structures[structure] = list
	}
	return list
}

// strays reports what a block has and should not, and returns the names that were probably meant, "" where none is near.
func (l *loader) strays(block *hclsyntax.Block, known []string) []string {
	var meant []string
	for _, attribute := range block.Body.Attributes {
		if slices.Contains(known, attribute.Name) {
			continue
		}
		meant = append(meant, nearest(attribute.Name, known))
		l.report(mistake(attribute.NameRange, "Unknown attribute",
			fmt.Sprintf("%s has no attribute %q.%s", describe(block), attribute.Name, suggest(attribute.Name, known))))
	}
	for _, nested := range block.Body.Blocks {
		best := nearest(nested.Type, known)
		detail := fmt.Sprintf("%s has no block %q.", describe(block), nested.Type)
		switch {
		case slices.Contains(known, nested.Type):
			detail = fmt.Sprintf("%q is an attribute of %s: write %s = ….", nested.Type, describe(block), nested.Type)
		case best != "":
			detail += fmt.Sprintf(" Did you mean the attribute %q?", best)
		}
		meant = append(meant, best)
		l.report(mistake(nested.TypeRange, "Unknown block", detail))
	}
	return meant
}

// describe names a block in a sentence.
func describe(block *hclsyntax.Block) string {
	parts := []string{block.Type}
	for _, label := range block.Labels {
		parts = append(parts, fmt.Sprintf("%q", label))
	}
	return strings.Join(parts, " ")
}

// set evaluates one attribute into one field. A null leaves the field as it is. It returns false when the field could not
// be filled.
func (l *loader) set(target reflect.Value, field field, attribute *hclsyntax.Attribute) (place, bool) {
	at := place{at: attribute.Expr.Range()}
	if list, ok := attribute.Expr.(*hclsyntax.TupleConsExpr); ok {
		at.elements = list.Exprs
	}
	value, diagnostics := l.evaluator.evaluate(attribute.Expr)
	l.report(diagnostics...)
	if diagnostics.HasErrors() {
		return at, false
	}
	if value.ContainsMarked() {
		at.secret = true
		value, _ = value.UnmarkDeep()
	}
	switch {
	case value == cty.DynamicVal || !value.IsWhollyKnown():
		// What it depends on has a diagnostic of its own.
		return at, false
	case value.IsNull() && field.optional:
		return at, true
	case value.IsNull():
		l.report(mistake(at.at, "Missing value", fmt.Sprintf("%q needs a value, and this is null.", field.name)))
		return at, false
	}
	at.given = true
	if wrong := assign(target, field, value, at.secret); wrong != nil {
		where := at.at
		if wrong.element < len(at.elements) && wrong.element >= 0 {
			where = at.elements[wrong.element].Range()
		}
		l.report(mistake(where, wrong.summary, wrong.detail))
		return at, false
	}
	return at, true
}
