package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                   nil,
		"  ":                 nil,
		"-no-color":          {"-no-color"},
		" -var a=b\t-json\n": {"-var", "a=b", "-json"},
		`-var "a=b c" ''`:    {"-var", "a=b c", ""},
		`a\ b 'c\d' "e\"f"`:  {"a b", `c\d`, `e"f`},
		`-var='name=a'"b"\'`: {"-var=name=ab'"},
	} {
		got, err := splitWords(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, text := range []string{`"a`, `'a`, `a\`} {
		if got, err := splitWords(text); err == nil {
			t.Errorf("%q gave %q", text, got)
		}
	}
}
