package dockerlogs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

func TestSpans(t *testing.T) {
	at := func(minute int) mark {
		if minute == 0 {
			return mark{}
		}
		return mark{At: noon.Add(time.Duration(minute) * time.Minute), Lines: 1}
	}
	p := newPosition()
	for id, one := range map[string]struct{ began, ended marks }{
		"beginning": {marks{}, marks{Stdout: at(3), Stderr: at(2)}},
		"further":   {marks{Stdout: at(1), Stderr: at(2)}, marks{Stdout: at(1), Stderr: at(5)}},
		"nothing":   {marks{Stdout: at(1), Stderr: at(2)}, marks{Stdout: at(1), Stderr: at(2)}},
		"silent":    {marks{}, marks{}},
	} {
		p.Began[id], p.Containers[id] = one.began, one.ended
	}
	p.Containers["of an earlier version"] = marks{Stdout: at(3)}
	spans, err := new(Config).Spans(p.String())
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.LogSpan{{Container: "beginning", Until: at(3).At}, {Container: "further", After: at(2).At, Until: at(5).At}}
	if fmt.Sprint(spans) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", spans, want)
	}
	for _, text := range []string{"", "{}", `{"version":1,"containers":{},"began":{"a":{"name":"a","stdout":{"lines":1}}}}`} {
		if spans, err := new(Config).Spans(text); err == nil {
			t.Errorf("%q: got %v", text, spans)
		}
	}
}

// TestMissed holds when a mark that is gone means that something may be missing.
func TestMissed(t *testing.T) {
	early, late := mark{At: noon, Lines: 1}, mark{At: noon.Add(time.Hour), Lines: 2}
	for name, test := range map[string]struct {
		lost        bool
		after       mark
		otherLost   bool
		other       mark
		isSuspected bool
	}{
		"there":                        {false, early, false, late, false},
		"lost":                         {true, early, false, mark{}, true},
		"the other one is there":       {true, early, false, late, false},
		"at the same time":             {true, early, false, early, false},
		"the other one is lost, too":   {true, early, true, late, true},
		"the other one's is before it": {true, late, false, early, true},
	} {
		a := new(archive)
		a.missed("web", "standard error", test.lost, test.after, test.otherLost, test.other)
		if (len(a.warnings) > 0) != test.isSuspected || len(a.warnings) > 0 && !strings.Contains(a.warnings[0], "there may be a gap") {
			t.Errorf("%s: warned was %q", name, a.warnings)
		}
	}
}
