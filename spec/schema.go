package spec

import (
	"encoding"
	"reflect"

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

// Schema lists every block that a specification can have, in the order of the reference.
func Schema(registry *providers.Registry) []BlockSchema {
	list := []BlockSchema{
		blockSchema("imsctl", "", settingsBlock{}),
		blockSchema(`state "local"`, "", stateBlock{}),
		{Name: "variable", Attributes: []AttributeSchema{
			{Name: "type", Type: "type", Doc: "The type that a value must have: string, number, bool, list(…), map(…), object({…}); anything when left out."},
			{Name: "default", Type: "any", Doc: "The value when none is given; without it one must be given."},
			{Name: "description", Type: "text", Doc: "What it is for."},
			{Name: "sensitive", Type: "true or false", Doc: "Never show the value."},
		}},
		{Name: "locals"},
		blockSchema("compression", "", compressionBlock{}),
		blockSchema("retention", "", retentionBlock{}),
	}
	for _, kind := range []providers.Kind{providers.KindHost, providers.KindSource, providers.KindDestination} {
		for _, typ := range registry.Types(kind) {
			provider, _ := registry.Lookup(kind, typ)
			bodies := []any{reflect.ValueOf(provider.New()).Elem().Interface()}
			if kind == providers.KindDestination {
				bodies = append(bodies, destinationBlock{})
			}
			list = append(list, blockSchema(string(kind)+` "`+typ+`"`, provider.Summary, bodies...))
		}
	}
	return append(list, blockSchema("backup", "", backupBlock{}))
}

// blockSchema describes a block by the structs that it is decoded into.
func blockSchema(name, summary string, bodies ...any) BlockSchema {
	schema := BlockSchema{Name: name, Summary: summary}
	for _, body := range bodies {
		for _, field := range fields(reflect.TypeOf(body)) {
			schema.Attributes = append(schema.Attributes, AttributeSchema{
				Name: field.name, Type: typeWords(field), Required: !field.optional, Doc: field.doc,
			})
		}
	}
	return schema
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
	if reflect.PointerTo(field.typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "duration"
	}
	switch field.typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Slice:
		return "list of texts"
	case reflect.Map:
		return "map of texts"
	default:
		return "text"
	}
}
