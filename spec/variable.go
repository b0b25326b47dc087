package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// environmentPrefix is what the environment variables begin with that give variables.
const environmentPrefix = "IMS_VAR_"

// sensitive is the mark of values that must not be shown.
const sensitive = "sensitive"

// declaration is a variable block.
type declaration struct {
	name      string
	typ       cty.Type
	fallback  cty.Value
	sensitive bool
	block     *hclsyntax.Block
}

// variables are declared, then given values, later sources over earlier ones: default, *.auto.vars.hcl, -var-file,
// the environment, -var.
func (l *loader) variables(blocks []*hclsyntax.Block) (map[string]Variable, hcl.Diagnostics) {
	declared := make(map[string]*declaration, len(blocks))
	var diagnostics hcl.Diagnostics
	for _, block := range blocks {
		declaration, found := declare(block)
		diagnostics = append(diagnostics, found...)
		declared[declaration.name] = declaration
	}
	known := slices.Sorted(maps.Keys(declared))
	given, found := l.given(known)
	diagnostics = append(diagnostics, found...)
	values := make(map[string]Variable, len(declared))
	for _, name := range known {
		value, found := declared[name].choose(given[name])
		diagnostics = append(diagnostics, found...)
		values[name] = Variable{Name: name, Sensitive: declared[name].sensitive, Value: value}
	}
	return values, diagnostics
}

// declare reads a variable block.
func declare(block *hclsyntax.Block) (*declaration, hcl.Diagnostics) {
	d := &declaration{name: block.Labels[0], typ: cty.DynamicPseudoType, block: block}
	var diagnostics hcl.Diagnostics
	if attribute, ok := block.Body.Attributes["type"]; ok {
		typ, found := typeexpr.TypeConstraint(attribute.Expr)
		diagnostics = append(diagnostics, found...)
		if !found.HasErrors() {
			d.typ = typ
		}
	}
	if attribute, ok := block.Body.Attributes["sensitive"]; ok {
		value, found := attribute.Expr.Value(nil)
		diagnostics = append(diagnostics, found...)
		if !found.HasErrors() && value.Type() == cty.Bool && !value.IsNull() {
			d.sensitive = value.True()
		}
	}
	if attribute, ok := block.Body.Attributes["default"]; ok {
		value, found := attribute.Expr.Value(nil)
		diagnostics = append(diagnostics, found...)
		if !found.HasErrors() {
			converted, err := convert.Convert(value, d.typ)
			if err != nil {
				diagnostics = append(diagnostics, mistake(attribute.Expr.Range(), "Wrong type",
					fmt.Sprintf("The default of variable %q does not have its type: %v.", d.name, err)))
			} else {
				d.fallback = converted
			}
		} else {
			d.fallback = cty.DynamicVal
		}
	}
	known := []string{"type", "default", "description", "sensitive"}
	for _, attribute := range block.Body.Attributes {
		if !slices.Contains(known, attribute.Name) {
			diagnostics = append(diagnostics, mistake(attribute.NameRange, "Unknown attribute",
				fmt.Sprintf("%s has no attribute %q.%s", describe(block), attribute.Name, suggest(attribute.Name, known))))
		}
	}
	for _, nested := range block.Body.Blocks {
		diagnostics = append(diagnostics, mistake(nested.TypeRange, "Unknown block", fmt.Sprintf("%s has no block %q.", describe(block), nested.Type)))
	}
	return d, diagnostics
}

// giving is a value from outside: the text of a flag or an environment variable, or an expression of a file.
type giving struct {
	from  string
	text  string
	value cty.Value
	at    *hcl.Range
}

// given collects the values from outside. Names that nobody declared are mistakes, except in the environment.
func (l *loader) given(known []string) (map[string]*giving, hcl.Diagnostics) {
	values := make(map[string]*giving)
	var diagnostics hcl.Diagnostics
	for _, file := range slices.Concat(l.source.autoVariables, l.options.VariableFiles) {
		diagnostics = append(diagnostics, l.fromFile(file, known, values)...)
	}
	for _, name := range known {
		if text, ok := l.options.getenv(environmentPrefix + name); ok {
			values[name] = &giving{from: environmentPrefix + name, text: text}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.options.Variables)) {
		if !slices.Contains(known, name) {
			diagnostics = append(diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unknown variable",
				Detail: fmt.Sprintf("-var gives a value to %q, which the specification does not declare.%s", name, suggest(name, known))})
			continue
		}
		values[name] = &giving{from: "-var", text: l.options.Variables[name]}
	}
	return values, diagnostics
}

// fromFile reads a file of values.
func (l *loader) fromFile(name string, known []string, values map[string]*giving) hcl.Diagnostics {
	data, diagnostics := readText(name)
	if data == nil {
		return diagnostics
	}
	file, found := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	l.source.files[name] = &hcl.File{Bytes: data}
	if found.HasErrors() {
		return firstOf(found)
	}
	body := file.Body.(*hclsyntax.Body)
	for _, attribute := range body.Attributes {
		if !slices.Contains(known, attribute.Name) {
			diagnostics = append(diagnostics, mistake(attribute.NameRange, "Unknown variable",
				fmt.Sprintf("The specification declares no variable %q.%s", attribute.Name, suggest(attribute.Name, known))))
			continue
		}
		value, found := attribute.Expr.Value(nil)
		diagnostics = append(diagnostics, found...)
		if !found.HasErrors() {
			at := attribute.Expr.Range()
			values[attribute.Name] = &giving{from: name, value: value, at: &at}
		}
	}
	for _, block := range body.Blocks {
		diagnostics = append(diagnostics, mistake(block.TypeRange, "Unexpected block", "A file of variables holds only name = value."))
	}
	return diagnostics
}

// choose takes the value that was given, or the default.
func (d *declaration) choose(given *giving) (cty.Value, hcl.Diagnostics) {
	if given == nil {
		if d.fallback == cty.NilVal {
			return cty.DynamicVal, hcl.Diagnostics{mistake(d.block.DefRange(), "No value for a variable",
				fmt.Sprintf("Variable %q has no default and was given no value. Give one with -var %s=…, in a file with -var-file, or in the environment as %s%s.",
					d.name, d.name, environmentPrefix, d.name))}
		}
		return d.mark(d.fallback), nil
	}
	value, err := given.parse(d.typ)
	if err != nil {
		at := d.block.DefRange()
		if given.at != nil {
			at = *given.at
		}
		return cty.DynamicVal, hcl.Diagnostics{mistake(at, "Wrong type", fmt.Sprintf("The value that %s gives to variable %q is not a %s.",
			given.from, d.name, d.typ.FriendlyNameForConstraint()))}
	}
	return d.mark(value), nil
}

// mark makes the value of a sensitive variable one that is not shown.
func (d *declaration) mark(value cty.Value) cty.Value {
	if d.sensitive {
		return value.Mark(sensitive)
	}
	return value
}

// parse gives a value its type. A text is taken as it is for a text, and as an expression for anything else.
func (g *giving) parse(typ cty.Type) (cty.Value, error) {
	value := g.value
	if g.at == nil {
		value = cty.StringVal(g.text)
		if !typ.IsPrimitiveType() && typ != cty.DynamicPseudoType {
			expression, diagnostics := hclsyntax.ParseExpression([]byte(g.text), g.from, hcl.InitialPos)
			if diagnostics.HasErrors() {
				return cty.NilVal, diagnostics
			}
			parsed, diagnostics := expression.Value(nil)
			if diagnostics.HasErrors() {
				return cty.NilVal, diagnostics
			}
			value = parsed
		} else if typ != cty.String {
			value = cty.StringVal(strings.TrimSpace(g.text))
		}
	}
	return convert.Convert(value, typ)
}
