package main

import (
	"slices"
	"strings"
	"testing"
)

func TestHanging(t *testing.T) {
	for _, test := range []struct {
		mark, text    string
		indent, width int
		want          string
	}{
		{"", "one two three", 4, 80, "one two three"},
		{"", "one two three", 4, 9, "one two|    three"},
		{"ok  ", "one two three", 4, 11, "ok  one two|    three"},
		{"ok  ", "one-that-is-long two", 4, 11, "ok  one-that-is-long|    two"},
		{"mark", "", 4, 11, "mark"},
	} {
		if got := hanging(test.mark, test.text, test.indent, test.width); !slices.Equal(got, strings.Split(test.want, "|")) {
			t.Errorf("%q: %q", test.want, got)
		}
	}
}

// What goes into a pipe is not broken, whatever its width is said to be.
func TestSayIntoAPipe(t *testing.T) {
	var out strings.Builder
	program := &cli{stdout: &out, environment: []string{"COLUMNS=10"}}
	if err := program.say("ok  ", "one two three"); err != nil || out.String() != "ok  one two three\n" {
		t.Errorf("%v %q", err, out.String())
	}
}
