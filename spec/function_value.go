package spec

import (
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/castrolanda/imsctl/internal/units"
)

// valueFunctions are about secrets, units and times.
var valueFunctions = map[string]function.Function{
	"sensitive":    markFunction(func(value cty.Value) cty.Value { return value.Mark(sensitive) }),
	"nonsensitive": markFunction(func(value cty.Value) cty.Value { unmarked, _ := value.UnmarkDeep(); return unmarked }),
	"issensitive":  isSensitiveFunction,
	"duration":     durationFunction,
	"bytes":        bytesFunction,
	"timecmp":      timeCompareFunction,
}

// markFunction changes whether a value may be shown.
func markFunction(change func(cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
		}},
		Type: func(arguments []cty.Value) (cty.Type, error) { return arguments[0].Type(), nil },
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) { return change(arguments[0]), nil },
	})
}

var isSensitiveFunction = function.New(&function.Spec{
	Params: []function.Parameter{{
		Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
	}},
	Type: function.StaticReturnType(cty.Bool),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.BoolVal(arguments[0].ContainsMarked()), nil
	},
})

// durationFunction gives the seconds of a duration such as "36h" or "30d".
var durationFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		var duration units.Duration
		if err := duration.UnmarshalText([]byte(arguments[0].AsString())); err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.NumberFloatVal(time.Duration(duration).Seconds()), nil
	},
})

// bytesFunction gives the bytes of a size such as "16MiB".
var bytesFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		var size units.Size
		if err := size.UnmarshalText([]byte(arguments[0].AsString())); err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.NumberIntVal(int64(size)), nil
	},
})

// timeCompareFunction is -1, 0 or 1: the first time is earlier, the same, later.
var timeCompareFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "a", Type: cty.String}, {Name: "b", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		var moments [2]time.Time
		for i := range moments {
			moment, err := time.Parse(time.RFC3339, arguments[i].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(i, "%q is not a time such as 2026-11-22T02:00:00Z", arguments[i].AsString())
			}
			moments[i] = moment
		}
		return cty.NumberIntVal(int64(moments[0].Compare(moments[1]))), nil
	},
})
