package spec

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/internal/postgresurl"
)

// serverStateBlock is what the blocks of states on servers have in common.
type serverStateBlock struct {
	EncryptTo []string `hcl:"encrypt_to,optional" doc:"Recipients who can read the state (age1…, ssh-ed25519 …, ssh-rsa …). Everybody who runs imsctl needs the identity of one; whoever can reach it when left out or empty."`
}

// DefaultStatePath is where a state is kept that no block is about, from the folder of the specification.
const DefaultStatePath = ".imsctl/state.json"

type localStateBlock struct {
	Path string `hcl:"path,optional" doc:"The state's file; .imsctl/state.json when left out. A relative path starts at the folder of the specification."`
}

// PostgresState is a state in a PostgreSQL database.
type PostgresState struct {
	URL    string `hcl:"url" doc:"The database: postgres://USER:PASSWORD@HOST:PORT/DATABASE, of the server itself or of a pooler in session mode. Take the password from the environment."`
	Schema string `hcl:"schema,optional" doc:"The schema of the tables, which are made when they are missing; \"imsctl\" when left out."`
	Name   string `hcl:"name,optional" doc:"The name of this state among others in the same tables; \"default\" when left out."`
}

// GCSState is a state in a bucket of Google Cloud Storage.
type GCSState struct {
	Bucket          string `hcl:"bucket" doc:"The bucket. It must exist."`
	Prefix          string `hcl:"prefix,optional" doc:"The folder in the bucket that is this state's alone: what the names of its objects begin with, before a slash; \"imsctl-state\" when left out."`
	CredentialsFile string `hcl:"credentials_file,optional" doc:"A file with credentials, as of a destination. The application default credentials when left out."`
	Endpoint        string `hcl:"endpoint,optional" doc:"Another server with the same interface, as of a destination."`
}

// Location is where the objects are, and how to get in.
func (s *GCSState) Location() cloudstorage.Location {
	return cloudstorage.Location{Bucket: s.Bucket, Prefix: s.Prefix, CredentialsFile: s.CredentialsFile, Endpoint: s.Endpoint}
}

// AzblobState is a state in a container of Azure Blob Storage.
type AzblobState struct {
	Account          string `hcl:"account,optional" doc:"The storage account. It may be left out where connection_string names it."`
	Container        string `hcl:"container" doc:"The container. It must exist."`
	Prefix           string `hcl:"prefix,optional" doc:"The folder in the container that is this state's alone: what the names of its blobs begin with, before a slash; \"imsctl-state\" when left out."`
	Key              string `hcl:"account_key,optional" doc:"A key of the account; take it from the environment. Azure's default credentials when nothing is given."`
	SAS              string `hcl:"sas_token,optional" doc:"A shared access signature; take it from the environment."`
	ConnectionString string `hcl:"connection_string,optional" doc:"A connection string with a key or a shared access signature; take it from the environment."`
	Endpoint         string `hcl:"endpoint,optional" doc:"Another server with the same interface, as of a destination."`
}

// Location is where the blobs are, and how to get in.
func (s *AzblobState) Location() blobstorage.Location {
	return blobstorage.Location{
		Account: s.Account, Container: s.Container, Prefix: s.Prefix, Key: s.Key, SAS: s.SAS, ConnectionString: s.ConnectionString, Endpoint: s.Endpoint,
	}
}

// defaultStateFolder is the folder of a state in a store of objects.
const defaultStateFolder = "imsctl-state"

// stateBlocks are the structs of state blocks by type.
var stateBlocks = map[string]func() any{
	"local": func() any { return &localStateBlock{} }, "postgres": func() any { return &PostgresState{Schema: "imsctl", Name: "default"} },
	"gcs": func() any { return &GCSState{Prefix: defaultStateFolder} }, "azblob": func() any { return &AzblobState{Prefix: defaultStateFolder} },
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
	if local, isLocal := settings.(*localStateBlock); isLocal {
		at, ok := l.decode(body{block: block, address: "imsctl.state"}, local)
		l.localState(local, at, ok)
		return
	}
	var common serverStateBlock
	at, ok := l.decode(body{block: block, address: "imsctl.state"}, settings, &common)
	l.spec.State.Settings = settings
	if !ok {
		return
	}
	l.spec.State.Encryption = l.recipients(common.EncryptTo, at)
	var problems []endpoint.Problem
	switch settings := settings.(type) {
	case *PostgresState:
		l.postgresState(settings, at)
	case *GCSState:
		location := settings.Location()
		problems = append(location.Check(), needsFolder(settings.Prefix)...)
	case *AzblobState:
		location := settings.Location()
		problems = append(location.Check(), needsFolder(settings.Prefix)...)
	}
	for _, problem := range problems {
		l.report(at.mistake(problem.Attribute, problem.Summary, problem.Detail))
	}
}

// needsFolder refuses a state that has no folder of its own.
func needsFolder(prefix string) []endpoint.Problem {
	if prefix != "" {
		return nil
	}
	return []endpoint.Problem{{Attribute: "prefix", Summary: "Missing folder", Detail: "A state needs a folder of its own. Name one, or leave the prefix out."}}
}

// localState finds the file of a state on this machine.
func (l *loader) localState(settings *localStateBlock, at places, ok bool) {
	path := settings.Path
	if ok && at.given("path") && path == "" {
		l.report(at.mistake("path", "Missing path", "The path is empty. Name a file, or leave the path out."))
		return
	}
	if path == "" {
		path = DefaultStatePath
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
