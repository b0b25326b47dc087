package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// scope holds the names that mean something in one block only: each, and the iterators of dynamic blocks.
type scope map[string]cty.Value

// with returns a scope with one name more.
func (s scope) with(name string, value cty.Value) scope {
	inner := maps.Clone(s)
	if inner == nil {
		inner = make(scope, 1)
	}
	inner[name] = value
	return inner
}

// evaluator gives expressions their values. There is one for the whole specification. What an expression needs is
// evaluated when it is first needed, and an expression sees only what it needs: a context with everything, for each of
// them, would be quadratic.
type evaluator struct {
	functions map[string]function.Function
	// functionNames are by alphabet.
	functionNames []string
	names         *names
	variables     map[string]cty.Value
	// locals by name.
	locals map[string]*node
	// trail is the way to what is being evaluated.
	trail  []*node
	report func(...*hcl.Diagnostic)
}

// newEvaluator knows the addresses and the functions, but no variables and no local values yet.
func newEvaluator(addresses *names, functions map[string]function.Function, report func(...*hcl.Diagnostic)) *evaluator {
	return &evaluator{
		functions: functions, functionNames: slices.Sorted(maps.Keys(functions)), names: addresses, report: report,
		variables: make(map[string]cty.Value), locals: make(map[string]*node),
	}
}

// evaluate returns the value of an expression: unknown, without a diagnostic, when what it needs has a mistake of its own.
func (e *evaluator) evaluate(expression hclsyntax.Expression, inner scope) (cty.Value, hcl.Diagnostics) {
	if isLiteral(expression) {
		return expression.Value(nil)
	}
	traversals := references(expression)
	whole := true
	var wrong hcl.Diagnostics
	for _, traversal := range traversals {
		diagnostic, ok := e.check(traversal, inner)
		if diagnostic != nil {
			wrong = append(wrong, diagnostic)
		}
		whole = whole && ok
	}
	if !whole {
		return cty.DynamicVal, wrong
	}
	if value, ok := e.reference(expression, inner); ok {
		return value, nil
	}
	if wrong := e.instance(expression, inner); wrong != nil {
		return cty.DynamicVal, hcl.Diagnostics{wrong}
	}
	context := e.context(traversals, inner)
	value, diagnostics := expression.Value(context)
	for _, diagnostic := range diagnostics {
		e.improve(diagnostic, traversals, context)
	}
	return value, diagnostics
}

// reference is the value of an expression that is nothing but a reference to a block, which needs no context.
func (e *evaluator) reference(expression hclsyntax.Expression, inner scope) (cty.Value, bool) {
	if list, ok := expression.(*hclsyntax.TupleConsExpr); ok {
		return e.referenceList(list, inner)
	}
	single, ok := expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return cty.NilVal, false
	}
	root := single.Traversal.RootName()
	if _, shadowed := inner[root]; shadowed || e.names.children[root] == nil {
		return cty.NilVal, false
	}
	return e.names.find(single.Traversal), true
}

// referenceList is the value of a list of nothing but such references.
func (e *evaluator) referenceList(list *hclsyntax.TupleConsExpr, inner scope) (cty.Value, bool) {
	elements := make([]cty.Value, len(list.Exprs))
	for i, expression := range list.Exprs {
		if _, nested := expression.(*hclsyntax.TupleConsExpr); nested {
			return cty.NilVal, false
		}
		value, ok := e.reference(expression, inner)
		if !ok {
			return cty.NilVal, false
		}
		elements[i] = value
	}
	return cty.TupleVal(elements), true
}

// isLiteral reports whether an expression is a number, a text or the like, which needs nothing.
func isLiteral(expression hclsyntax.Expression) bool {
	switch expression := expression.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return expression.IsStringLiteral()
	}
	return false
}

// references are the traversals in an expression. The shapes that almost all attributes have need no walk.
func references(expression hclsyntax.Expression) []hcl.Traversal {
	switch expression := expression.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return []hcl.Traversal{expression.Traversal}
	case *hclsyntax.TupleConsExpr:
		var list []hcl.Traversal
		for _, element := range expression.Exprs {
			if !isLiteral(element) {
				list = append(list, references(element)...)
			}
		}
		return list
	}
	if isLiteral(expression) {
		return nil
	}
	return expression.Variables()
}

// check looks at a reference before it is evaluated, because it can say more about a wrong one than the evaluation would,
// and evaluates what it leads to. It returns false when the reference cannot be evaluated.
func (e *evaluator) check(traversal hcl.Traversal, inner scope) (*hcl.Diagnostic, bool) {
	root := traversal.RootName()
	if _, ok := inner[root]; ok {
		return nil, true
	}
	switch {
	case e.names.children[root] != nil:
		return e.checkAddress(traversal)
	case root == "var":
		return checkName(traversal, "variable", e.variables, nil)
	case root == "local":
		return checkName(traversal, "local value", e.locals, e.visit)
	case root == "each":
		return mistake(traversal.SourceRange(), "No each here",
			`"each" has a meaning only in a block with for_each.`), false
	}
	return mistake(traversal.SourceRange(), "Unknown reference",
		fmt.Sprintf("%q is nothing that can be referred to; a text stands in quotes.%s", root, suggest(root, e.roots(inner)))), false
}

// checkName looks at var.NAME and local.NAME, and has what they lead to evaluated; without a name that is all of them.
func checkName[V any](traversal hcl.Traversal, what string, known map[string]V, visit func(V)) (*hcl.Diagnostic, bool) {
	name, single := stepName(traversal, 1)
	names := []string{name}
	if !single {
		names = slices.Sorted(maps.Keys(known))
	}
	for _, name := range names {
		value, ok := known[name]
		if !ok {
			return mistake(traversal.SourceRange(), "Unknown reference",
				fmt.Sprintf("No %s %q is declared.%s", what, name, suggest(name, slices.Collect(maps.Keys(known))))), false
		}
		if visit != nil {
			visit(value)
		}
	}
	return nil, true
}

// stepName is the name at a step of a traversal, written .NAME or ["NAME"].
func stepName(traversal hcl.Traversal, at int) (string, bool) {
	if at >= len(traversal) {
		return "", false
	}
	switch step := traversal[at].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// context is what an expression with these references needs to see.
func (e *evaluator) context(traversals []hcl.Traversal, inner scope) *hcl.EvalContext {
	variables := make(map[string]cty.Value, len(traversals))
	parts := make(map[string]map[string]cty.Value)
	addresses := make(map[string][]hcl.Traversal)
	for _, traversal := range traversals {
		root := traversal.RootName()
		switch value, ok := inner[root]; {
		case ok:
			variables[root] = value
		case root == "var" || root == "local":
			if parts[root] == nil {
				parts[root] = make(map[string]cty.Value)
			}
			e.collect(parts[root], root, traversal)
		case e.names.children[root] != nil:
			addresses[root] = append(addresses[root], traversal)
		}
	}
	for root, values := range parts {
		variables[root] = cty.ObjectVal(values)
	}
	for root, list := range addresses {
		variables[root] = e.names.children[root].part(list, 1)
	}
	return &hcl.EvalContext{Variables: variables, Functions: e.functions}
}

// collect puts what a reference to a variable or a local value needs into the values.
func (e *evaluator) collect(values map[string]cty.Value, root string, traversal hcl.Traversal) {
	name, single := stepName(traversal, 1)
	switch {
	case single && root == "var":
		values[name] = e.variables[name]
	case single:
		values[name] = e.locals[name].value
	case root == "var":
		maps.Copy(values, e.variables)
	default:
		for name, local := range e.locals {
			values[name] = local.value
		}
	}
}

// roots are what the first word of a reference may be.
func (e *evaluator) roots(inner scope) []string {
	list := append(slices.Collect(maps.Keys(inner)), "var", "local")
	for _, family := range families() {
		if !slices.Contains(terminal, family) {
			list = append(list, string(family))
		}
	}
	return list
}

// improve adds to the messages of the library what it does not say, and takes out what it might give away.
func (e *evaluator) improve(diagnostic *hcl.Diagnostic, traversals []hcl.Traversal, context *hcl.EvalContext) {
	// The library shows the values in scope, and some of them are secrets.
	diagnostic.EvalContext, diagnostic.Expression = nil, nil
	if diagnostic.Summary == "Call to unknown function" {
		name, _, _ := strings.Cut(strings.TrimPrefix(diagnostic.Detail, `There is no function named "`), `"`)
		diagnostic.Detail = fmt.Sprintf("There is no function %q.%s", name, suggest(name, e.functionNames))
		if slices.Contains(refused, name) {
			diagnostic.Detail = fmt.Sprintf("There is no function %q: the same specification must always mean the same. Use every or schedule for what depends on the time.", name)
		}
		return
	}
	if secret(traversals, context) {
		diagnostic.Detail = "What is wrong is not shown, because the value is made from a sensitive variable."
		return
	}
	diagnostic.Detail += involved(traversals, context)
}

// secret reports whether one of the references leads to a sensitive value: functions quote their arguments when they fail.
func secret(traversals []hcl.Traversal, context *hcl.EvalContext) bool {
	for _, traversal := range traversals {
		value, diagnostics := traversal.TraverseAbs(context)
		if diagnostics.HasErrors() {
			value = context.Variables[traversal.RootName()]
		}
		if value != cty.NilVal && value.ContainsMarked() {
			return true
		}
	}
	return false
}
