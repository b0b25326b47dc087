package terminal

import (
	"bytes"
	"testing"
)

func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func TestDetectWithoutTerminal(t *testing.T) {
	for name, c := range map[string]struct {
		variables map[string]string
		noColor   bool
		want      Look
	}{
		"nothing set":           {nil, false, Look{Width: 80}},
		"COLUMNS":               {map[string]string{"COLUMNS": "132"}, false, Look{Width: 132}},
		"COLUMNS is nonsense":   {map[string]string{"COLUMNS": "-3"}, false, Look{Width: 80}},
		"forced":                {map[string]string{"CLICOLOR_FORCE": "1"}, false, Look{Width: 80, Color: true}},
		"not forced":            {map[string]string{"CLICOLOR_FORCE": "0"}, false, Look{Width: 80}},
		"forced and -no-color":  {map[string]string{"CLICOLOR_FORCE": "1"}, true, Look{Width: 80}},
		"forced and NO_COLOR":   {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false, Look{Width: 80}},
		"NO_COLOR set to empty": {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, false, Look{Width: 80, Color: true}},
	} {
		got := Detect(new(bytes.Buffer), environment(c.variables), c.noColor)
		if got.Width != c.want.Width || got.Color != c.want.Color || got.Live != c.want.Live {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
