package spec

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

type settingsBlock struct {
	RequiredVersion string `hcl:"required_version,optional" doc:"The versions of imsctl that may read this specification, such as \">= 0.1.0\"."`
	Timezone        string `hcl:"timezone,optional" doc:"The time zone of schedules and calendar days; UTC when left out."`
}

type stateBlock struct {
	Path string `hcl:"path,optional" doc:"The state's file; .imsctl/state.json when left out. A relative path starts at the folder of the specification."`
}

// The state blocks of backends that can be declared but not used yet.
type (
	postgresStateBlock struct {
		URL string `hcl:"url" doc:"The database: postgres://USER:PASSWORD@HOST:PORT/DATABASE. Take the password from the environment."`
	}
	gcsStateBlock struct {
		Bucket string `hcl:"bucket" doc:"The bucket."`
		Prefix string `hcl:"prefix,optional" doc:"What the names of its objects begin with."`
	}
	azblobStateBlock struct {
		Account   string `hcl:"account" doc:"The storage account."`
		Container string `hcl:"container" doc:"The container."`
		Prefix    string `hcl:"prefix,optional" doc:"What the names of its blobs begin with."`
	}
)

// stateBlocks are the structs of state blocks by type.
var stateBlocks = map[string]func() any{
	"local": func() any { return &stateBlock{} }, "postgres": func() any { return &postgresStateBlock{} },
	"gcs": func() any { return &gcsStateBlock{} }, "azblob": func() any { return &azblobStateBlock{} },
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

// stateBackend reads a state block.
func (l *loader) stateBackend(block *hclsyntax.Block) {
	types := sortedKeys(stateBlocks)
	if len(block.Labels) != 1 || stateBlocks[block.Labels[0]] == nil {
		given := ""
		if len(block.Labels) == 1 {
			given = suggest(block.Labels[0], types)
		}
		l.report(mistake(block.DefRange(), "Unknown state backend", fmt.Sprintf(`State is kept in one of %s: write state "local" { path = "…" }.%s`, strings.Join(types, ", "), given)))
		return
	}
	l.spec.State.Type = block.Labels[0]
	settings := stateBlocks[block.Labels[0]]()
	at, ok := l.decode(body{block: block, address: "imsctl.state"}, settings)
	local, isLocal := settings.(*stateBlock)
	if !isLocal {
		l.spec.State.Path, l.spec.State.NotBuilt = "", fmt.Sprintf("state %q is not built yet; keep the state in a local file: state \"local\" {}", block.Labels[0])
		return
	}
	if !ok || !at.given("path") {
		return
	}
	if local.Path == "" {
		l.report(at.mistake("path", "Missing path", "The path is empty. Name a file, or leave the path out."))
		return
	}
	l.spec.State.Path = local.Path
	if !filepath.IsAbs(local.Path) {
		l.spec.State.Path = filepath.Join(l.source.directory, local.Path)
	}
}
