package spec

import (
	"fmt"
	"reflect"

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

// referenceOf takes the reference out of a value.
func referenceOf(value cty.Value, field field) (providers.Reference, *problem) {
	if value.IsNull() || !value.Type().Equals(referenceType) {
		return providers.Reference{}, &problem{"Wrong type", fmt.Sprintf("%q refers to another block, such as %s; this is %s.",
			field.name, example(field.kind), friendly(value)), -1}
	}
	reference := *value.EncapsulatedValue().(*providers.Reference)
	if wanted := field.family(); reference.Kind != wanted {
		return providers.Reference{}, &problem{"Wrong kind of reference", fmt.Sprintf("%q needs a %s, such as %s; %s is a %s.",
			field.name, wanted, example(wanted), reference.Address, reference.Kind), -1}
	}
	return reference, nil
}

// family is what a reference must refer to: a host unless the struct says otherwise, because hosts are all that providers know.
func (f field) family() providers.Kind {
	if f.kind == "" {
		return providers.KindHost
	}
	return f.kind
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
func assignReferences(target *[]providers.Reference, field field, value cty.Value) *problem {
	kind := value.Type()
	if !kind.IsTupleType() && !kind.IsListType() && !kind.IsSetType() {
		return wrongType(field, fmt.Sprintf("a list, such as [%s]", example(field.kind)), value)
	}
	list := make([]providers.Reference, 0, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		reference, wrong := referenceOf(element, field)
		if wrong != nil {
			wrong.element = len(list)
			return wrong
		}
		list = append(list, reference)
	}
	*target = list
	return nil
}
