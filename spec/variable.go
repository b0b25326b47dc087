package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"

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
	name string
	typ  cty.Type
	// fallback is the default; cty.NilVal without one.
	fallback  cty.Value
	sensitive bool
	// nullable is false when null stands for the default.
	nullable bool
	// defaults are those of optional attributes in the type; nil without any.
	defaults *typeexpr.Defaults
	// whole is false when the declaration has mistakes: then nothing is said about values.
	whole       bool
	description string
	validations []*hclsyntax.Block
	block       *hclsyntax.Block
}

// convert gives a value the variable's type.
func (d *declaration) convert(value cty.Value) (cty.Value, error) {
	if value.IsNull() && !d.nullable && d.fallback != cty.NilVal {
		return d.fallback, nil
	}
	if value.IsNull() && !d.nullable {
		return cty.NilVal, errNull
	}
	if d.defaults != nil && !value.IsNull() {
		value = d.defaults.Apply(value)
	}
	return convert.Convert(value, d.typ)
}

// errNull is why null is no value of a variable that is not nullable.
var errNull = errors.New("it must not be null")

// variableBlock is what a variable block can hold besides its type and its default, which are no plain values.
type variableBlock struct {
	Description string `hcl:"description,optional" doc:"What it is for."`
	Sensitive   bool   `hcl:"sensitive,optional" doc:"Never show the value."`
	Nullable    bool   `hcl:"nullable,optional" doc:"Whether null is a value; true when left out. Otherwise null stands for the default."`
}

// variables are declared, then given values, later sources over earlier ones: default, *.auto.vars.hcl, -var-file,
// the environment, -var.
func (l *loader) variables(blocks []*hclsyntax.Block) {
	declared := make(map[string]*declaration, len(blocks))
	for _, block := range blocks {
		declared[block.Labels[0]] = l.declareVariable(block)
	}
	given := l.given(declared)
	l.spec.Variables = make(map[string]Variable, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		value := l.choose(declared[name], given[name])
		l.evaluator.variables[name] = value
		l.keepSecrets(value)
		l.validate(declared[name], value)
		l.spec.Variables[name] = Variable{Name: name, Sensitive: declared[name].sensitive, Value: value}
	}
}

// declareVariable reads a variable block. Its type and default stand for themselves: nothing can be referred to in them.
func (l *loader) declareVariable(block *hclsyntax.Block) *declaration {
	d := &declaration{name: block.Labels[0], typ: cty.DynamicPseudoType, block: block}
	plain, _ := without(block, "type", "default")
	plain.Body.Blocks = nil
	for _, nested := range block.Body.Blocks {
		if nested.Type == "validation" {
			d.validations = append(d.validations, nested)
		} else {
			plain.Body.Blocks = append(plain.Body.Blocks, nested)
		}
	}
	options := variableBlock{Nullable: true}
	_, d.whole = l.decode(body{block: plain, address: addressOf(block), taken: []string{"type", "default"}}, &options)
	d.sensitive, d.nullable, d.description = options.Sensitive, options.Nullable, options.Description
	if attribute, ok := block.Body.Attributes["type"]; ok {
		typ, defaults, found := typeexpr.TypeConstraintWithDefaults(attribute.Expr)
		l.report(found...)
		if found.HasErrors() {
			// Any value will do until the type is right.
			typ, defaults, d.whole = cty.DynamicPseudoType, nil, false
		}
		d.typ, d.defaults = typ, defaults
	}
	if attribute, ok := block.Body.Attributes["default"]; ok {
		d.fallback = l.fallback(d, attribute)
	}
	return d
}

// fallback evaluates a default; it is unknown when it is wrong.
func (l *loader) fallback(d *declaration, attribute *hclsyntax.Attribute) cty.Value {
	if d.sensitive {
		l.hide(attribute.Expr.Range())
	}
	value, found := attribute.Expr.Value(nil)
	if found.HasErrors() {
		l.report(mistake(attribute.Expr.Range(), "Invalid default",
			fmt.Sprintf("The default of variable %q is a plain value: it calls no functions and refers to nothing.", d.name)))
		return cty.DynamicVal
	}
	converted, err := d.convert(value)
	switch {
	case errors.Is(err, errNull):
		l.report(mistake(attribute.Expr.Range(), "Invalid default",
			fmt.Sprintf("The default of variable %q is null, and nullable = false.", d.name)))
		return cty.DynamicVal
	case err != nil:
		l.report(mistake(attribute.Expr.Range(), "Wrong type",
			fmt.Sprintf("The default of variable %q is not what its type says: %s.", d.name, d.typ.FriendlyNameForConstraint())))
		return cty.DynamicVal
	}
	return converted
}

// choose takes the value that was given, or the default. Without either it is unknown, and that is told.
func (l *loader) choose(d *declaration, given *giving) cty.Value {
	value := d.fallback
	switch {
	case given != nil:
		converted, err := given.parse(d)
		if err != nil {
			at := d.block.DefRange()
			if given.at != nil {
				at = *given.at
			}
			if errors.Is(err, errNull) {
				l.report(mistake(at, "Invalid value", fmt.Sprintf("Variable %q must not be null.", d.name)))
				return cty.DynamicVal
			}
			l.report(mistake(at, "Wrong type", fmt.Sprintf("The value that %s gives to variable %q is not what its type says: %s.",
				given.from, d.name, d.typ.FriendlyNameForConstraint())))
			return cty.DynamicVal
		}
		value = converted
	case value == cty.NilVal && l.options.Ask != nil:
		return l.ask(d)
	case value == cty.NilVal:
		l.report(mistake(d.block.DefRange(), "No value for a variable",
			fmt.Sprintf("Variable %q has no default and was given no value. Give one with -var %s=…, in a file with -var-file, or in the environment as %s%s.",
				d.name, d.name, environmentPrefix, d.name)))
		return cty.DynamicVal
	}
	if d.sensitive && value != cty.DynamicVal {
		return value.Mark(sensitive)
	}
	return value
}

// ask asks a person for a value.
func (l *loader) ask(d *declaration) cty.Value {
	text, err := l.options.Ask(d.name, d.description, d.sensitive)
	if err != nil {
		l.report(mistake(d.block.DefRange(), "No value for a variable", fmt.Sprintf("Asking for variable %q: %v.", d.name, err)))
		return cty.DynamicVal
	}
	return l.choose(d, &giving{from: "the answer", text: text})
}

// hide keeps a range of a source file out of everything that is printed.
func (l *loader) hide(at hcl.Range) { l.hidden = append(l.hidden, at) }
