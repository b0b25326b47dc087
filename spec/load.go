package spec

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// Options are the surroundings of a specification.
type Options struct {
	Registry *providers.Registry
	// Profiles are the compressions that are known without being declared.
	Profiles []Profile
	// Factors are the names that the weights of a deploy can have; nil when they are not checked.
	Factors []string
	// Version is imsctl's, held against required_version.
	Version string
	// Variables are the values of -var as they were written, VariableFiles the files of -var-file.
	Variables     map[string]string
	VariableFiles []string
	// Ask asks a person for the value of a variable that has none; nil where nobody can be asked.
	Ask func(name, description string, sensitive bool) (string, error)
	// Getenv looks an environment variable up; nil is an empty environment.
	Getenv func(name string) (string, bool)
}

// Profile is a compression by name.
type Profile struct {
	Name, Method string
	Level        int
}

func (o Options) getenv(name string) (string, bool) {
	if o.Getenv == nil {
		return "", false
	}
	return o.Getenv(name)
}

// Load reads the specification at a path: a folder with all its *.hcl files, or one file. The Spec is whole when the
// diagnostics have no errors, and nil otherwise.
func Load(path string, options Options) (*Spec, Diagnostics) {
	read, diagnostics := readSource(path)
	if read == nil {
		return nil, Diagnostics{List: diagnostics}
	}
	l := &loader{options: options, source: read, diagnostics: diagnostics, structures: make(map[reflect.Type][]field)}
	if read.whole {
		l.load()
	}
	l.hideSecrets()
	result := Diagnostics{List: sorted(l.diagnostics), Files: read.files}
	if result.HasErrors() {
		return nil, result
	}
	return l.spec, result
}

// loader is one call of Load.
type loader struct {
	options   Options
	source    *source
	evaluator *evaluator
	reader    *fileReader
	spec      *Spec
	// blocks are the top-level blocks by type, bodies their instances.
	blocks      map[string][]*hclsyntax.Block
	bodies      map[string][]body
	diagnostics hcl.Diagnostics
	// structures are the attributes of the structs that blocks are decoded into.
	structures map[reflect.Type][]field
	// hidden are the places of secrets in the files.
	hidden []hcl.Range
	// incomplete are the types of block that lack some because these have mistakes of their own: references to them are no
	// mistakes.
	incomplete map[string]bool
}

func (l *loader) report(found ...*hcl.Diagnostic) { l.diagnostics = append(l.diagnostics, found...) }

// load turns blocks into a Spec.
func (l *loader) load() {
	l.spec = &Spec{
		Directory: l.source.directory, Path: l.source.path, Digest: l.source.digest, Location: time.UTC,
		State:      StateBackend{Type: "local", Path: filepath.Join(l.source.directory, DefaultStatePath)},
		References: make(map[string][]string),
	}
	l.sort()
	l.reader = newFileReader(l.source.directory)
	l.evaluator = newEvaluator(newNames(), functions(l.options.getenv, l.reader), l.report)
	l.spec.evaluator = l.evaluator
	l.declareAddresses()
	l.variables(l.blocks["variable"])
	l.locals(l.blocks["locals"])
	l.evaluateLocals()
	l.expand()
	l.settings()
	l.resources()
	l.outputs()
	l.changes()
	l.orderSecrets()
	l.spec.Digest = l.reader.digest(l.source.digest)
	// What only asks how things are, or only deploys, needs no backup.
	if len(l.blocks["backup"]) == 0 && len(l.blocks["check"]) == 0 && len(l.blocks["deploy"]) == 0 && !l.diagnostics.HasErrors() {
		l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Nothing is declared", Detail: fmt.Sprintf(
			"There is no backup in %s. A specification declares at least a source, a destination and a backup of the one to the other:\n\n"+
				"source \"files\" \"docs\" {\n  path = \"docs\"\n}\ndestination \"local\" \"disk\" {\n  path = \"/var/backups\"\n}\n"+
				"backup \"docs\" {\n  source = source.files.docs\n  to     = [destination.local.disk]\n  every  = \"24h\"\n}", l.source.path)})
	}
}

// privateKey finds private keys of age and of SSH, which have no place in a specification, wherever they stand.
var privateKey = regexp.MustCompile(`(?i)AGE-(SECRET-KEY|PLUGIN)-[0-9A-Z-]+|` +
	`-----BEGIN [A-Z ]*PRIVATE KEY-----([0-9A-Z+/=\s\\:,-]*?-----END [A-Z ]*-----)?`)

// urlPassword finds passwords that stand in URLs, also in such that are not well formed.
var urlPassword = regexp.MustCompile(`//[^\s/:@"$]*:([^\s/@"${}]+)@`)

// hideSecrets takes the values of sensitive variables, private keys and the passwords of URLs out of the source lines that are shown.
func (l *loader) hideSecrets() {
	byFile := make(map[string][]hcl.Range)
	for name, file := range l.source.files {
		for _, at := range privateKey.FindAllIndex(file.Bytes, -1) {
			byFile[name] = append(byFile[name], hcl.Range{Start: hcl.Pos{Byte: at[0]}, End: hcl.Pos{Byte: at[1]}})
		}
		for _, at := range urlPassword.FindAllSubmatchIndex(file.Bytes, -1) {
			byFile[name] = append(byFile[name], hcl.Range{Start: hcl.Pos{Byte: at[2]}, End: hcl.Pos{Byte: at[3]}})
		}
	}
	for _, at := range l.hidden {
		byFile[at.Filename] = append(byFile[at.Filename], at)
	}
	for name, ranges := range byFile {
		l.source.files[name] = hide(l.source.files[name], ranges)
	}
}

// sort groups the blocks by type and refuses those that no specification has.
func (l *loader) sort() {
	l.blocks = make(map[string][]*hclsyntax.Block)
	l.incomplete = make(map[string]bool)
	for _, block := range l.source.blocks {
		form, known := blockForms[block.Type]
		if !known {
			types := sortedKeys(blockForms)
			l.report(mistake(block.TypeRange, "Unknown block", fmt.Sprintf("There is no block %q.%s", block.Type, suggest(block.Type, types))))
			l.incomplete[spelling.Nearest(block.Type, types)] = true
			continue
		}
		if len(block.Labels) != form.labels {
			l.report(mistake(block.DefRange(), "Wrong number of names", fmt.Sprintf("A %s block is written %s { … }.", block.Type, pattern(block.Type, form.labels))))
			l.incomplete[block.Type] = true
			continue
		}
		if wrong := invalidName(block); wrong != nil {
			l.report(wrong)
			l.incomplete[block.Type] = true
			continue
		}
		l.blocks[block.Type] = append(l.blocks[block.Type], block)
	}
}

// pattern shows how the head of a block is written.
func pattern(name string, labels int) string {
	return name + []string{"", ` "NAME"`, ` "TYPE" "NAME"`}[labels]
}

// invalidName refuses names that cannot be referred to. Those of all blocks but variables are in lower case: a backup's name
// is a folder, and there are file systems on which two names that differ by case are one.
func invalidName(block *hclsyntax.Block) *hcl.Diagnostic {
	for i, label := range block.Labels {
		ok := len(label) > 0 && len(label) <= 64
		for j, character := range []byte(label) {
			letter := character >= 'a' && character <= 'z'
			if block.Type == "variable" || block.Type == "output" {
				letter = letter || character >= 'A' && character <= 'Z' || character == '_'
			}
			ok = ok && (letter || j > 0 && (character >= '0' && character <= '9' || character == '-' || character == '_'))
		}
		if !ok {
			return mistake(block.LabelRanges[i], "Invalid name",
				fmt.Sprintf("%q cannot be a name: use a lower-case letter, then lower-case letters, digits, - and _, at most 64 in all.", label))
		}
	}
	return nil
}

// declareAddresses makes every block that can be referred to known, and refuses the second of the same address.
func (l *loader) declareAddresses() {
	known := l.evaluator.names
	for family := range l.incomplete {
		if child := known.children[family]; child != nil {
			child.incomplete = true
		}
	}
	known.add(providers.KindHost, "local")
	for _, profile := range l.options.Profiles {
		known.add(kindCompression, profile.Name)
	}
	known.add(kindCompression, "auto")
	seen := make(map[string]*hclsyntax.Block)
	for _, kind := range sortedKeys(l.blocks) {
		if blockForms[kind].labels == 0 {
			continue
		}
		unique := make([]*hclsyntax.Block, 0, len(l.blocks[kind]))
		for _, block := range l.blocks[kind] {
			address := addressOf(block)
			if other, exists := seen[address]; exists {
				l.report(duplicate(address, block.DefRange(), other.DefRange()))
				continue
			}
			seen[address] = block
			unique = append(unique, block)
			if known.children[kind] != nil {
				l.declare(block, known.add(providers.Kind(kind), block.Labels...))
			}
		}
		l.blocks[kind] = unique
	}
}

// declare notes the for_each of a block, for when its instances are needed.
func (l *loader) declare(block *hclsyntax.Block, leaf *names) {
	attribute := block.Body.Attributes[forEach]
	if attribute == nil || !l.repeatable(block) {
		return
	}
	leaf.expansion = &expansion{block: block, kind: leaf.kind, each: &node{
		name: leaf.address, at: block.DefRange(), expression: attribute.Expr,
	}}
}

// repeatable reports whether a block can have for_each.
func (l *loader) repeatable(block *hclsyntax.Block) bool { return blockForms[block.Type].repeatable }

// expand makes the instances of all blocks, in the order in which they stand.
func (l *loader) expand() {
	l.bodies = make(map[string][]body)
	for kind, blocks := range l.blocks {
		l.bodies[kind] = make([]body, 0, len(blocks))
	}
	for _, kind := range sortedKeys(l.blocks) {
		for _, block := range l.blocks[kind] {
			expansion := l.expansionOf(block)
			switch {
			case expansion == nil:
				l.bodies[kind] = append(l.bodies[kind], body{block: block, address: addressOf(block)})
			case l.evaluator.expand(expansion):
				l.bodies[kind] = append(l.bodies[kind], expansion.bodies...)
			}
		}
	}
}

// expansionOf is what is known of a block's for_each; nil when it has none.
func (l *loader) expansionOf(block *hclsyntax.Block) *expansion {
	leaf := l.evaluator.names.children[block.Type]
	for _, label := range block.Labels {
		if leaf == nil {
			return nil
		}
		leaf = leaf.children[label]
	}
	if leaf == nil {
		return nil
	}
	return leaf.expansion
}

// addressOf is how a block is referred to.
func addressOf(block *hclsyntax.Block) string {
	return joinAddress(providers.Kind(block.Type), block.Labels)
}

// duplicate says that two things have one address.
func duplicate(address string, at, other hcl.Range) *hcl.Diagnostic {
	return mistake(at, "Declared twice", fmt.Sprintf("%s is declared at %s:%d already; every address is declared once.", address, other.Filename, other.Start.Line))
}
