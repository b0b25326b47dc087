package spec

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are what expressions can call, under Terraform's names.
func functions(getenv func(string) (string, bool), directory string) map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"coalesce": stdlib.CoalesceFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc,
		"lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "sort": stdlib.SortFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"format": stdlib.FormatFunc, "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc,
		"replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"regex": stdlib.RegexFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"tostring": conversion(cty.String), "tonumber": conversion(cty.Number), "tobool": conversion(cty.Bool),
		"basename": onText(filepath.Base), "dirname": onText(filepath.Dir),
		"abspath": onText(func(path string) string {
			if filepath.IsAbs(path) {
				return filepath.Clean(path)
			}
			return filepath.Join(directory, path)
		}),
		"env":  environmentFunction(getenv),
		"file": fileFunction(directory),
	}
}

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

// fileFunction is file(PATH): the text of a file, relative to the specification.
func fileFunction(directory string) function.Function {
	return function.New(&function.Spec{
		Description: "The text of a file; a relative path starts at the folder of the specification.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			path := arguments[0].AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(directory, path)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(strings.ToValidUTF8(string(data), "\uFFFD")), nil
		},
	})
}

// conversion is tostring, tonumber, tobool.
func conversion(typ cty.Type) function.Function {
	return function.New(&function.Spec{
		Description: "The value as a " + typ.FriendlyName() + ".",
		Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true}},
		Type:        function.StaticReturnType(typ),
		Impl: func(arguments []cty.Value, typ cty.Type) (cty.Value, error) {
			return convert.Convert(arguments[0], typ)
		},
	})
}

// onText makes a function of one text.
func onText(f func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(f(arguments[0].AsString())), nil
		},
	})
}

// FunctionNames lists the functions that expressions can call, by alphabet.
func FunctionNames() []string {
	return slices.Sorted(maps.Keys(functions(nil, "")))
}
