package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// evaluator gives expressions their values. There is one for the whole specification.
type evaluator struct {
	context *hcl.EvalContext
	names   *names
	// known has the names of the variables ("var") and of the local values ("local").
	known map[string]map[string]bool
	// functionNames are by alphabet.
	functionNames []string
}

// newEvaluator knows the addresses and the functions, but no variables and no local values yet.
func newEvaluator(addresses *names, getenv func(string) (string, bool), directory string) *evaluator {
	e := &evaluator{
		names: addresses,
		known: map[string]map[string]bool{"var": {}, "local": {}},
		context: &hcl.EvalContext{
			Variables: map[string]cty.Value{"var": cty.EmptyObjectVal, "local": cty.EmptyObjectVal},
			Functions: functions(getenv, directory),
		},
	}
	e.functionNames = slices.Sorted(maps.Keys(e.context.Functions))
	for step, child := range addresses.children {
		e.context.Variables[step] = child.value()
	}
	return e
}

// evaluate returns the value of an expression: unknown, without a diagnostic, when what it needs has a mistake of its own.
func (e *evaluator) evaluate(expression hclsyntax.Expression) (cty.Value, hcl.Diagnostics) {
	traversals := references(expression)
	whole := true
	var wrong hcl.Diagnostics
	for _, traversal := range traversals {
		diagnostic, ok := e.check(traversal)
		if diagnostic != nil {
			wrong = append(wrong, diagnostic)
		}
		whole = whole && ok
	}
	if !whole {
		return cty.DynamicVal, wrong
	}
	if single, ok := expression.(*hclsyntax.ScopeTraversalExpr); ok && e.names.children[single.Traversal.RootName()] != nil {
		return e.names.find(single.Traversal), nil
	}
	value, diagnostics := expression.Value(e.context)
	for _, diagnostic := range diagnostics {
		e.improve(diagnostic, traversals)
	}
	return value, diagnostics
}

// references are the traversals in an expression. The shapes that almost all attributes have need no walk.
func references(expression hclsyntax.Expression) []hcl.Traversal {
	switch expression := expression.(type) {
	case *hclsyntax.LiteralValueExpr:
		return nil
	case *hclsyntax.ScopeTraversalExpr:
		return []hcl.Traversal{expression.Traversal}
	case *hclsyntax.TemplateExpr:
		if expression.IsStringLiteral() {
			return nil
		}
	}
	return expression.Variables()
}

// check looks at a reference before it is evaluated, because it can say more about a wrong one than the evaluation would.
// It returns false when the reference cannot be evaluated.
func (e *evaluator) check(traversal hcl.Traversal) (*hcl.Diagnostic, bool) {
	root := traversal.RootName()
	if e.names.children[root] != nil {
		return e.names.check(traversal)
	}
	known, ok := e.known[root]
	if !ok {
		return mistake(traversal.SourceRange(), "Unknown reference",
			fmt.Sprintf("%q is nothing that can be referred to; a text stands in quotes.%s", root, suggest(root, e.roots()))), false
	}
	if len(traversal) < 2 {
		return nil, true
	}
	step, ok := traversal[1].(hcl.TraverseAttr)
	if !ok || known[step.Name] {
		return nil, true
	}
	what := map[string]string{"var": "variable", "local": "local value"}[root]
	return mistake(traversal.SourceRange(), "Unknown reference",
		fmt.Sprintf("No %s %q is declared.%s", what, step.Name, suggest(step.Name, slices.Collect(maps.Keys(known))))), false
}

// roots are what the first word of a reference may be.
func (e *evaluator) roots() []string { return slices.Sorted(maps.Keys(e.context.Variables)) }

// improve adds to the messages of the library what it does not say, and takes out what it might give away.
func (e *evaluator) improve(diagnostic *hcl.Diagnostic, traversals []hcl.Traversal) {
	// The library shows the values in scope, and some of them are secrets.
	diagnostic.EvalContext, diagnostic.Expression = nil, nil
	if diagnostic.Summary == "Call to unknown function" {
		name, _, _ := strings.Cut(strings.TrimPrefix(diagnostic.Detail, `There is no function named "`), `"`)
		diagnostic.Detail = fmt.Sprintf("There is no function %q.%s", name, suggest(name, e.functionNames))
		if name == "timestamp" || name == "uuid" {
			diagnostic.Detail = fmt.Sprintf("There is no function %q: the same specification must always mean the same. Use every or schedule for what depends on the time.", name)
		}
		return
	}
	if e.secret(traversals) {
		diagnostic.Detail = "What is wrong is not shown, because the value is made from a sensitive variable."
	}
}

// secret reports whether one of the references leads to a sensitive value: functions quote their arguments when they fail.
func (e *evaluator) secret(traversals []hcl.Traversal) bool {
	for _, traversal := range traversals {
		value, diagnostics := traversal.TraverseAbs(e.context)
		if diagnostics.HasErrors() {
			value = e.context.Variables[traversal.RootName()]
		}
		if value.ContainsMarked() {
			return true
		}
	}
	return false
}
