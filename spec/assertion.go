package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// assertBlock is a condition that the specification itself must fulfil.
type assertBlock struct {
	Condition    bool   `hcl:"condition" doc:"Must be true."`
	ErrorMessage string `hcl:"error_message" doc:"What is said when it is not."`
}

// assert reports the conditions of a block that do not hold.
func (l *loader) assert(list []assertBlock, at places) bool {
	whole := true
	for i, assertion := range list {
		if assertion.Condition {
			continue
		}
		whole = false
		name := fmt.Sprintf("assert.%d.", i)
		if at.attributes[name+"error_message"].secret {
			assertion.ErrorMessage = "The error message is made from a sensitive value and not shown."
		}
		detail := assertion.ErrorMessage
		if expression, ok := at.attributes[name+"condition"].node.(hclsyntax.Expression); ok {
			detail = l.evaluator.withValues(detail, expression, at.body.scope)
		}
		l.report(mistake(at.of(name+"condition"), "Assertion failed", detail))
	}
	return whole
}
