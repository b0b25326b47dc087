package spec

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// dynamicType is the block that makes nested blocks from a collection.
const dynamicType = "dynamic"

// nested fills a field from the nested blocks of its name. Absent says that there is none, and there must be.
func (l *loader) nested(b body, at places, prefix string, field field, target reflect.Value) (filled, absent bool) {
	found, whole := l.nestedBodies(b, field)
	repeated := target.Kind() == reflect.Slice
	switch {
	case !repeated && len(found) > 1:
		l.report(duplicate(field.name, found[1].block.DefRange(), found[0].block.DefRange()))
		return false, false
	case len(found) == 0 && !field.optional && whole:
		return true, true
	}
	for i, inner := range found {
		name := prefix + field.name
		if repeated {
			name += "." + strconv.Itoa(i)
		}
		at.attributes[name] = place{node: inner.block, given: true}
		if !l.labels(inner.block, field) {
			whole = false
			continue
		}
		element := reflect.New(field.structure())
		if defaults, ok := element.Interface().(interface{ Defaults() }); ok {
			defaults.Defaults()
		}
		if !l.fill(inner, at, name+".", []reflect.Value{element.Elem()}) {
			whole = false
			continue
		}
		switch target.Kind() {
		case reflect.Slice:
			target.Set(reflect.Append(target, element.Elem()))
		case reflect.Pointer:
			target.Set(element)
		default:
			target.Set(element.Elem())
		}
	}
	return whole, false
}

// labels checks the number of a nested block's labels.
func (l *loader) labels(block *hclsyntax.Block, field field) bool {
	wanted := 0
	if field.labelled() {
		wanted = 1
	}
	if len(block.Labels) == wanted {
		return true
	}
	form := block.Type
	if wanted == 1 {
		form += ` "TYPE"`
	}
	l.report(mistake(block.DefRange(), "Wrong number of names", fmt.Sprintf("A %s block is written %s { … }.", block.Type, form)))
	return false
}

// nestedBodies are the nested blocks of a field, those of dynamic blocks among them, in the order in which they stand. It
// returns false when a dynamic block has a mistake.
func (l *loader) nestedBodies(b body, field field) ([]body, bool) {
	var found []body
	whole := true
	for _, nested := range b.block.Body.Blocks {
		switch {
		case nested.Type == field.name:
			found = append(found, body{block: nested, scope: b.scope, address: b.address})
		case nested.Type == dynamicType && len(nested.Labels) == 1 && nested.Labels[0] == field.name:
			made, ok := l.dynamic(b, nested)
			found, whole = append(found, made...), whole && ok
		}
	}
	return found, whole
}

// dynamicFits reports whether a dynamic block names a block that can stand there.
func (l *loader) dynamicFits(block, dynamic *hclsyntax.Block, blocks map[string]bool) bool {
	if len(dynamic.Labels) != 1 {
		l.report(mistake(dynamic.DefRange(), "Wrong number of names", `A dynamic block is written dynamic "BLOCK" { … }.`))
		return true
	}
	if name := dynamic.Labels[0]; !blocks[name] {
		l.report(mistake(dynamic.LabelRanges[0], "Unknown block", fmt.Sprintf("%s has no block %q.%s", describe(block), name, suggest(name, sortedKeys(blocks)))))
	}
	return true
}

// dynamic makes a nested block for each element of a collection:
//
//	dynamic "assert" {
//	  for_each = ["select 1 = 1"]
//	  content { sql = assert.value }
//	}
func (l *loader) dynamic(b body, block *hclsyntax.Block) ([]body, bool) {
	parts, ok := l.dynamicParts(block)
	if !ok {
		return nil, false
	}
	value, diagnostics := l.evaluator.evaluate(parts.forEach, b.scope)
	l.report(diagnostics...)
	if diagnostics.HasErrors() || value == cty.DynamicVal {
		return nil, false
	}
	value, marks := value.Unmark()
	if value.IsNull() || !value.IsKnown() || !value.CanIterateElements() || len(marks) > 0 {
		l.report(mistake(parts.forEach.Range(), "Invalid for_each", "The for_each of a dynamic block is a list, a set or a map that is neither null nor sensitive."))
		return nil, false
	}
	var made []body
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if value.Type().IsSetType() {
			key = element
		}
		content := *parts.content
		content.Type, content.Labels, content.LabelRanges = block.Labels[0], nil, nil
		content.TypeRange, content.OpenBraceRange = block.LabelRanges[0], block.OpenBraceRange
		inner := b.scope.with(parts.iterator, cty.ObjectVal(map[string]cty.Value{"key": key, "value": element}))
		for _, label := range parts.labels {
			text, found := l.evaluator.evaluate(label, inner)
			l.report(found...)
			if found.HasErrors() || text == cty.DynamicVal {
				return nil, false
			}
			if text.IsMarked() || text.IsNull() || text.Type() != cty.String {
				l.report(mistake(label.Range(), "Wrong type", "A label is a text that is neither null nor sensitive."))
				return nil, false
			}
			content.Labels = append(content.Labels, text.AsString())
			content.LabelRanges = append(content.LabelRanges, label.Range())
		}
		made = append(made, body{block: &content, scope: inner, address: b.address})
	}
	return made, true
}

// dynamicParts are what a dynamic block consists of.
type dynamicParts struct {
	forEach  hclsyntax.Expression
	labels   []hclsyntax.Expression
	iterator string
	content  *hclsyntax.Block
}

func (l *loader) dynamicParts(block *hclsyntax.Block) (dynamicParts, bool) {
	parts := dynamicParts{iterator: block.Labels[0]}
	attributes := maps.Clone(block.Body.Attributes)
	if each := attributes[forEach]; each != nil {
		parts.forEach = each.Expr
	}
	if iterator := attributes["iterator"]; iterator != nil {
		parts.iterator = hcl.ExprAsKeyword(iterator.Expr)
	}
	if labels := attributes["labels"]; labels != nil {
		list, ok := labels.Expr.(*hclsyntax.TupleConsExpr)
		if !ok {
			l.report(mistake(labels.Expr.Range(), "Wrong type", "labels is a list of texts."))
			return parts, false
		}
		parts.labels = list.Exprs
	}
	for _, name := range []string{forEach, "iterator", "labels"} {
		delete(attributes, name)
	}
	for _, stray := range byPlace(attributes) {
		l.report(mistake(stray.NameRange, "Unknown attribute", fmt.Sprintf("A dynamic block has for_each, iterator, labels and a content block, but no %q.", stray.Name)))
		return parts, false
	}
	for _, nested := range block.Body.Blocks {
		if nested.Type != "content" || parts.content != nil {
			l.report(mistake(nested.TypeRange, "Unknown block", "A dynamic block has one block, content { … }, which is what the made blocks hold."))
			return parts, false
		}
		parts.content = nested
	}
	if parts.forEach == nil || parts.content == nil || parts.iterator == "" {
		l.report(mistake(block.DefRange(), "Incomplete dynamic block", "A dynamic block needs for_each and a content block; an iterator is a name without quotes."))
		return parts, false
	}
	return parts, true
}
