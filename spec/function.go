package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are what expressions can call, under Terraform's names. None of them knows the time or anything random: the same
// specification always means the same.
func functions(getenv func(string) (string, bool), files *fileReader) map[string]function.Function {
	all := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc, "sum": sumFunction,

		"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "chunklist": stdlib.ChunklistFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "lookup": stdlib.LookupFunc,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
		"sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,

		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": replaceFunction, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,

		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"yamldecode": yaml.YAMLDecodeFunc, "yamlencode": yaml.YAMLEncodeFunc,
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,

		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"tolist": collectionFunction(cty.List, cty.ListVal, stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType))),
		"toset":  collectionFunction(cty.Set, cty.SetVal, stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType))),
		"tomap":  stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),

		"env": environmentFunction(getenv),
	}
	maps.Copy(all, textFunctions)
	maps.Copy(all, collectionFunctions)
	maps.Copy(all, valueFunctions)
	maps.Copy(all, fileFunctions(files))
	maps.Copy(all, digestFunctions(files))
	maps.Copy(all, networkFunctions)
	// A template sees all functions but the one that reads templates, so that none can read itself.
	all["templatefile"] = templateFunction(files, maps.Clone(all))
	return all
}

// refused are functions of Terraform's that would make two plans of one specification differ.
var refused = []string{"timestamp", "plantimestamp", "uuid", "bcrypt", "shuffle", "random"}

// environmentFunction is env(NAME) and env(NAME, DEFAULT).
func environmentFunction(getenv func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Description: "The value of an environment variable.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam:    &function.Parameter{Name: "default", Type: cty.String},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(arguments) > 2 {
				return cty.NilVal, fmt.Errorf("env takes a name and a default")
			}
			if value, ok := getenv(arguments[0].AsString()); ok {
				return cty.StringVal(value), nil
			}
			if len(arguments) == 2 {
				return arguments[1], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not set", arguments[0].AsString())
		},
	})
}

// textual makes a function of texts that gives a text.
func textual(f func(...string) (string, error), parameters ...string) function.Function {
	spec := &function.Spec{Type: function.StaticReturnType(cty.String)}
	for _, name := range parameters {
		spec.Params = append(spec.Params, function.Parameter{Name: name, Type: cty.String})
	}
	spec.Impl = func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		texts := make([]string, len(arguments))
		for i, argument := range arguments {
			texts[i] = argument.AsString()
		}
		result, err := f(texts...)
		return cty.StringVal(result), err
	}
	return function.New(spec)
}

// truth makes a function of two texts that gives true or false.
func truth(f func(a, b string) bool, first, second string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: first, Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(arguments[0].AsString(), arguments[1].AsString())), nil
		},
	})
}

// FunctionNames lists the functions that expressions can call, by alphabet.
func FunctionNames() []string {
	return slices.Sorted(maps.Keys(functions(nil, newFileReader(""))))
}
