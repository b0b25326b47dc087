package spec

import (
	"errors"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// collectionFunctions are about lists, sets and maps.
var collectionFunctions = map[string]function.Function{
	"alltrue": quantifier(true), "anytrue": quantifier(false),
	"length": lengthFunction, "index": positionFunction, "matchkeys": matchKeysFunction, "one": oneFunction, "transpose": transposeFunction,
}

// anyValue is a parameter that takes everything.
func anyValue(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType}
}

// sumFunction adds the numbers of a collection.
var sumFunction = function.New(&function.Spec{
	Params: []function.Parameter{anyValue("list")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		if !arguments[0].CanIterateElements() || arguments[0].LengthInt() == 0 {
			return cty.NilVal, function.NewArgErrorf(0, "it must be a list or a set with at least one number")
		}
		total := cty.Zero
		for it := arguments[0].ElementIterator(); it.Next(); {
			_, element := it.Element()
			number, err := convert.Convert(element, cty.Number)
			if err != nil || number.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "all of its elements must be numbers")
			}
			total = total.Add(number)
		}
		return total, nil
	},
})

// quantifier reports whether all of a list are true, or any.
func quantifier(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			for it := arguments[0].ElementIterator(); it.Next(); {
				_, element := it.Element()
				if holds := !element.IsNull() && element.True(); holds != all {
					return cty.BoolVal(!all), nil
				}
			}
			return cty.BoolVal(all), nil
		},
	})
}

// lengthFunction counts the elements of a collection or the characters of a text.
var lengthFunction = function.New(&function.Spec{
	Params: []function.Parameter{anyValue("value")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		value := arguments[0]
		switch typ := value.Type(); {
		case typ == cty.String:
			return cty.NumberIntVal(int64(utf8.RuneCountInString(value.AsString()))), nil
		case typ.IsObjectType():
			return cty.NumberIntVal(int64(len(typ.AttributeTypes()))), nil
		case value.CanIterateElements():
			return value.Length(), nil
		}
		return cty.NilVal, function.NewArgErrorf(0, "it must be a list, a set, a map or a text")
	},
})

// positionFunction is the position of a value in a list.
var positionFunction = function.New(&function.Spec{
	Params: []function.Parameter{anyValue("list"), anyValue("value")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		if !arguments[0].CanIterateElements() {
			return cty.NilVal, function.NewArgErrorf(0, "it must be a list")
		}
		position := int64(0)
		for it := arguments[0].ElementIterator(); it.Next(); position++ {
			_, element := it.Element()
			if equal, err := stdlib.Equal(element, arguments[1]); err == nil && equal.IsKnown() && equal.True() {
				return cty.NumberIntVal(position), nil
			}
		}
		return cty.NilVal, errors.New("the list does not have the value")
	},
})

// matchKeysFunction keeps the values whose key, in a second list, is one of those searched.
var matchKeysFunction = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)}, {Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "searched", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(arguments []cty.Value) (cty.Type, error) { return arguments[0].Type(), nil },
	Impl: func(arguments []cty.Value, typ cty.Type) (cty.Value, error) {
		values, keys := arguments[0].AsValueSlice(), arguments[1].AsValueSlice()
		if len(values) != len(keys) {
			return cty.NilVal, errors.New("the lists of values and keys must be equally long")
		}
		var kept []cty.Value
		for i, key := range keys {
			for _, searched := range arguments[2].AsValueSlice() {
				if equal, err := stdlib.Equal(key, searched); err == nil && equal.IsKnown() && equal.True() {
					kept = append(kept, values[i])
					break
				}
			}
		}
		if len(kept) == 0 {
			return cty.ListValEmpty(typ.ElementType()), nil
		}
		return cty.ListVal(kept), nil
	},
})

// oneFunction is the only element of a collection, or null when it is empty.
var oneFunction = function.New(&function.Spec{
	Params: []function.Parameter{anyValue("list")},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		if typ := arguments[0].Type(); !typ.IsListType() && !typ.IsSetType() && !typ.IsTupleType() || arguments[0].LengthInt() > 1 {
			return cty.NilVal, function.NewArgErrorf(0, "it must be a list or a set with one element or none")
		}
		for it := arguments[0].ElementIterator(); it.Next(); {
			_, element := it.Element()
			return element, nil
		}
		return cty.NullVal(cty.DynamicPseudoType), nil
	},
})

// transposeFunction swaps the keys and the texts of a map of lists.
var transposeFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(arguments []cty.Value, typ cty.Type) (cty.Value, error) {
		swapped := make(map[string][]cty.Value)
		for it := arguments[0].ElementIterator(); it.Next(); {
			key, list := it.Element()
			for inner := list.ElementIterator(); inner.Next(); {
				_, text := inner.Element()
				if text.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "its lists must not hold null")
				}
				swapped[text.AsString()] = append(swapped[text.AsString()], key)
			}
		}
		if len(swapped) == 0 {
			return cty.MapValEmpty(typ.ElementType()), nil
		}
		lists := make(map[string]cty.Value, len(swapped))
		for text, keys := range swapped {
			lists[text] = cty.ListVal(keys)
		}
		return cty.MapVal(lists), nil
	},
})

// collectionFunction converts to a list or a set. The library looks for a type that all elements of a tuple have in time that is
// quadratic in their number; where all have the same, there is nothing to look for.
func collectionFunction(of func(cty.Type) cty.Type, make func([]cty.Value) cty.Value, otherwise function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowDynamicType: true}},
		Type: func(arguments []cty.Value) (cty.Type, error) {
			if element, ok := uniform(arguments[0].Type()); ok {
				return of(element), nil
			}
			return otherwise.ReturnTypeForValues(arguments)
		},
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			value, marks := arguments[0].Unmark()
			if _, ok := uniform(value.Type()); ok && !value.IsNull() {
				return make(value.AsValueSlice()).WithMarks(marks), nil
			}
			return otherwise.Call(arguments)
		},
	})
}

// uniform is the type of the elements of a tuple in which all have the same.
func uniform(typ cty.Type) (cty.Type, bool) {
	if !typ.IsTupleType() || typ.Length() == 0 {
		return cty.NilType, false
	}
	elements := typ.TupleElementTypes()
	for _, element := range elements {
		if !element.IsPrimitiveType() || element != elements[0] {
			return cty.NilType, false
		}
	}
	return elements[0], true
}
