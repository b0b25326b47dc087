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
	kindDrill       providers.Kind = "drill"
)

// terminal are families that nothing refers to.
var terminal = []providers.Kind{kindDrill, providers.KindDeploy, providers.KindCleanup, providers.KindNotify}

// families are what has an address, in the order of the language reference.
func families() []providers.Kind {
	return []providers.Kind{kindCompression, kindRetention, providers.KindHost, providers.KindSource, providers.KindDestination, kindBackup,
		kindDrill, providers.KindCheck, providers.KindDeploy, providers.KindCleanup, providers.KindNotify}
}

// referenceType is what an expression such as source.files.docs evaluates to.
var referenceType = cty.Capsule("reference", reflect.TypeFor[providers.Reference]())

// referenceOf takes the reference out of a value.
func referenceOf(value cty.Value, field field) (providers.Reference, *problem) {
	if isReferenceMap(value) {
		return providers.Reference{}, &problem{"Reference to several blocks", fmt.Sprintf("%q takes one %s, and this block has for_each: add a key, such as %s[each.key].",
			field.name, field.family(), example(field.family())), -1}
	}
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
	case kindBackup:
		return "backup.database"
	case providers.KindCheck:
		return "check.http.services"
	default:
		return providers.LocalHost
	}
}

// assignReferences takes a list of references.
func assignReferences(target *[]providers.Reference, field field, value cty.Value) *problem {
	kind := value.Type()
	if !kind.IsTupleType() && !kind.IsListType() && !kind.IsSetType() {
		return wrongType(field, fmt.Sprintf("a list, such as [%s]", example(field.kind)), value)
	}
	type placed struct {
		value cty.Value
		index int
	}
	var elements []placed
	index := 0
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		if isReferenceMap(element) {
			// A block with for_each stands for all of its instances.
			for inner := element.ElementIterator(); inner.Next(); {
				_, instance := inner.Element()
				elements = append(elements, placed{instance, index})
			}
		} else {
			elements = append(elements, placed{element, index})
		}
		index++
	}
	list := make([]providers.Reference, 0, len(elements))
	for _, element := range elements {
		reference, wrong := referenceOf(element.value, field)
		if wrong != nil {
			wrong.element = element.index
			return wrong
		}
		list = append(list, reference)
	}
	*target = list
	return nil
}

// isReferenceMap reports whether a value is that of a block with for_each.
func isReferenceMap(value cty.Value) bool {
	return !value.IsNull() && value.Type().IsMapType() && value.Type().ElementType().Equals(referenceType)
}
