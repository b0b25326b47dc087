package spec

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

type settingsBlock struct {
	RequiredVersion string `hcl:"required_version,optional" doc:"The versions of imsctl that may read this specification, such as \">= 0.1.0\"."`
	Timezone        string `hcl:"timezone,optional" doc:"The time zone of schedules and calendar days; UTC when left out."`
}

// settings reads the imsctl block.
func (l *loader) settings() {
	blocks := l.blocks["imsctl"]
	if len(blocks) == 0 {
		return
	}
	for _, other := range blocks[1:] {
		l.report(duplicate("imsctl", other.DefRange(), blocks[0].DefRange()))
	}
	block, states := withoutStates(blocks[0])
	for i, state := range states {
		if i > 0 {
			l.report(duplicate("state", state.DefRange(), states[0].DefRange()))
			continue
		}
		l.stateBackend(state)
	}
	var settings settingsBlock
	at, ok := l.decode(body{block: block, address: "imsctl"}, &settings)
	if !ok {
		return
	}
	if at.given("required_version") {
		l.requireVersion(settings.RequiredVersion, at)
	}
	if at.given("timezone") {
		l.timezone(settings.Timezone, at)
	}
}

// withoutStates takes the state blocks out of an imsctl block.
func withoutStates(block *hclsyntax.Block) (*hclsyntax.Block, []*hclsyntax.Block) {
	rest, body := *block, *block.Body
	rest.Body = &body
	body.Blocks = nil
	var states []*hclsyntax.Block
	for _, nested := range block.Body.Blocks {
		if nested.Type == "state" {
			states = append(states, nested)
		} else {
			body.Blocks = append(body.Blocks, nested)
		}
	}
	return &rest, states
}

// timezone reads the time zone of schedules and calendar days.
func (l *loader) timezone(name string, at places) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		l.report(at.mistake("timezone", "Unknown time zone",
			fmt.Sprintf("%q is not a time zone of the IANA database: write \"UTC\" or a name such as \"America/Sao_Paulo\".", name)))
		return
	}
	l.spec.Location = location
}

// requireVersion holds this program against required_version.
func (l *loader) requireVersion(text string, at places) {
	constraint, err := version.NewConstraint(text)
	if err != nil {
		l.report(at.mistake("required_version", "Invalid version constraint",
			fmt.Sprintf("%q is not a version constraint: write \">= 0.1.0\" or \"~> 0.1\".", text)))
		return
	}
	// A program built without a version satisfies any.
	current, err := version.NewVersion(l.options.Version)
	if err == nil && !constraint.Check(current.Core()) {
		l.report(at.mistake("required_version", "Unsupported version of imsctl",
			fmt.Sprintf("This specification requires imsctl %s; this is %s.", text, l.options.Version)))
	}
}
