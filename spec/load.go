package spec

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/castrolanda/imsctl/providers"
)

// Options are the surroundings of a specification.
type Options struct {
	Registry *providers.Registry
	// Profiles are the compressions that are known without being declared.
	Profiles []Profile
	// Version is imsctl's, held against required_version.
	Version string
	// Variables are the values of -var as they were written, VariableFiles the files of -var-file.
	Variables     map[string]string
	VariableFiles []string
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
	l := &loader{options: options, source: read, diagnostics: diagnostics}
	if !diagnostics.HasErrors() {
		l.load()
	}
	result := Diagnostics{List: sorted(l.diagnostics), Files: read.files}
	if result.HasErrors() {
		return nil, result
	}
	return l.spec, result
}

// loader is one call of Load.
type loader struct {
	options     Options
	source      *source
	evaluator   *evaluator
	spec        *Spec
	byType      map[string][]*hclsyntax.Block
	diagnostics hcl.Diagnostics
}

// labelCounts is how many labels a block of each type has.
var labelCounts = []struct {
	name  string
	count int
}{
	{"imsctl", 0}, {"variable", 1}, {"locals", 0}, {"host", 2}, {"compression", 1}, {"retention", 1},
	{"source", 2}, {"destination", 2}, {"backup", 1},
}

func (l *loader) report(found ...*hcl.Diagnostic) { l.diagnostics = append(l.diagnostics, found...) }

// load turns blocks into a Spec.
func (l *loader) load() {
	l.spec = &Spec{
		Directory: l.source.directory, Path: l.source.path, Digest: l.source.digest, Location: time.UTC,
		State: StateBackend{Type: "local", Path: filepath.Join(l.source.directory, ".imsctl", "state.json")},
	}
	l.sort()
	addresses := l.addresses()
	l.evaluator = newEvaluator(addresses, l.options.getenv, l.source.directory)
	variables, found := l.variables(l.byType["variable"])
	l.report(found...)
	l.spec.Variables = variables
	values := make(map[string]cty.Value, len(variables))
	for name, variable := range variables {
		values[name] = variable.Value
		l.evaluator.variableNames = append(l.evaluator.variableNames, name)
	}
	slices.Sort(l.evaluator.variableNames)
	l.evaluator.context.Variables["var"] = cty.ObjectVal(values)
	l.report(l.locals(l.byType["locals"])...)
	l.settings()
	l.resources()
	if len(l.spec.Backups) == 0 && !l.diagnostics.HasErrors() {
		l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Nothing is declared", Detail: fmt.Sprintf(
			"There is no backup in %s. A specification declares at least a source, a destination and a backup of the one to the other:\n\n"+
				"source \"files\" \"docs\" {\n  path = \"docs\"\n}\ndestination \"local\" \"disk\" {\n  path = \"/var/backups\"\n}\n"+
				"backup \"docs\" {\n  source = source.files.docs\n  to     = [destination.local.disk]\n  every  = \"24h\"\n}", l.source.path)})
	}
}

// sort groups the blocks by type and refuses those that no specification has.
func (l *loader) sort() {
	l.byType = make(map[string][]*hclsyntax.Block)
	var types []string
	for _, known := range labelCounts {
		types = append(types, known.name)
	}
	for _, block := range l.source.blocks {
		at := slices.Index(types, block.Type)
		if at < 0 {
			l.report(mistake(block.TypeRange, "Unknown block", fmt.Sprintf("There is no block %q.%s", block.Type, suggest(block.Type, types))))
			continue
		}
		if wanted := labelCounts[at].count; len(block.Labels) != wanted {
			l.report(mistake(block.DefRange(), "Wrong number of names", fmt.Sprintf("A %s block is written %s { … }.", block.Type, pattern(block.Type, wanted))))
			continue
		}
		if wrong := invalidName(block); wrong != nil {
			l.report(wrong)
			continue
		}
		l.byType[block.Type] = append(l.byType[block.Type], block)
	}
}

// pattern shows how the head of a block is written.
func pattern(name string, labels int) string {
	return name + []string{"", ` "NAME"`, ` "TYPE" "NAME"`}[labels]
}

// invalidName refuses names that cannot be referred to or be part of a path.
func invalidName(block *hclsyntax.Block) *hcl.Diagnostic {
	for i, label := range block.Labels {
		ok := len(label) > 0 && len(label) <= 64
		for j, character := range []byte(label) {
			letter := character >= 'a' && character <= 'z' || character >= 'A' && character <= 'Z' || character == '_'
			ok = ok && (letter || j > 0 && (character >= '0' && character <= '9' || character == '-'))
		}
		if !ok {
			return mistake(block.LabelRanges[i], "Invalid name",
				fmt.Sprintf("%q cannot be a name: use a letter, then letters, digits, - and _, at most 64 in all.", label))
		}
	}
	return nil
}

// addresses makes every block that can be referred to known, and refuses the second of the same address.
func (l *loader) addresses() *names {
	known := newNames()
	known.add(providers.KindHost, "host.local")
	for _, profile := range l.options.Profiles {
		known.add(kindCompression, "compression."+profile.Name)
	}
	seen := make(map[string]hcl.Range)
	for _, kind := range []string{"variable", "host", "compression", "retention", "source", "destination", "backup"} {
		var unique []*hclsyntax.Block
		for _, block := range l.byType[kind] {
			address := addressOf(block)
			if other, exists := seen[address]; exists {
				l.report(duplicate(address, block.DefRange(), other))
				continue
			}
			seen[address] = block.DefRange()
			unique = append(unique, block)
			if kind != "variable" {
				known.add(providers.Kind(kind), address)
			}
		}
		l.byType[kind] = unique
	}
	// The measuring choice is reserved; referring to it gets an answer of its own.
	known.add(kindCompression, autoCompression)
	return known
}

// addressOf is how a block is referred to.
func addressOf(block *hclsyntax.Block) string {
	return strings.Join(append([]string{block.Type}, block.Labels...), ".")
}

// duplicate says that two things have one address.
func duplicate(address string, at, other hcl.Range) *hcl.Diagnostic {
	return mistake(at, "Declared twice", fmt.Sprintf("%s is declared at %s:%d already; every address is declared once.", address, other.Filename, other.Start.Line))
}

// settings reads the imsctl block.
func (l *loader) settings() {
	blocks := l.byType["imsctl"]
	if len(blocks) == 0 {
		return
	}
	for _, other := range blocks[1:] {
		l.report(duplicate("imsctl", other.DefRange(), blocks[0].DefRange()))
	}
	block := *blocks[0]
	body := *block.Body
	block.Body = &body
	states := body.Blocks
	body.Blocks = nil
	for _, nested := range states {
		if nested.Type != "state" {
			body.Blocks = append(body.Blocks, nested)
			continue
		}
		l.stateBackend(nested)
	}
	var settings settingsBlock
	at, found := l.evaluator.decode(&block, &settings)
	l.report(found...)
	l.requireVersion(settings.RequiredVersion, at.of("required_version", &block))
	if settings.Timezone != "" {
		location, err := time.LoadLocation(settings.Timezone)
		if err != nil || settings.Timezone == "Local" {
			l.report(mistake(at.of("timezone", &block), "Unknown time zone",
				fmt.Sprintf("%q is not a time zone of the IANA database: write \"UTC\" or a name such as \"America/Sao_Paulo\".", settings.Timezone)))
			return
		}
		l.spec.Location = location
	}
}

// requireVersion holds this program against required_version.
func (l *loader) requireVersion(text string, at hcl.Range) {
	if text == "" {
		return
	}
	constraint, err := version.NewConstraint(text)
	if err != nil {
		l.report(mistake(at, "Invalid version constraint", fmt.Sprintf("%q is not a version constraint: write \">= 0.1.0\" or \"~> 0.1\".", text)))
		return
	}
	current, err := version.NewVersion(l.options.Version)
	if err == nil && !constraint.Check(current.Core()) {
		l.report(mistake(at, "Unsupported version of imsctl", fmt.Sprintf("This specification requires imsctl %s; this is %s.", text, l.options.Version)))
	}
}

// stateBackend reads a state block.
func (l *loader) stateBackend(block *hclsyntax.Block) {
	if len(block.Labels) != 1 || block.Labels[0] != "local" {
		l.report(mistake(block.DefRange(), "Unknown state backend", `State is kept in a local file so far: write state "local" { path = "…" }.`))
		return
	}
	var settings stateBlock
	_, found := l.evaluator.decode(block, &settings)
	l.report(found...)
	if settings.Path != "" {
		l.spec.State.Path = settings.Path
		if !filepath.IsAbs(settings.Path) {
			l.spec.State.Path = filepath.Join(l.source.directory, settings.Path)
		}
	}
}
