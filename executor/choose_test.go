package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
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
	found := &providers.Survey{Head: 0.5, Reference: 0.3, Texture: 0.4, Spread: 0.1, Speedup: 1.5, Tried: tried}
	want := &state.Survey{Head: 0.5, Reference: 0.3, Texture: 0.4, Spread: 0.1, Speedup: 1.5, Tried: []state.Tried{{Method: "zstd", Level: 2, Fraction: 0.2, Rate: 3e8}}}
	if got := (&taking{codec: surveying{found: found}}).survey(); !cmp.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for name, codec := range map[string]providers.Codec{"too short": surveying{}, "another codec": changing{}} {
		if got := (&taking{codec: codec}).survey(); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// asked is a Chooser that notes what it was asked with. It recalls what begins with "known".
type asked struct {
	providers.Chooser
	notes  []string
	broken error
}

func (*asked) RecallSize() int { return 5 }
func (*asked) HeadSize() int   { return 12 }
func (a *asked) Recall(_ clock.Clock, about providers.Circumstances) (providers.Chosen, bool, error) {
	a.notes = append(a.notes, fmt.Sprintf("recall %q %v", about.Head, about.Whole))
	return providers.Chosen{Reason: "recalled"}, string(about.Head) == "known", a.broken
}
func (a *asked) Choose(_ context.Context, _ clock.Clock, about providers.Circumstances) (providers.Chosen, error) {
	a.notes = append(a.notes, fmt.Sprintf("choose %q %v", about.Head, about.Whole))
	return providers.Chosen{Reason: "tried"}, a.broken
}

// saying is a source of a text.
type saying struct {
	providers.Source
	text string
}

func (s saying) Read(_ context.Context, _ string, w io.Writer) (providers.Reading, error) {
	_, err := io.WriteString(w, s.text)
	return providers.Reading{}, err
}

// TestChoosing: where there is a survey the first bytes are looked at before the others are waited for.
func TestChoosing(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		survey bool
		broken error
		want   string
	}{
		"a first run":    {"known from of old", false, nil, `choose "known from o" false; tried`},
		"as it was":      {"known from of old", true, nil, `recall "known" false; recalled`},
		"another stream": {"unknown until now", true, nil, `recall "unkno" false; choose "unknown unti" false; tried`},
		"a short one":    {"unknown", true, nil, `recall "unkno" false; choose "unknown" true; tried`},
		"a shorter one":  {"un", true, nil, `recall "un" true; choose "un" true; tried`},
		"out of order":   {"known from of old", true, errors.New("no memory"), `recall "known" false; choosing the compression: no memory`},
		"out of order 2": {"known from of old", false, errors.New("no memory"), `choose "known from o" false; choosing the compression: no memory`},
	} {
		chooser, action := &asked{broken: c.broken}, &planner.Backup{}
		if c.survey {
			action.Expect.Survey = &providers.Survey{}
		}
		taking := &taking{run: &run{Executor: &Executor{Clock: clock.System{}}}, declared: &spec.Backup{Chooser: chooser}, action: action, source: saying{text: c.text}}
		peeked, err := taking.choose(t.Context())
		end := fmt.Sprint(err)
		if err == nil {
			peeked.Close()
			end = taking.chosen.Reason
		}
		if got := strings.Join(append(chooser.notes, end), "; "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}
