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
	context       *hcl.EvalContext
	names         *names
	variableNames []string
	localNames    []string
}

// newEvaluator knows the addresses and the functions, but no variables and no local values yet.
func newEvaluator(addresses *names, getenv func(string) (string, bool), directory string) *evaluator {
	e := &evaluator{names: addresses, context: &hcl.EvalContext{
		Variables: map[string]cty.Value{"var": cty.EmptyObjectVal, "local": cty.EmptyObjectVal},
		Functions: functions(getenv, directory),
	}}
	for step, child := range addresses.children {
		e.context.Variables[step] = child.value()
	}
	return e
}

// evaluate returns the value of an expression.
func (e *evaluator) evaluate(expression hclsyntax.Expression) (cty.Value, hcl.Diagnostics) {
	if wrong := e.checkReferences(expression); wrong.HasErrors() {
		return cty.DynamicVal, wrong
	}
	value, diagnostics := expression.Value(e.context)
	for _, diagnostic := range diagnostics {
		e.improve(diagnostic)
	}
	return value, diagnostics
}

// improve adds to the messages of the library what it does not say, and takes out what it might give away.
func (e *evaluator) improve(diagnostic *hcl.Diagnostic) {
	if diagnostic.Summary == "Call to unknown function" {
		name, _, _ := strings.Cut(strings.TrimPrefix(diagnostic.Detail, `There is no function named "`), `"`)
		known := slices.Sorted(maps.Keys(e.context.Functions))
		diagnostic.Detail = fmt.Sprintf("There is no function %q.%s", name, suggest(name, known))
		if name == "timestamp" || name == "uuid" {
			diagnostic.Detail = fmt.Sprintf("There is no function %q: the same specification must always mean the same. Use every or schedule for what depends on the time.", name)
		}
	}
	// The library shows the values in scope, and some of them are secrets.
	diagnostic.EvalContext = nil
}
