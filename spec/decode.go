package spec

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

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

// places are where the attributes of a block stand, by name: the ranges of their values.
type places map[string]hcl.Range

// of returns the place of an attribute, or that of the block where it was left out.
func (p places) of(name string, block *hclsyntax.Block) hcl.Range {
	if at, ok := p[name]; ok {
		return at
	}
	return block.DefRange()
}

// decode fills structs from the attributes of a block. Every attribute belongs to one of the structs; anything else in
// the block is a mistake.
func (e *evaluator) decode(block *hclsyntax.Block, targets ...any) (places, hcl.Diagnostics) {
	found := make(places, len(block.Body.Attributes))
	var diagnostics hcl.Diagnostics
	known := make(map[string]bool)
	var names []string
	for _, target := range targets {
		value := reflect.ValueOf(target).Elem()
		for _, field := range fields(value.Type()) {
			known[field.name] = true
			names = append(names, field.name)
			attribute, present := block.Body.Attributes[field.name]
			if !present {
				if !field.optional {
					diagnostics = append(diagnostics, mistake(block.DefRange(), "Missing attribute",
						fmt.Sprintf("%s needs the attribute %q.", describe(block), field.name)))
				}
				continue
			}
			found[field.name] = attribute.Expr.Range()
			diagnostics = append(diagnostics, e.set(value.Field(field.index), field, attribute)...)
		}
	}
	for _, attribute := range block.Body.Attributes {
		if !known[attribute.Name] {
			diagnostics = append(diagnostics, mistake(attribute.NameRange, "Unknown attribute",
				fmt.Sprintf("%s has no attribute %q.%s", describe(block), attribute.Name, suggest(attribute.Name, names))))
		}
	}
	for _, nested := range block.Body.Blocks {
		detail := fmt.Sprintf("%s has no block %q.", describe(block), nested.Type)
		if known[nested.Type] {
			detail = fmt.Sprintf("%q is an attribute of %s: write %s = { … }.", nested.Type, describe(block), nested.Type)
		}
		diagnostics = append(diagnostics, mistake(nested.TypeRange, "Unknown block", detail))
	}
	return found, diagnostics
}

// describe names a block in a sentence.
func describe(block *hclsyntax.Block) string {
	parts := []string{block.Type}
	for _, label := range block.Labels {
		parts = append(parts, fmt.Sprintf("%q", label))
	}
	return strings.Join(parts, " ")
}

// set evaluates one attribute into one field. A null leaves the field as it is.
func (e *evaluator) set(target reflect.Value, field field, attribute *hclsyntax.Attribute) hcl.Diagnostics {
	value, diagnostics := e.evaluate(attribute.Expr)
	if diagnostics.HasErrors() {
		return diagnostics
	}
	value, marks := value.UnmarkDeep()
	if !value.IsWhollyKnown() {
		// What it depends on has a diagnostic of its own.
		return diagnostics
	}
	if value.IsNull() {
		if field.optional {
			return diagnostics
		}
		return append(diagnostics, mistake(attribute.Expr.Range(), "Missing value", fmt.Sprintf("%q needs a value, and this is null.", field.name)))
	}
	if summary, detail := assign(target, field, value, len(marks) > 0); summary != "" {
		diagnostics = append(diagnostics, mistake(attribute.Expr.Range(), summary, detail))
	}
	return diagnostics
}

// assign puts a value into a field, or says why it cannot.
func assign(target reflect.Value, field field, value cty.Value, secret bool) (summary, detail string) {
	switch destination := target.Addr().Interface().(type) {
	case *providers.Reference:
		reference, problem := referenceOf(value, field)
		*destination = reference
		return problem.split()
	case *[]providers.Reference:
		return assignReferences(destination, field, value)
	case encoding.TextUnmarshaler:
		text, err := convert.Convert(value, cty.String)
		if err != nil || text.IsNull() {
			return "Wrong type", fmt.Sprintf("%q is a text in quotes, such as \"24h\"; this is %s.", field.name, friendly(value))
		}
		if err := destination.UnmarshalText([]byte(text.AsString())); err != nil {
			if secret {
				return "Invalid value", fmt.Sprintf("The value of %q, which is sensitive and not shown, is not valid.", field.name)
			}
			return "Invalid value", sentence(err.Error())
		}
		return "", ""
	}
	return assignPlain(target, field, value)
}

// assignPlain puts a value into a field of a plain type.
func assignPlain(target reflect.Value, field field, value cty.Value) (summary, detail string) {
	wrong := func(expected string) (string, string) {
		return "Wrong type", fmt.Sprintf("%q is %s; this is %s.", field.name, expected, friendly(value))
	}
	switch target.Kind() {
	case reflect.String:
		converted, err := convert.Convert(value, cty.String)
		if err != nil || !value.Type().IsPrimitiveType() {
			return wrong("a text")
		}
		target.SetString(converted.AsString())
	case reflect.Bool:
		converted, err := convert.Convert(value, cty.Bool)
		if err != nil {
			return wrong("true or false")
		}
		target.SetBool(converted.True())
	case reflect.Int, reflect.Int64:
		converted, err := convert.Convert(value, cty.Number)
		if err != nil {
			return wrong("a whole number")
		}
		number, accuracy := converted.AsBigFloat().Int64()
		if accuracy != big.Exact {
			return wrong("a whole number")
		}
		target.SetInt(number)
	case reflect.Slice:
		list, err := convert.Convert(value, cty.List(cty.String))
		if err != nil || hasNull(list) {
			return wrong("a list of texts")
		}
		result := reflect.MakeSlice(target.Type(), 0, list.LengthInt())
		for _, element := range list.AsValueSlice() {
			result = reflect.Append(result, reflect.ValueOf(element.AsString()))
		}
		target.Set(result)
	case reflect.Map:
		texts, err := convert.Convert(value, cty.Map(cty.String))
		if err != nil || hasNull(texts) {
			return wrong("a map of texts")
		}
		result := reflect.MakeMap(target.Type())
		for key, element := range texts.AsValueMap() {
			result.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(element.AsString()))
		}
		target.Set(result)
	default:
		panic(fmt.Sprintf("attribute %q has a type that specifications do not have: %s", field.name, target.Type()))
	}
	return "", ""
}

// hasNull reports whether a collection holds a null.
func hasNull(collection cty.Value) bool {
	for it := collection.ElementIterator(); it.Next(); {
		if _, element := it.Element(); element.IsNull() {
			return true
		}
	}
	return false
}

// friendly names the type of a value for people.
func friendly(value cty.Value) string {
	if value.Type().Equals(referenceType) {
		return "a reference to " + value.EncapsulatedValue().(*providers.Reference).Address
	}
	switch name := value.Type().FriendlyName(); name {
	case "bool":
		return "true or false"
	case "string":
		return "a text"
	case "object":
		return "an object"
	case "tuple":
		return "a list"
	default:
		return "a " + name
	}
}

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
