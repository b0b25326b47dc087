package spec

import (
	"encoding"
	"reflect"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// BlockSchema describes one kind of block for people: the language reference is held against it.
type BlockSchema struct {
	// Name is how the block begins: `source "files"`.
	Name string
	// Summary is a sentence, empty where the reference has more to say.
	Summary    string
	Attributes []AttributeSchema
}

// AttributeSchema describes one attribute.
type AttributeSchema struct {
	Name string
	// Type in words: "text", "list of destinations".
	Type     string
	Required bool
	// Doc is one sentence.
	Doc string
}

// Schema lists every block that a specification can have, in the order of the reference. Nested blocks follow the one that
// they stand in, under its name and theirs.
func Schema(registry *providers.Registry) []BlockSchema {
	var list []BlockSchema
	list = append(list, blockSchema("imsctl", "", settingsBlock{})...)
	for _, typ := range []string{"local", "postgres", "gcs", "azblob"} {
		bodies := []any{reflect.ValueOf(stateBlocks[typ]()).Elem().Interface()}
		if typ != "local" {
			bodies = append(bodies, serverStateBlock{})
		}
		list = append(list, blockSchema(`state "`+typ+`"`, "", bodies...)...)
	}
	list = append(list, BlockSchema{Name: "variable", Attributes: append([]AttributeSchema{
		{Name: "type", Type: "type", Doc: "The type that a value must have: string, number, bool, list(…), set(…), map(…), object({… = optional(…)}); anything when left out."},
		{Name: "default", Type: "any", Doc: "The value when none is given; without it one must be given."},
		{Name: "validation { }", Type: "block, any number", Doc: "A condition that must be true, and the error_message that is shown when it is not."},
	}, blockSchema("", "", variableBlock{})[0].Attributes...)}, BlockSchema{Name: "locals"}, BlockSchema{Name: "output", Attributes: append([]AttributeSchema{
		{Name: "value", Type: "any", Required: true, Doc: "The value."},
	}, blockSchema("", "", outputBlock{})[0].Attributes...)})
	list = append(list, blockSchema("compression", "", compressionBlock{})...)
	list = append(list, blockSchema("retention", "", retentionBlock{})...)
	typed := func(kind providers.Kind, common ...any) {
		for _, typ := range registry.Types(kind) {
			provider, _ := registry.Lookup(kind, typ)
			bodies := append([]any{reflect.ValueOf(provider.New()).Elem().Interface()}, common...)
			list = append(list, blockSchema(string(kind)+` "`+typ+`"`, provider.Summary, bodies...)...)
		}
	}
	typed(providers.KindHost)
	typed(providers.KindSource)
	typed(providers.KindDestination, destinationBlock{})
	list = append(list, blockSchema("backup", "", backupBlock{})...)
	list = append(list, blockSchema("drill", "", drillBlock{})...)
	typed(providers.KindCheck, checkBlock{})
	list = append(list, blockSchema("deploy", "", deployBlock{})...)
	typed(providers.KindCleanup, cleanupBlock{})
	typed(providers.KindNotify, notifyBlock{})
	address := AttributeSchema{Name: "from", Type: "address of a backup or destination", Required: true, Doc: "What it was."}
	return append(list,
		BlockSchema{Name: "moved", Attributes: []AttributeSchema{address, {Name: "to", Type: "address of a backup or destination", Required: true, Doc: "What it is now."}}},
		BlockSchema{Name: "removed", Attributes: []AttributeSchema{address}},
		BlockSchema{Name: "import", Attributes: []AttributeSchema{
			{Name: "to", Type: "address of a backup", Required: true, Doc: "What it is a backup of."},
			{Name: "id", Type: "text", Required: true, Doc: "The artifact's id, as its manifest has it."},
		}})
}

// blockSchema describes a block, and the blocks in it, by the structs that it is decoded into.
func blockSchema(name, summary string, bodies ...any) []BlockSchema {
	list := []BlockSchema{{Name: name, Summary: summary}}
	for _, body := range bodies {
		for _, field := range fields(reflect.TypeOf(body)) {
			switch field.form {
			case formAttribute:
				list[0].Attributes = append(list[0].Attributes, AttributeSchema{
					Name: field.name, Type: typeWords(field), Required: !field.optional, Doc: field.doc,
				})
			case formBlock:
				list[0].Attributes = append(list[0].Attributes, AttributeSchema{
					Name: field.name + " { }", Type: blockWords(field), Required: !field.optional, Doc: field.doc,
				})
				list = append(list, blockSchema(name+" "+field.name, "", reflect.New(field.structure()).Elem().Interface())...)
			}
		}
	}
	return list
}

// blockWords says how often a nested block can be there.
func blockWords(field field) string {
	words := "block"
	if field.labelled() {
		words = "block with a type"
	}
	if field.typ.Kind() == reflect.Slice {
		words += ", any number"
	}
	return words
}

// typeWords names the type of an attribute for people.
func typeWords(field field) string {
	kind := string(field.kind)
	if kind == "" {
		kind = string(providers.KindHost)
	}
	switch field.typ {
	case reflect.TypeFor[providers.Reference]():
		return "reference to a " + kind
	case reflect.TypeFor[[]providers.Reference]():
		return "list of references to a " + kind
	}
	switch field.typ {
	case reflect.TypeFor[units.Size]():
		return "size"
	case reflect.TypeFor[units.Price]():
		return "price"
	}
	if reflect.PointerTo(field.typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "duration"
	}
	switch field.typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Slice:
		if field.typ.Elem().Kind() == reflect.Int64 {
			return "list of whole numbers"
		}
		return "list of texts"
	case reflect.Map:
		return "map of texts"
	default:
		return "text"
	}
}
