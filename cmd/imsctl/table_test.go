package main

import (
	"strings"
	"testing"
)

func TestWriteTable(t *testing.T) {
	rows := [][]string{{"NAME", "SIZE", "COPIES"}, {"one", "1 B", "near, far"}, {"three", "10 B", ""}}
	for width, want := range map[int]string{
		23: "NAME   SIZE  COPIES\none    1 B   near, far\nthree  10 B\n",
		10: "NAME\none\n    size:\n    1 B,\n    copies:\n    near,\n    far\nthree\n    size:\n    10 B\n",
		20: "NAME   SIZE\none    1 B\n    copies: near, far\nthree  10 B\n",
	} {
		var out strings.Builder
		if err := writeTable(&out, width, rows); err != nil || out.String() != want {
			t.Errorf("width %d: %v\n%s\nwant\n%s", width, err, out.String(), want)
		}
	}
}
