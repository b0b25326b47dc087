package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// place is where the value of an attribute stands.
type place struct {
	// node is the expression of an attribute, or a nested block.
	node hclsyntax.Node
	// given is false for null, which means: left out.
	given bool
	// secret values are not shown.
	secret bool
}

// at is what is underlined.
func (p place) at() hcl.Range {
	if block, ok := p.node.(*hclsyntax.Block); ok {
		return block.DefRange()
	}
	return p.node.Range()
}

// element is the place of one element of a list that is written as one, and of the whole value otherwise.
func (p place) element(index int) hcl.Range {
	if list, ok := p.node.(*hclsyntax.TupleConsExpr); ok && index >= 0 && index < len(list.Exprs) {
		return list.Exprs[index].Range()
	}
	return p.at()
}

// places are where the attributes of a block stand, by name; those of a nested block by its name, a dot and theirs, with
// the number of the block between them where there can be several: "assert.0.sql".
type places struct {
	body       body
	attributes map[string]place
}

// of returns the place of an attribute or a nested block, or that of the block where it was left out.
func (p places) of(name string) hcl.Range {
	if place, ok := p.attributes[name]; ok {
		return place.at()
	}
	if outer := strings.LastIndexByte(name, '.'); outer > 0 {
		return p.of(name[:outer])
	}
	return p.body.block.DefRange()
}

// element returns the place of one element of a list, or that of the whole attribute.
func (p places) element(name string, index int) hcl.Range {
	if place, ok := p.attributes[name]; ok {
		return place.element(index)
	}
	return p.of(name)
}

// given reports whether an attribute has a value.
func (p places) given(name string) bool { return p.attributes[name].given }

// mistake is an error about the value of an attribute, or about the block where name is empty. Details may quote what was
// written, so that they are left out where that is a secret.
func (p places) mistake(name, summary, detail string) *hcl.Diagnostic {
	return p.mistakeIn(name, -1, summary, detail)
}

// mistakeIn is an error about one element of a list.
func (p places) mistakeIn(name string, index int, summary, detail string) *hcl.Diagnostic {
	for other, place := range p.attributes {
		if place.secret && (other == name || name == "") {
			detail = "What is wrong is not shown, because the value is made from a sensitive variable."
		}
	}
	return mistake(p.element(name, index), summary, detail)
}

// decode fills structs from a block and reports what is wrong. Everything in it belongs to one of the structs; anything else
// is a mistake. It returns false when a value is missing or wrong, so that nothing can be said about the whole.
func (l *loader) decode(b body, targets ...any) (places, bool) {
	at := places{body: b, attributes: make(map[string]place, len(b.block.Body.Attributes))}
	structures := make([]reflect.Value, len(targets))
	for i, target := range targets {
		structures[i] = reflect.ValueOf(target).Elem()
	}
	return at, l.fill(b, at, "", structures)
}

// fill fills structs from one block, which may be nested; prefix is its place in the whole.
func (l *loader) fill(b body, at places, prefix string, structures []reflect.Value) bool {
	whole := true
	present := 0
	var missing []field
	for _, structure := range structures {
		for _, field := range l.fields(structure.Type()) {
			target := structure.Field(field.index)
			switch field.form {
			case formLabel:
				target.SetString(b.block.Labels[0])
				continue
			case formBlock:
				filled, absent := l.nested(b, at, prefix, field, target)
				if whole = whole && filled; absent {
					missing = append(missing, field)
				}
				continue
			}
			attribute := b.block.Body.Attributes[field.name]
			if attribute == nil {
				if !field.optional {
					missing = append(missing, field)
				}
				continue
			}
			present++
			place, ok := l.set(target, field, attribute, b)
			at.attributes[prefix+field.name] = place
			whole = whole && ok
		}
	}
	var strays []string
	if present < len(b.block.Body.Attributes) || len(b.block.Body.Blocks) > 0 {
		attributes, blocks := l.names(structures)
		strays = l.strays(b.block, append(attributes, b.taken...), blocks)
	}
	for _, field := range missing {
		whole = false
		// What stands there under a similar name is one mistake, not two.
		if !slices.Contains(strays, field.name) {
			l.report(lacking(b.block, field.name, field.form))
		}
	}
	return whole && len(strays) == 0
}

// missing reports that a block lacks an attribute, unless something that is none of the known names stands there and was meant to be
// it. That is one mistake, not two, and is reported where it stands.
func (l *loader) missing(block *hclsyntax.Block, name string, known ...string) {
	meant := func(given string) bool {
		return !slices.Contains(known, given) && spelling.Nearest(given, known) == name
	}
	for given := range block.Body.Attributes {
		if meant(given) {
			return
		}
	}
	for _, nested := range block.Body.Blocks {
		if nested.Type == name || meant(nested.Type) {
			return
		}
	}
	l.report(lacking(block, name, formAttribute))
}

// lacking says that a block needs an attribute or a nested block.
func lacking(block *hclsyntax.Block, name string, form form) *hcl.Diagnostic {
	if form == formBlock {
		return mistake(block.DefRange(), "Missing block", fmt.Sprintf("%s needs a block %q.", describe(block), name))
	}
	return mistake(block.DefRange(), "Missing attribute", fmt.Sprintf("%s needs the attribute %q.", describe(block), name))
}

// names are those of the attributes and of the nested blocks of structs.
func (l *loader) names(structures []reflect.Value) (attributes []string, blocks map[string]bool) {
	blocks = make(map[string]bool)
	for _, structure := range structures {
		for _, field := range l.fields(structure.Type()) {
			switch field.form {
			case formAttribute:
				attributes = append(attributes, field.name)
			case formBlock:
				blocks[field.name] = true
			}
		}
	}
	return attributes, blocks
}

// strays reports what a block has and should not, and returns the names that were probably meant, "" where none is near.
func (l *loader) strays(block *hclsyntax.Block, known []string, blocks map[string]bool) []string {
	var meant []string
	for _, attribute := range block.Body.Attributes {
		if slices.Contains(known, attribute.Name) || attribute.Name == forEach && l.repeatable(block) {
			continue
		}
		if blocks[attribute.Name] {
			meant = append(meant, attribute.Name)
			l.report(mistake(attribute.NameRange, "Unknown attribute",
				fmt.Sprintf("%q is a block in %s: write %s { … }.", attribute.Name, describe(block), attribute.Name)))
			continue
		}
		best, bestBlock := spelling.Nearest(attribute.Name, known), spelling.Nearest(attribute.Name, sortedKeys(blocks))
		meant = append(meant, cmp.Or(best, bestBlock))
		proposal := suggest(attribute.Name, known)
		if best == "" && bestBlock != "" {
			proposal = fmt.Sprintf(" Did you mean the block %q?", bestBlock)
		}
		l.report(mistake(attribute.NameRange, "Unknown attribute", fmt.Sprintf("%s has no attribute %q.%s", describe(block), attribute.Name, proposal)))
	}
	for _, nested := range block.Body.Blocks {
		if blocks[nested.Type] || nested.Type == dynamicType && l.dynamicFits(block, nested, blocks) {
			continue
		}
		meant = append(meant, l.strayBlock(block, nested, known, blocks))
	}
	return meant
}

// strayBlock reports a nested block that does not belong there and returns what was probably meant.
func (l *loader) strayBlock(block, nested *hclsyntax.Block, known []string, blocks map[string]bool) string {
	name := nested.Type
	best, bestBlock := spelling.Nearest(name, known), spelling.Nearest(name, sortedKeys(blocks))
	detail, meant := fmt.Sprintf("%s has no block %q.", describe(block), name), cmp.Or(bestBlock, best)
	switch {
	case slices.Contains(known, name):
		detail, meant = fmt.Sprintf("%q is an attribute of %s: write %s = ….", name, describe(block), name), name
	case bestBlock != "":
		detail += fmt.Sprintf(" Did you mean %q?", bestBlock)
	case best != "":
		detail += fmt.Sprintf(" Did you mean the attribute %q?", best)
	}
	l.report(mistake(nested.TypeRange, "Unknown block", detail))
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
func (l *loader) set(target reflect.Value, field field, attribute *hclsyntax.Attribute, b body) (place, bool) {
	at := place{node: attribute.Expr}
	value, diagnostics := l.evaluator.evaluate(attribute.Expr, b.scope)
	l.report(diagnostics...)
	if diagnostics.HasErrors() {
		return at, false
	}
	// Only a value of several can have a mark or something unknown within it, and looking for that is a walk.
	several := !value.Type().IsPrimitiveType() && !value.Type().IsCapsuleType()
	if value.IsMarked() || several && value.ContainsMarked() {
		at.secret = true
		l.keepSecrets(value)
		value, _ = value.UnmarkDeep()
	}
	switch {
	case value == cty.DynamicVal || !value.IsKnown() || several && !value.IsWhollyKnown():
		// What it depends on has a diagnostic of its own.
		return at, false
	case value.IsNull() && field.optional:
		return at, true
	case value.IsNull():
		l.report(mistake(at.at(), "Missing value", fmt.Sprintf("%q needs a value, and this is null.", field.name)))
		return at, false
	}
	at.given = true
	if wrong := assign(target, field, value, at.secret); wrong != nil {
		l.report(mistake(at.element(wrong.element), wrong.summary, wrong.detail))
		return at, false
	}
	l.link(b.address, target)
	return at, true
}

// link notes which blocks an attribute refers to.
func (l *loader) link(from string, target reflect.Value) {
	switch value := target.Addr().Interface().(type) {
	case *providers.Reference:
		l.spec.References[from] = append(l.spec.References[from], value.Address)
	case *[]providers.Reference:
		for _, reference := range *value {
			l.spec.References[from] = append(l.spec.References[from], reference.Address)
		}
	}
}
