package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// giving is a value from outside: the text of a flag or an environment variable, or an expression of a file.
type giving struct {
	from  string
	text  string
	value cty.Value
	// at is where it stands in a file; nil for a text.
	at *hcl.Range
}

// given collects the values from outside. Names that nobody declared are mistakes, except in the environment.
func (l *loader) given(declared map[string]*declaration) map[string]*giving {
	values := make(map[string]*giving)
	for _, file := range slices.Concat(l.source.autoVariables, l.options.VariableFiles) {
		l.valuesOf(file, declared, values)
	}
	for name := range declared {
		if text, ok := l.options.getenv(environmentPrefix + name); ok {
			values[name] = &giving{from: environmentPrefix + name, text: text}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.options.Variables)) {
		if declared[name] == nil {
			l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown variable",
				Detail: fmt.Sprintf("-var gives a value to %q, which the specification does not declare.%s", name, suggest(name, slices.Collect(maps.Keys(declared))))})
			continue
		}
		values[name] = &giving{from: "-var", text: l.options.Variables[name]}
	}
	return values
}

// valuesOf reads a file of values.
func (l *loader) valuesOf(name string, declared map[string]*declaration, values map[string]*giving) {
	data, diagnostics := readText(name)
	l.report(diagnostics...)
	if diagnostics.HasErrors() {
		return
	}
	file, found := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if found.HasErrors() {
		// The file is not shown: without its grammar nobody can tell which of its lines are secrets.
		l.report(firstOf(found)...)
		return
	}
	l.source.files[name] = file
	body := file.Body.(*hclsyntax.Body)
	for _, attribute := range byPlace(body.Attributes) {
		d := declared[attribute.Name]
		at := attribute.Expr.Range()
		if d == nil || d.sensitive {
			l.hide(at)
		}
		if d == nil {
			l.report(mistake(attribute.NameRange, "Unknown variable",
				fmt.Sprintf("The specification declares no variable %q.%s", attribute.Name, suggest(attribute.Name, slices.Collect(maps.Keys(declared))))))
			continue
		}
		value, found := attribute.Expr.Value(nil)
		if found.HasErrors() {
			l.report(mistake(at, "Invalid value", "A file of values holds plain values: they call no functions and refer to nothing."))
			value = cty.DynamicVal
		}
		values[attribute.Name] = &giving{from: name, value: value, at: &at}
	}
	for _, block := range body.Blocks {
		l.report(mistake(block.TypeRange, "Unexpected block", "A file of values holds only name = value."))
	}
}

// parse gives a value its type. A text is taken as it is for a text, and as an expression for anything else.
func (g *giving) parse(d *declaration) (cty.Value, error) {
	typ := d.typ
	if g.at != nil {
		return d.convert(g.value)
	}
	if typ == cty.String || typ == cty.DynamicPseudoType {
		return cty.StringVal(g.text), nil
	}
	text := strings.TrimSpace(g.text)
	if typ.IsPrimitiveType() {
		return convert.Convert(cty.StringVal(text), typ)
	}
	if err := checkDepth([]byte(text)); err != nil {
		return cty.NilVal, err
	}
	expression, diagnostics := hclsyntax.ParseExpression([]byte(text), g.from, hcl.InitialPos)
	if diagnostics.HasErrors() {
		return cty.NilVal, diagnostics
	}
	value, diagnostics := expression.Value(nil)
	if diagnostics.HasErrors() {
		return cty.NilVal, diagnostics
	}
	return d.convert(value)
}
