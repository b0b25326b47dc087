package spec

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// form is how a field of a struct is written in a block.
type form int

const (
	// formAttribute is name = value.
	formAttribute form = iota
	// formBlock is name { … }: a struct must be there once, a pointer to one may be, a slice of them as often as one likes.
	formBlock
	// formLabel is the label of a nested block.
	formLabel
)

// field is one attribute or nested block: a tagged field of the struct that the block is decoded into.
type field struct {
	name     string
	form     form
	optional bool
	doc      string
	// kind is the family that a reference must be of, when the struct says so.
	kind  providers.Kind
	index int
	typ   reflect.Type
}

// structure is the struct that a nested block is decoded into.
func (f field) structure() reflect.Type {
	if f.typ.Kind() == reflect.Struct {
		return f.typ
	}
	return f.typ.Elem()
}

// labelled reports whether the nested block has a label.
func (f field) labelled() bool {
	return slices.ContainsFunc(fields(f.structure()), func(inner field) bool { return inner.form == formLabel })
}

// fields lists the attributes and nested blocks of a struct, in its order.
func fields(structure reflect.Type) []field {
	var list []field
	for i := range structure.NumField() {
		tag, ok := structure.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		found := field{
			name: name, optional: option == "optional", doc: structure.Field(i).Tag.Get("doc"),
			kind: providers.Kind(structure.Field(i).Tag.Get("kind")), index: i, typ: structure.Field(i).Type,
		}
		switch option {
		case "block":
			found.form, found.optional = formBlock, found.typ.Kind() != reflect.Struct
		case "label":
			found.form = formLabel
		}
		list = append(list, found)
	}
	return list
}

// fields are those of a struct; each type is looked at once.
func (l *loader) fields(structure reflect.Type) []field {
	list, ok := l.structures[structure]
	if !ok {
		list = fields(structure)
		l.structures[structure] = list
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
