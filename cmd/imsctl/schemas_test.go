package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFolder has the published schemas.
const schemaFolder = repository + "/docs/schemas"

// schemaSpecification has a backup at two destinations, outputs and a secret.
const schemaSpecification = `
variable "secret" {
  type      = string
  default   = "hidden"
  sensitive = true
}
source "command" "notes" {
  command   = ["cat", "notes.txt"]
  extension = ".txt"
}
destination "local" "one" {
  path = "one"
}
destination "local" "two" {
  path = "two"
}
backup "notes" {
  source = source.command.notes
  to     = [destination.local.one, destination.local.two]
  every  = "24h"

  encrypt_to = ["age1rvwypkup526kpgpsm8x74hjmfmtvxs33v9m64929yt79syd40uhq9exmz2"]
}
output "names" {
  description = "what is backed up"
  value       = { list = ["notes"] }
}
output "secret" {
  value     = var.secret
  sensitive = true
}
`

// brokenSchemaSpecification has what fails, what waits for it and what is blocked.
const brokenSchemaSpecification = schemaSpecification + `
source "command" "broken" {
  command = ["false"]
}
backup "broken" {
  source = source.command.broken
  to     = [destination.local.one]
  every  = "24h"
}
backup "later" {
  source     = source.command.notes
  to         = [destination.local.one]
  every      = "24h"
  depends_on = [backup.broken]
}
check "tcp" "port" {
  address = "localhost:1"
  retries = 0
}
cleanup "docker" "old" {
  older_than = "10d"
}
check "command" "well" {
  command = ["echo", "well"]
}
`

// drillSchemaSpecification has a drill of files.
const drillSchemaSpecification = `
source "files" "tree" {
  path = "tree"
}
destination "local" "place" {
  path = "place"
}
backup "tree" {
  source = source.files.tree
  to     = [destination.local.place]
  every  = "24h"
}
drill "tree" {
  backup = backup.tree
  every  = "7d"
  into "files" {}
}
`

// What is put behind a specification to change records.
const (
	movedBlock   = "moved {\n  from = backup.notes\n  to   = backup.papers\n}\n"
	removedBlock = "removed {\n  from = backup.papers\n}\n"
	importBlock  = "import {\n  to = backup.notes\n  id = %q\n}\n"
)

// composeProject is a database that is not there and a service that has nothing to back up.
const composeProject = `
services:
  db:
    image: postgres:17
    environment: { POSTGRES_PASSWORD: "${DB_PASSWORD}" }
    ports: ["127.0.0.1:1:5432"]
  web:
    image: example.org/web:1
    volumes: ["data:/data"]
volumes: { data: {} }
`

// TestOutputsMatchSchemas runs the commands that print JSON and holds all of it against the published schemas, in which no
// member may be missing.
func TestOutputsMatchSchemas(t *testing.T) {
	schemas := closedSchemas(t)
	w := newWorkFolder(t, map[string]string{"main.hcl": schemaSpecification, "notes.txt": "one\n", "broken/main.hcl": brokenSchemaSpecification, "broken/notes.txt": "two\n"})
	match := func(schema string, data []byte) {
		t.Helper()
		if err := schemas.check(schema, data); err != nil {
			t.Errorf("%s: %v\n%s", schema, err, data)
		}
	}
	matchLines := func(data []byte) {
		t.Helper()
		lines := slices.Collect(bytes.Lines(data))
		if len(lines) == 0 || !bytes.Contains(lines[0], []byte(`"type":"version"`)) {
			t.Errorf("a stream does not begin with its version:\n%s", data)
		}
		for _, line := range lines {
			match("stream", line)
		}
	}

	match("version", w.run(exitDone, "version", "-json"))
	match("validate", w.run(exitDone, "validate", "-json"))
	match("outputs", w.run(exitDone, "output", "-json"))
	match("status", w.run(exitUntrue, "status", "-json"))
	match("plan", w.run(exitDone, "plan", "-json"))
	w.run(exitDone, "plan", "-out", "saved.ims", "-json-into", "plan.json")
	match("saved-plan", w.read("saved.ims"))
	match("plan", w.read("plan.json"))
	match("plan", w.run(exitDone, "show", "-json", "saved.ims"))
	matchLines(w.run(exitDone, "apply", "-json", "-auto-approve", "-json-into", "stream.json"))
	matchLines(w.read("stream.json"))
	matchLines(w.run(exitDone, "verify", "-json"))
	match("status", w.run(exitDone, "status", "-json"))
	match("artifacts", w.run(exitDone, "list", "-json"))
	match("state", w.run(exitDone, "state", "pull"))
	match("state", w.read(".imsctl/state.json"))
	match("manifest", w.read("one/notes/*.manifest.json"))
	id := strings.TrimSuffix(filepath.Base(w.find("one/notes/*.txt.gz.age")), ".txt.gz.age")
	match("artifact", w.run(exitDone, "state", "show", id))

	match("analysis", w.run(exitDone, "analyze", "-json", "notes.txt", "source.command.notes", "backup.notes"))
	match("analysis", w.run(exitDone, "analyze", "-json", "-optimize", "size", os.Args[0]))
	match("analysis", w.run(exitError, "analyze", "-json", "nowhere"))

	// A copy that is cut.
	if err := os.Truncate(w.find("two/notes/*.txt.gz.age"), 3); err != nil {
		t.Fatal(err)
	}
	match("plan", w.run(exitChanges, "plan", "-json", "-detailed-exitcode"))
	matchLines(w.run(exitError, "verify", "-json"))
	match("status", w.run(exitUntrue, "status", "-json"))
	match("state", w.run(exitDone, "state", "pull"))

	// A state that is made again, beside another history, a damaged manifest and a destination that cannot be looked at.
	match("rebuild", w.run(exitDone, "state", "rebuild", "-json", "-dry-run"))
	lost := filepath.Join("lost", "main.hcl")
	w.write(lost, strings.NewReplacer(`"one"`+"\n}", `"../one"`+"\n}", `"two"`+"\n}", `"../two"`+"\n}").Replace(schemaSpecification))
	w.write("one/notes/x.manifest.json", "{")
	match("rebuild", w.run(exitDegraded, "state", "rebuild", "-json", "-auto-approve", "-path", lost))
	match("state", w.run(exitDone, "state", "pull", "-path", lost))
	match("status", w.run(exitUntrue, "status", "-json", lost))
	w.write("blocked/main.hcl", strings.Replace(schemaSpecification, `"two"`+"\n}", `"../notes.txt"`+"\n}", 1))
	w.write("blocked/notes.txt", "three\n")
	w.run(exitDone, "apply", "-auto-approve", "-exclude", "destination.local.two", "blocked")
	match("rebuild", w.run(exitDone, "state", "rebuild", "-json", "-dry-run", "-allow-unreachable", "-path", "blocked"))
	if err := os.Remove(w.find("one/notes/x.manifest.json")); err != nil {
		t.Fatal(err)
	}

	// What changes records only.
	w.write("main.hcl", strings.ReplaceAll(schemaSpecification, `backup "notes"`, `backup "papers"`)+movedBlock)
	match("plan", w.run(exitDone, "plan", "-json"))
	matchLines(w.run(exitDone, "apply", "-json", "-auto-approve"))
	w.write("main.hcl", strings.ReplaceAll(schemaSpecification, `backup "notes"`, `backup "other"`)+removedBlock)
	match("plan", w.run(exitDone, "plan", "-json"))
	matchLines(w.run(exitDone, "apply", "-json", "-auto-approve"))
	w.write("main.hcl", schemaSpecification+fmt.Sprintf(importBlock, id))
	match("plan", w.run(exitDone, "plan", "-json"))
	matchLines(w.run(exitDone, "apply", "-json", "-auto-approve"))

	// A first specification, from a compose project of which not all is known.
	w.write("new/compose.yaml", composeProject)
	match("init", w.run(exitDone, "init", "-json", "-check=false", "-from-compose", "new/compose.yaml", "new"))
	match("init", w.run(exitError, "init", "-json", "new"))

	// Drills, one of which finds that the copy was altered.
	w.write("drill/main.hcl", drillSchemaSpecification)
	w.write("drill/tree/a", "one\n")
	match("plan", w.run(exitDone, "plan", "-json", "./drill"))
	matchLines(w.run(exitDone, "apply", "-json", "-auto-approve", "./drill"))
	matchLines(w.run(exitDone, "drill", "-json", "./drill"))
	match("status", w.run(exitDone, "status", "-json", "./drill"))
	match("artifacts", w.run(exitDone, "list", "-json", "./drill"))
	match("state", w.read("drill/.imsctl/state.json"))
	if err := os.Truncate(w.find("drill/place/tree/*.tar.gz"), 3); err != nil {
		t.Fatal(err)
	}
	matchLines(w.run(exitError, "drill", "-json", "./drill"))
	match("status", w.run(exitUntrue, "status", "-json", "./drill"))
	match("state", w.read("drill/.imsctl/state.json"))

	// What fails, waits and is blocked.
	match("plan", w.run(exitError, "plan", "-json", "broken"))
	match("plan", w.run(exitDone, "plan", "-json", "-refresh=false", "broken"))
	matchLines(w.run(exitError, "apply", "-json", "-auto-approve", "broken"))
	matchLines(w.run(exitError, "check", "-json", "-path", "broken", "check.tcp.port", "check.command.well"))
	match("status", w.run(exitUntrue, "status", "-json", "broken"))
	match("state", w.read("broken/.imsctl/state.json"))
	matchLines(w.run(exitError, "check", "-json"))
	match("validate", w.run(exitError, "validate", "-json", "notes.txt"))
	matchLines(w.run(exitError, "apply", "-json", "notes.txt"))
	matchLines(w.run(exitError, "verify", "-json", "-artifact", "none"))
	for _, kind := range []string{"version", "plan", "apply_start", "apply_complete", "apply_errored", "apply_summary", "diagnostic", "check", "check_summary"} {
		if !bytes.Contains(w.printed.Bytes(), []byte(`"type":"`+kind+`"`)) {
			t.Errorf("no line of type %s was looked at", kind)
		}
	}
	for _, kind := range []string{"backup", "repair", "verify", "drill", "move", "release", "adopt", "blocked"} {
		if !bytes.Contains(w.printed.Bytes(), []byte(`"kind":"`+kind+`"`)) {
			t.Errorf("no action of kind %s was looked at", kind)
		}
	}
}

// TestSchemasRefuse shows that the schemas can say no.
func TestSchemasRefuse(t *testing.T) {
	schemas := closedSchemas(t)
	for schema, document := range map[string]string{
		"plan":     `{"type":"plan"}`,
		"stream":   `{"@level":"info","@message":"m","@timestamp":"2026-11-22T00:00:00Z","type":"other","format_version":"1.0"}`,
		"validate": `{"format_version":"1.0","type":"validation","valid":true,"error_count":0,"warning_count":0,"diagnostics":null}`,
		"version":  `{"format_version":"1.0","type":"version","imsctl_version":"1","go_version":"1","platform":"p","more":1}`,
		"analysis": `{"format_version":"1.0","type":"analysis","subjects":[{"name":"a"}]}`,
		"status":   `{"format_version":"1.0","type":"status","true":true,"breaches":[],"backups":[{"address":"a","verdict":"fine","schedule":"s","copies":[]}]}`,
	} {
		if schemas.check(schema, []byte(document)) == nil {
			t.Errorf("%s accepts %s", schema, document)
		}
	}
}

// schemaSet is the published schemas, compiled.
type schemaSet map[string]*jsonschema.Schema

// closedSchemas compiles the published schemas so that a member which they do not describe is an error. As published they
// let readers ignore what they do not know.
func closedSchemas(t *testing.T) schemaSet {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(schemaFolder, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, path := range paths {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(readText(t, path)))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		closeObjects(document)
		if err := compiler.AddResource("docs:///"+filepath.Base(path), withoutID(document)); err != nil {
			t.Fatal(err)
		}
	}
	set := make(schemaSet)
	for _, path := range paths {
		name := filepath.Base(path)
		schema, err := compiler.Compile("docs:///" + name)
		if err != nil {
			t.Fatal(err)
		}
		set[strings.TrimSuffix(name, ".json")] = schema
	}
	return set
}

// withoutID lets a schema be found under the name of its file.
func withoutID(document any) any {
	delete(document.(map[string]any), "$id")
	return document
}

// closeObjects lets no object have more members than are described.
func closeObjects(schema any) {
	switch schema := schema.(type) {
	case map[string]any:
		if _, described := schema["properties"].(map[string]any); described {
			schema["additionalProperties"] = false
		}
		for _, part := range schema {
			closeObjects(part)
		}
	case []any:
		for _, part := range schema {
			closeObjects(part)
		}
	}
}

func (s schemaSet) check(name string, data []byte) error {
	schema := s[name]
	if schema == nil {
		return fmt.Errorf("there is no schema %s", name)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}
