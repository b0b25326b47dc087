package executor

import (
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// changing is a codec that says how it changed.
type changing struct {
	providers.Codec
	said string
}

func (c changing) Adapted() string { return c.said }

// TestChoice: why a method was chosen, and what it did otherwise since.
func TestChoice(t *testing.T) {
	for name, c := range map[string]struct {
		taking taking
		want   string
	}{
		"given":         {taking{codec: changing{said: "not told"}}, ""},
		"chosen":        {taking{chosen: &providers.Chosen{Reason: "it is small"}}, "it is small"},
		"not changed":   {taking{codec: changing{}, chosen: &providers.Chosen{Reason: "it is small"}}, "it is small"},
		"changed since": {taking{codec: changing{said: "after 9 MiB it went on with zstd 5"}, chosen: &providers.Chosen{Reason: "it is small"}}, "it is small; after 9 MiB it went on with zstd 5"},
	} {
		if got := c.taking.choice(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
