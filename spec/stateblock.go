package spec

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/postgresurl"
)

// defaultStatePath is where a state is kept that no block is about, from the folder of the specification.
const defaultStatePath = ".imsctl/state.json"

type localStateBlock struct {
	Path string `hcl:"path,optional" doc:"The state's file; .imsctl/state.json when left out. A relative path starts at the folder of the specification."`
}

// PostgresState is a state in a PostgreSQL database.
type PostgresState struct {
	URL    string `hcl:"url" doc:"The database: postgres://USER:PASSWORD@HOST:PORT/DATABASE, of the server itself or of a pooler in session mode. Take the password from the environment."`
	Schema string `hcl:"schema,optional" doc:"The schema of the tables, which are made when they are missing; \"imsctl\" when left out."`
	Name   string `hcl:"name,optional" doc:"The name of this state among others in the same tables; \"default\" when left out."`
}

// The state blocks of backends that can be declared but not used yet.
type (
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
	"local": func() any { return &localStateBlock{} }, "postgres": func() any { return &PostgresState{Schema: "imsctl", Name: "default"} },
	"gcs": func() any { return &gcsStateBlock{} }, "azblob": func() any { return &azblobStateBlock{} },
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
	l.spec.State.Type, l.spec.State.Path = block.Labels[0], ""
	settings := stateBlocks[block.Labels[0]]()
	at, ok := l.decode(body{block: block, address: "imsctl.state"}, settings)
	switch settings := settings.(type) {
	case *localStateBlock:
		l.localState(settings, at, ok)
	case *PostgresState:
		l.spec.State.Settings = settings
		if ok {
			l.postgresState(settings, at)
		}
	default:
		l.spec.State.NotBuilt = fmt.Sprintf("state %q is not built yet; keep the state in a local file: state \"local\" {}", block.Labels[0])
	}
}

// localState finds the file of a state on this machine.
func (l *loader) localState(settings *localStateBlock, at places, ok bool) {
	path := settings.Path
	if ok && at.given("path") && path == "" {
		l.report(at.mistake("path", "Missing path", "The path is empty. Name a file, or leave the path out."))
		return
	}
	if path == "" {
		path = defaultStatePath
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.source.directory, path)
	}
	l.spec.State.Path = path
}

// longestIdentifier is how long a name may be in PostgreSQL, and longestStateName how long ours is, in bytes.
const longestIdentifier, longestStateName = 63, 200

// postgresState checks a state in a database.
func (l *loader) postgresState(settings *PostgresState, at places) {
	if _, err := postgresurl.Parse(settings.URL); err != nil {
		l.report(at.mistake("url", "Invalid URL", sentence(err.Error())))
	}
	for _, name := range []struct {
		attribute, value string
		longest          int
	}{{"schema", settings.Schema, longestIdentifier}, {"name", settings.Name, longestStateName}} {
		if name.value == "" || len(name.value) > name.longest || !utf8.ValidString(name.value) || strings.ContainsRune(name.value, 0) {
			l.report(at.mistake(name.attribute, "Invalid name", fmt.Sprintf("The %s of a state has 1 to %d bytes. Leave it out, or shorten it.", name.attribute, name.longest)))
		}
	}
}
