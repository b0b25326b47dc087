package executor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
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

// surveying is a codec that surveyed what it wrote.
type surveying struct {
	providers.Codec
	found *providers.Survey
}

func (s surveying) Survey() *providers.Survey { return s.found }

// TestSurveyRecorded: what a codec found out about the stream goes into the state as it is, and nothing does of others.
func TestSurveyRecorded(t *testing.T) {
	tried := []providers.Tried{{Experience: providers.Experience{Method: "zstd", Level: 2, Fraction: 0.2}, Rate: 3e8}}
	found := &providers.Survey{Head: 0.5, Reference: 0.3, Speedup: 1.5, Tried: tried}
	want := &state.Survey{Head: 0.5, Reference: 0.3, Speedup: 1.5, Tried: []state.Tried{{Method: "zstd", Level: 2, Fraction: 0.2, Rate: 3e8}}}
	if got := (&taking{codec: surveying{found: found}}).survey(); !cmp.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for name, codec := range map[string]providers.Codec{"too short": surveying{}, "another codec": changing{}} {
		if got := (&taking{codec: codec}).survey(); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
