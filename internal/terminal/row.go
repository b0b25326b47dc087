package terminal

import (
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// row is one thing that is going on.
type row struct {
	id, symbol, title string
	// total is how many bytes are expected, 0 when unknown.
	total    int64
	started  time.Time
	read     meter
	branches []*branch
	// said is when a line was last printed about it where nothing can be repainted.
	said time.Time
}

// branch is what a thing does at one of its places.
type branch struct {
	name  string
	bytes meter
	stage string
}

// The stages that look different from others.
const (
	stageWriting = "writing"
	stageDone    = "done"
	stageFailed  = "failed"
)

// report notes how far a branch is.
func (r *row) report(name string, bytes int64, stage string) {
	at := slices.IndexFunc(r.branches, func(b *branch) bool { return b.name == name })
	if at < 0 {
		at = len(r.branches)
		r.branches = append(r.branches, &branch{name: name})
	}
	r.branches[at].stage = stage
	r.branches[at].bytes.set(bytes)
}

// observe takes samples for all rates.
func (r *row) observe(now time.Time) {
	r.read.observe(now)
	for _, b := range r.branches {
		b.bytes.observe(now)
	}
}

// summary is the row in one line, for a stream that cannot be repainted.
func (r *row) summary(now time.Time) string {
	line := fmt.Sprintf("%s %s: running for %s", r.symbol, r.title, elapsed(now.Sub(r.started)))
	if r.read.value > 0 {
		line += ", " + units.Bytes(r.read.value) + " read"
	}
	if rate := r.read.rate(now); rate > 0 {
		line += ", " + units.Bytes(rate) + "/s"
	}
	for _, b := range r.branches {
		line += "; " + b.summary(r.total, now)
	}
	return line
}

// summary is the branch in a few words.
func (b *branch) summary(total int64, now time.Time) string {
	text := fmt.Sprintf("%s %s %s", b.name, units.Bytes(b.bytes.value), b.stage)
	if b.stage != stageWriting {
		return text
	}
	if rate := b.bytes.rate(now); rate > 0 {
		text += " at " + units.Bytes(rate) + "/s"
	}
	if left := b.bytes.remaining(total, now); left > 0 {
		text += ", " + elapsed(left) + " left"
	}
	return text
}

// meter measures the rate of a growing number over the last seconds.
type meter struct {
	value   int64
	samples []sample
}

type sample struct {
	at    time.Time
	value int64
}

// A rate is taken over rateWindow, from samples that are sampleEvery apart.
const (
	rateWindow  = 5 * time.Second
	sampleEvery = 500 * time.Millisecond
)

// set notes the number. When it falls, something began anew.
func (m *meter) set(value int64) {
	if value < m.value {
		m.samples = nil
	}
	m.value = value
}

// observe takes a sample if the last one is old enough.
func (m *meter) observe(now time.Time) {
	if n := len(m.samples); n > 0 && now.Sub(m.samples[n-1].at) < sampleEvery {
		return
	}
	m.samples = append(m.samples, sample{now, m.value})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= rateWindow {
		m.samples = m.samples[1:]
	}
}

// rate is in units per second, 0 while it is not known.
func (m *meter) rate(now time.Time) int64 {
	if len(m.samples) == 0 {
		return 0
	}
	oldest := m.samples[0]
	span := now.Sub(oldest.at)
	if span < sampleEvery {
		return 0
	}
	return int64(float64(m.value-oldest.value) / span.Seconds())
}

// remaining estimates how long it takes to come to total at the present rate; 0 while that cannot be known.
func (m *meter) remaining(total int64, now time.Time) time.Duration {
	rate := m.rate(now)
	if rate <= 0 || total <= m.value {
		return 0
	}
	return time.Duration(float64(total-m.value) / float64(rate) * float64(time.Second))
}

// elapsed prints a span as a clock does: "00:05", "1:02:03".
func elapsed(span time.Duration) string {
	seconds := max(0, int64(span/time.Second))
	if hours := seconds / 3600; hours > 0 {
		return fmt.Sprintf("%d:%02d:%02d", hours, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}
