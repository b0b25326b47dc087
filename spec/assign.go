package spec

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/castrolanda/imsctl/providers"
)

// problem is why a value does not fit.
type problem struct {
	summary, detail string
	// element is the index of the list's element that does not fit; -1 when it is the value as a whole.
	element int
}

// wrongType says what was expected and what was found.
func wrongType(field field, expected string, value cty.Value) *problem {
	return &problem{"Wrong type", fmt.Sprintf("%q is %s; this is %s.", field.name, expected, friendly(value)), -1}
}

// assign puts a value, known and not null, into a field, or says why it cannot. A secret value is not quoted.
func assign(target reflect.Value, field field, value cty.Value, secret bool) *problem {
	switch destination := target.Addr().Interface().(type) {
	case *providers.Reference:
		reference, wrong := referenceOf(value, field)
		*destination = reference
		return wrong
	case *[]providers.Reference:
		return assignReferences(destination, field, value)
	case encoding.TextUnmarshaler:
		return assignText(destination, field, value, secret)
	}
	switch target.Kind() {
	case reflect.String:
		text, ok := plain(value, cty.String)
		if !ok {
			return wrongType(field, "a text", value)
		}
		target.SetString(text.AsString())
	case reflect.Bool:
		truth, ok := plain(value, cty.Bool)
		if !ok {
			return wrongType(field, "true or false", value)
		}
		target.SetBool(truth.True())
	case reflect.Int, reflect.Int64:
		return assignNumber(target, field, value, secret)
	case reflect.Slice:
		return assignList(target, field, value)
	case reflect.Map:
		return assignMap(target, field, value)
	default:
		panic(fmt.Sprintf("attribute %q has a type that specifications do not have: %s", field.name, target.Type()))
	}
	return nil
}

// plain converts between text, number and bool as HCL does.
func plain(value cty.Value, typ cty.Type) (cty.Value, bool) {
	if value.IsNull() || !value.Type().IsPrimitiveType() {
		return cty.NilVal, false
	}
	converted, err := convert.Convert(value, typ)
	return converted, err == nil
}

// assignText lets a type read its own text.
func assignText(destination encoding.TextUnmarshaler, field field, value cty.Value, secret bool) *problem {
	text, ok := plain(value, cty.String)
	if !ok {
		return wrongType(field, "a text in quotes, such as \"24h\"", value)
	}
	err := destination.UnmarshalText([]byte(text.AsString()))
	switch {
	case err != nil && secret:
		return &problem{"Invalid value", fmt.Sprintf("The value of %q, which is sensitive and not shown, is not valid.", field.name), -1}
	case err != nil:
		return &problem{"Invalid value", sentence(err.Error()), -1}
	}
	return nil
}

func assignNumber(target reflect.Value, field field, value cty.Value, secret bool) *problem {
	converted, ok := plain(value, cty.Number)
	if !ok {
		return wrongType(field, "a whole number", value)
	}
	number, accuracy := converted.AsBigFloat().Int64()
	if accuracy != big.Exact || target.OverflowInt(number) {
		found := "another number"
		if !secret {
			found = converted.AsBigFloat().Text('g', 20)
		}
		return &problem{"Wrong type", fmt.Sprintf("%q is a whole number; this is %s.", field.name, found), -1}
	}
	target.SetInt(number)
	return nil
}

func assignList(target reflect.Value, field field, value cty.Value) *problem {
	if kind := value.Type(); !kind.IsTupleType() && !kind.IsListType() && !kind.IsSetType() {
		return wrongType(field, map[bool]string{true: "a list of whole numbers", false: "a list of texts"}[target.Type().Elem().Kind() == reflect.Int64], value)
	}
	if target.Type().Elem().Kind() == reflect.Int64 {
		return assignNumbers(target, field, value)
	}
	result := reflect.MakeSlice(target.Type(), 0, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		text, ok := plain(element, cty.String)
		if !ok {
			return &problem{"Wrong type", fmt.Sprintf("%q is a list of texts; this element is %s.", field.name, friendly(element)), result.Len()}
		}
		result = reflect.Append(result, reflect.ValueOf(text.AsString()))
	}
	target.Set(result)
	return nil
}

func assignNumbers(target reflect.Value, field field, value cty.Value) *problem {
	var result []int64
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		number, accuracy := int64(0), big.Below
		if converted, ok := plain(element, cty.Number); ok {
			number, accuracy = converted.AsBigFloat().Int64()
		}
		if accuracy != big.Exact {
			return &problem{"Wrong type", fmt.Sprintf("%q is a list of whole numbers; this element is %s.", field.name, friendly(element)), len(result)}
		}
		result = append(result, number)
	}
	target.Set(reflect.ValueOf(result))
	return nil
}

func assignMap(target reflect.Value, field field, value cty.Value) *problem {
	if !value.Type().IsObjectType() && !value.Type().IsMapType() {
		return wrongType(field, "a map of texts", value)
	}
	result := reflect.MakeMap(target.Type())
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		text, ok := plain(element, cty.String)
		if !ok {
			return &problem{"Wrong type", fmt.Sprintf("%q is a map of texts; one of its values is %s.", field.name, friendly(element)), -1}
		}
		result.SetMapIndex(reflect.ValueOf(key.AsString()), reflect.ValueOf(text.AsString()))
	}
	target.Set(result)
	return nil
}

// friendly names the type of a value for people.
func friendly(value cty.Value) string {
	if value.IsNull() {
		return "null"
	}
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
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
