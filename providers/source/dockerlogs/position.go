package dockerlogs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// mark is the last message of a stream that was read.
type mark struct {
	// At is its time, zero where there was none.
	At time.Time `json:"at,omitzero"`
	// Lines is how many messages had that time, with it.
	Lines int `json:"lines,omitempty"`
}

// marks are those of a container.
type marks struct {
	Name   string `json:"name"`
	Stdout mark   `json:"stdout,omitzero"`
	Stderr mark   `json:"stderr,omitzero"`
}

// position is where a reading ended, by the identification of each container.
type position struct {
	Version    int              `json:"version"`
	Containers map[string]marks `json:"containers"`
	// Began is where it began; a container that an earlier version read has none.
	Began map[string]marks `json:"began,omitempty"`
}

// positionVersion is that of the form of positions.
const positionVersion = 1

func newPosition() position {
	return position{Version: positionVersion, Containers: make(map[string]marks), Began: make(map[string]marks)}
}

// parsePosition reads a position.
func parsePosition(text string) (position, error) {
	var p position
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("reading the position of a docker_logs source: %w", err)
	}
	if p.Version != positionVersion {
		return p, fmt.Errorf("the position of a docker_logs source has version %d, and this version of imsctl understands %d", p.Version, positionVersion)
	}
	for _, all := range []map[string]marks{p.Containers, p.Began} {
		for _, one := range all {
			for _, m := range []mark{one.Stdout, one.Stderr} {
				if m.Lines < 0 || m.At.IsZero() != (m.Lines == 0) {
					return p, errors.New("the position of a docker_logs source has a time without messages, or messages without a time")
				}
			}
		}
	}
	return p, nil
}

// String is the position as it is recorded.
func (p position) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // there is nothing in it that cannot be written
	}
	return string(text)
}

// before finds the container that had a name, other than the one that has it now.
func (p position) before(name, id string) (marks, bool) {
	if _, known := p.Containers[id]; known {
		return marks{}, false
	}
	for _, one := range p.Containers {
		if one.Name == name {
			return one, true
		}
	}
	return marks{}, false
}

// last is when it was last heard of.
func (m marks) last() time.Time {
	if m.Stderr.At.After(m.Stdout.At) {
		return m.Stderr.At
	}
	return m.Stdout.At
}

// spans are the parts of logs that a reading has which ended here. Between its marks a log is read whole: the engine tells both
// streams of a container in the order in which it wrote them.
func (p position) spans() []providers.LogSpan {
	var spans []providers.LogSpan
	for _, id := range slices.Sorted(maps.Keys(p.Containers)) {
		began, known := p.Began[id]
		span := providers.LogSpan{Container: id, After: began.last(), Until: p.Containers[id].last()}
		if known && span.Until.After(span.After) {
			spans = append(spans, span)
		}
	}
	return spans
}

// earliest is from when on a container must be read: well before both marks, in case that its clock was set back. Zero is from
// the beginning. A stream without a mark had said nothing when the other one had its mark.
func (m marks) earliest() time.Time {
	first := m.Stdout.At
	if first.IsZero() || !m.Stderr.At.IsZero() && m.Stderr.At.Before(first) {
		first = m.Stderr.At
	}
	if first.IsZero() {
		return first
	}
	return first.Add(-setBack)
}

// setBack is how far the clock of an engine may be set back without anything being missed.
const setBack = time.Hour
