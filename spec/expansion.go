package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// forEach is the attribute that makes one block stand for several.
const forEach = "for_each"

// body is a block with what its expressions can see: one instance of it, where it has for_each.
type body struct {
	block *hclsyntax.Block
	scope scope
	// address is the block's or, with the key, the instance's.
	address string
	// key is the instance's; hasKey is false for a block without for_each.
	key    string
	hasKey bool
	// taken are attributes and blocks that the reader of the block has taken out: they may have been meant by strays.
	taken []string
}

// name is unique among the blocks of its kind and fit for file names. A block's own name has no dot, so that no instance can
// have the name of another block; of a key, only small letters, digits, - and _ are kept as they are.
func (b body) name() string {
	label := b.block.Labels[len(b.block.Labels)-1]
	if !b.hasKey {
		return label
	}
	return instanceName(label, b.key)
}

// BackupName is the name of the backup with an address, declared or not.
func BackupName(address string) string {
	label, index, instance := strings.Cut(strings.TrimPrefix(address, string(kindBackup)+"."), "[")
	if key, err := strconv.Unquote(strings.TrimSuffix(index, "]")); instance && err == nil {
		return instanceName(label, key)
	}
	return label
}

// instanceName is the name of an instance.
func instanceName(label, key string) string {
	var text strings.Builder
	text.WriteString(label + ".")
	for _, character := range []byte(key) {
		if character >= 'a' && character <= 'z' || character >= '0' && character <= '9' || character == '-' || character == '_' {
			text.WriteByte(character)
		} else {
			fmt.Fprintf(&text, "%%%02x", character)
		}
	}
	return text.String()
}

// expansion is a block with for_each.
type expansion struct {
	block *hclsyntax.Block
	kind  providers.Kind
	each  *node
	// bodies are the instances in the order of their keys, index their places by key, references a map of what expressions
	// see. All are set when ready is.
	bodies     []body
	index      map[string]int
	references cty.Value
	ready      bool
	broken     bool
}

// instanceAddress is how one instance of a block is referred to.
func instanceAddress(address, key string) string { return address + "[" + strconv.Quote(key) + "]" }

// isInstance reports whether an address is that of an instance of a block.
func isInstance(address, block string) bool { return strings.HasPrefix(address, block+"[") }

// joinAddress is how a block is referred to.
func joinAddress(kind providers.Kind, labels []string) string {
	return strings.Join(append([]string{string(kind)}, labels...), ".")
}

// expand evaluates a for_each once and makes the instances. It returns false when they cannot be known.
func (e *evaluator) expand(x *expansion) bool {
	if x == nil || x.ready {
		return x == nil || !x.broken
	}
	e.visit(x.each)
	if x.ready {
		return !x.broken
	}
	x.ready = true
	if x.each.value == cty.DynamicVal {
		x.broken = true
		return false
	}
	elements, wrong := eachOf(x.each)
	if wrong != nil {
		e.report(wrong)
		x.broken = true
		return false
	}
	address := joinAddress(x.kind, x.block.Labels)
	x.bodies = make([]body, 0, len(elements))
	x.index = make(map[string]int, len(elements))
	references := make(map[string]cty.Value, len(elements))
	for i, key := range slices.Sorted(maps.Keys(elements)) {
		each := cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(key), "value": elements[key]})
		b := body{block: x.block, scope: scope{"each": each}, address: instanceAddress(address, key), key: key, hasKey: true}
		x.bodies, x.index[key] = append(x.bodies, b), i
		references[key] = referenceValue(x.kind, b.address)
	}
	x.references = cty.MapValEmpty(referenceType)
	if len(references) > 0 {
		x.references = cty.MapVal(references)
	}
	return true
}

// eachOf is the instances that a for_each makes: the values of a map or an object by key, the elements of a set by themselves.
func eachOf(each *node) (map[string]cty.Value, *hcl.Diagnostic) {
	value, at := each.value, each.expression.Range()
	typ := value.Type()
	switch {
	case value.IsMarked():
		return nil, mistake(at, "Sensitive for_each", "The keys of for_each are part of addresses, which are shown: it cannot be made from a sensitive value.")
	case value.IsNull():
		return nil, mistake(at, "Invalid for_each", "for_each is null; write {} or toset([]) for no instances.")
	case !value.IsKnown():
		return nil, mistake(at, "Invalid for_each", "The value of for_each cannot be known before everything else is.")
	case typ.IsTupleType() || typ.IsListType():
		return nil, mistake(at, "Invalid for_each", "for_each is a list, whose elements have no names; write toset([…]) for a set of texts, or a map.")
	case typ.IsSetType() && typ.ElementType() != cty.String && value.LengthInt() > 0, !typ.IsSetType() && !typ.IsMapType() && !typ.IsObjectType():
		return nil, mistake(at, "Invalid for_each", fmt.Sprintf("for_each is a map or a set of texts; this is %s.", friendly(value)))
	}
	elements := make(map[string]cty.Value, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if key.IsMarked() || key.IsNull() || typ.IsSetType() && element.IsMarked() {
			return nil, mistake(at, "Invalid for_each", "The keys of for_each must not be null or sensitive.")
		}
		if key.AsString() == "" {
			return nil, mistake(at, "Invalid for_each", "One of the keys of for_each is empty.")
		}
		if strings.ContainsAny(key.AsString(), "@#") {
			return nil, mistake(at, "Invalid for_each",
				fmt.Sprintf("The key %q has a @ or #, which have a meaning of their own in the addresses of plans.", key.AsString()))
		}
		elements[key.AsString()] = element
	}
	return elements, nil
}

// instance looks at an expression that takes one instance by a computed key, such as source.files.tree[each.key], because it
// can say more about a key that is not there than the evaluation would.
func (e *evaluator) instance(expression hclsyntax.Expression, inner scope) *hcl.Diagnostic {
	index, ok := expression.(*hclsyntax.IndexExpr)
	if !ok {
		return nil
	}
	collection, ok := index.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok || e.names.children[collection.Traversal.RootName()] == nil {
		return nil
	}
	leaf := e.names.leaf(collection.Traversal)
	if leaf.expansion == nil {
		return mistake(expression.Range(), "Reference to an instance",
			fmt.Sprintf("%s has no for_each, so that there is only one: refer to it without a key.", leaf.address))
	}
	key, diagnostics := index.Key.Value(e.context(references(index.Key), inner))
	if diagnostics.HasErrors() || key.IsMarked() || key.IsNull() || !key.IsKnown() || key.Type() != cty.String {
		// The evaluation says what is wrong with it.
		return nil
	}
	if _, known := leaf.expansion.index[key.AsString()]; !known {
		return unknownInstance(leaf, key.AsString(), expression.Range())
	}
	return nil
}

// unknownInstance says that a block with for_each has no instance of a key, and which was probably meant.
func unknownInstance(leaf *names, key string, at hcl.Range) *hcl.Diagnostic {
	detail := fmt.Sprintf("The for_each of %s has no key %q.", leaf.address, key)
	if best := spelling.Nearest(key, slices.Collect(maps.Keys(leaf.expansion.index))); best != "" {
		detail += fmt.Sprintf(" Did you mean %s?", instanceAddress(leaf.address, best))
	}
	return mistake(at, "Unknown reference", detail)
}
