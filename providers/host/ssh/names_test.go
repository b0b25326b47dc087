package ssh

import (
	"maps"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestParseNames(t *testing.T) {
	got := parseNames("root:x:0:0:root:/root:/bin/sh\n# comment:x:1:\n\nbroken\n:x:2:\nsecond:x:0:\nodd:x:many:\n+::::\nlast:x:4294967295:1")
	if want := map[int]string{0: "root", 4294967295: "last"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseNames(f *testing.F) {
	for _, seed := range []string{"root:x:0:0\n", ":::\n", "a:b:c", "a:b:-1", "\x00:\x00:7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for id, name := range parseNames(text) {
			if id < 0 || name == "" {
				t.Errorf("%q gives %d the name %q", text, id, name)
			}
		}
	})
}

func TestVariablesThatCannotBePassed(t *testing.T) {
	for name, command := range map[string]providers.Command{
		"odd name":   {Arguments: []string{"true"}, Environment: []string{"A.B=1"}},
		"no value":   {Arguments: []string{"true"}, Environment: []string{"A"}},
		"a command":  {Arguments: []string{"true"}, Environment: []string{"A;reboot=1"}},
		"zero byte":  {Arguments: []string{"true", "a\x00b"}},
		"zero value": {Arguments: []string{"true"}, Environment: []string{"A=a\x00b"}},
	} {
		if script, err := commandScript(command); err == nil {
			t.Errorf("%s gives %q", name, script)
		}
	}
}
