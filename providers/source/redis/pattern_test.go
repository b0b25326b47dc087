package redis

import (
	"regexp"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for text, test := range map[string]struct{ yes, no []string }{
		"ml:*":     {[]string{"ml:", "ml:a", "ml:a:b", "ml:\n\x00"}, []string{"ml", "xml:a", "ML:a"}},
		"*":        {[]string{"", "a"}, nil},
		"a?c":      {[]string{"abc", "a\xffc"}, []string{"ac", "abbc"}},
		"*a*b*":    {[]string{"ab", "xaxbx", "aab"}, []string{"ba", "a"}},
		"**a":      {[]string{"a", "ba"}, []string{"ab"}},
		"k[a-c]1":  {[]string{"ka1", "kc1"}, []string{"kd1", "k1", "k-1"}},
		"k[c-a]":   {[]string{"ka", "kb"}, []string{"kd"}},
		"k[^a]":    {[]string{"kb"}, []string{"ka", "k"}},
		"k[a\\]]":  {[]string{"ka", "k]"}, []string{"k\\"}},
		"a\\*b":    {[]string{"a*b"}, []string{"axb"}},
		"a\\":      {[]string{"a\\"}, []string{"a"}},
		"[a][b]*c": {[]string{"abc", "abxc"}, []string{"ab", "ac"}},
	} {
		p, err := parsePattern(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		for _, key := range test.yes {
			if !p.match([]byte(key)) {
				t.Errorf("%q does not match %q", text, key)
			}
		}
		for _, key := range test.no {
			if p.match([]byte(key)) {
				t.Errorf("%q matches %q", text, key)
			}
		}
	}
	for _, text := range []string{"", "a[b", "[", "[^", "[a\\]"} {
		if _, err := parsePattern(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestPatternThatLooksExpensive would take longer than anybody lives, were all ways to match it tried.
func TestPatternThatLooksExpensive(t *testing.T) {
	p, err := parsePattern(strings.Repeat("*a", 50) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if p.match([]byte(strings.Repeat("a", 10_000))) {
		t.Error("it matches")
	}
}

// FuzzPattern holds patterns of stars, question marks and letters against regular expressions.
func FuzzPattern(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, text, key string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		got := p.match([]byte(key))
		if strings.Trim(text+key, "*?abcdefghijklmnopqrstuvwxyz:") != "" {
			return
		}
		form := strings.NewReplacer("*", ".*", "?", ".").Replace(text)
		if want := regexp.MustCompile("^(?:" + form + ")$").MatchString(key); got != want {
			t.Errorf("%q and %q: got %v", text, key, got)
		}
	})
}
