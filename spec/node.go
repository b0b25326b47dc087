package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// node is something that is evaluated when it is first needed: a local value, or the for_each of a block.
type node struct {
	// name is how it is referred to.
	name       string
	at         hcl.Range
	expression hclsyntax.Expression
	// value is unknown when it cannot be had.
	value cty.Value
	state nodeState
	// position is where on the trail it stands while it is being evaluated.
	position int
}

type nodeState int

const (
	nodeNew nodeState = iota
	nodeVisiting
	nodeDone
)

// visit evaluates a node, and first those that it needs. A value that cannot be had is unknown; it is told once.
func (e *evaluator) visit(n *node) {
	switch n.state {
	case nodeDone:
		return
	case nodeVisiting:
		ring := e.trail[n.position:]
		e.report(cycle(ring))
		for _, member := range ring {
			member.state, member.value = nodeDone, cty.DynamicVal
		}
		return
	}
	n.state, n.position = nodeVisiting, len(e.trail)
	e.trail = append(e.trail, n)
	value, diagnostics := e.evaluate(n.expression, nil)
	e.trail = e.trail[:len(e.trail)-1]
	if n.state == nodeDone {
		// It was part of a cycle, which has been told.
		return
	}
	e.report(diagnostics...)
	if diagnostics.HasErrors() {
		value = cty.DynamicVal
	}
	n.state, n.value = nodeDone, value
}

// cycle prints the ring, each step with its place. It begins with the name that comes first by alphabet, so that it does
// not matter where it was entered.
func cycle(ring []*node) *hcl.Diagnostic {
	first := 0
	for i, member := range ring {
		if member.name < ring[first].name {
			first = i
		}
	}
	var text strings.Builder
	for i := range ring {
		member, next := ring[(first+i)%len(ring)], ring[(first+i+1)%len(ring)]
		fmt.Fprintf(&text, "%s (%s:%d) needs %s. ", member.name, member.at.Filename, member.at.Start.Line, next.name)
	}
	summary := "Circular reference"
	if allLocals(ring) {
		summary = "Circular local values"
	}
	return mistake(ring[first].at, summary, strings.TrimSpace(text.String()))
}

func allLocals(ring []*node) bool {
	for _, member := range ring {
		if !strings.HasPrefix(member.name, "local.") {
			return false
		}
	}
	return true
}
