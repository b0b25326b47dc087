package terminal

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

const (
	// repaintEvery is how often the live area is painted at most.
	repaintEvery = 100 * time.Millisecond
	// heartbeat is how often a line tells that something still runs, where nothing can be repainted.
	heartbeat = 30 * time.Second
)

// Display shows the progress of many things at once. On a terminal every running thing has a row, with a line for each of
// its branches, in a live area at the bottom; what is finished scrolls away above as ordinary lines. Anywhere else it
// prints a line when a thing starts, a line every 30 seconds while it runs, and a line when it is finished.
//
// Its methods may be called from any goroutine and return at once: one goroutine of the display does all the writing,
// and Close waits for it. The cursor is never hidden, so that even a killed process leaves the terminal as it should be.
// Titles, names and lines may hold anything: what would steer the terminal is made visible, except for the colours of
// lines.
type Display struct {
	w     io.Writer
	look  Look
	clock clock.Clock

	mu   sync.Mutex
	rows []*row
	// lines are the permanent ones that are not written yet.
	lines []string
	ended bool
	err   error

	// last is the live area as it was painted. It belongs to the writing goroutine.
	last []string

	wake, closing, done chan struct{}
	close               sync.Once
}

// NewDisplay begins a display on w, which nothing else should write to until Close.
func NewDisplay(w io.Writer, look Look, clock clock.Clock) *Display {
	ticker := time.NewTicker(repaintEvery)
	return newDisplay(w, look, clock, ticker.C, ticker.Stop)
}

// newDisplay paints at each tick and calls stop when it is closed.
func newDisplay(w io.Writer, look Look, clock clock.Clock, ticks <-chan time.Time, stop func()) *Display {
	d := &Display{
		w: w, look: look, clock: clock,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go func() {
		defer close(d.done)
		defer stop()
		d.run(ticks)
	}()
	return d
}

// Start adds a row: a thing with an id, shown as symbol and title. total is how many bytes are expected, 0 when that is
// not known: those written by each branch, or those read where there are no branches. An id that runs already starts
// anew.
func (d *Display) Start(id, symbol, title string, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	now := d.clock.Now()
	added := &row{id: id, symbol: Escape(symbol), title: Escape(title), total: total, started: now, said: now}
	if at := d.find(id); at >= 0 {
		d.rows[at] = added
	} else {
		d.rows = append(d.rows, added)
	}
	if !d.look.Live {
		d.print(fmt.Sprintf("%s %s: started", added.symbol, added.title))
	}
}

// Update tells how many bytes a thing has read so far. An unknown id is ignored.
func (d *Display) Update(id string, read int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.find(id); at >= 0 {
		d.rows[at].read.set(read)
	}
}

// Branch tells how many bytes a thing has written at one of its places so far, and what it is doing there: "writing",
// "done", "failed", or another word that is shown as it is. An unknown id is ignored.
func (d *Display) Branch(id, name string, bytes int64, stage string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.find(id); at >= 0 {
		d.rows[at].report(Escape(name), bytes, Escape(stage))
	}
}

// Finish removes a thing's row, if it has one, and prints line for good.
func (d *Display) Finish(id, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.find(id); at >= 0 {
		d.rows = slices.Delete(d.rows, at, at+1)
	}
	d.print(line)
}

// Println prints one or more lines for good, above the live area.
func (d *Display) Println(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.print(line)
}

// Close prints the last state of what still runs, for good, and ends the display. It returns the first error that writing
// met; after that error nothing was written. Later calls do nothing but return the same. Lines printed after Close are
// written at once.
func (d *Display) Close() error {
	d.close.Do(func() { close(d.closing) })
	<-d.done
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// find returns the index of a row, or -1. The caller holds the lock.
func (d *Display) find(id string) int {
	return slices.IndexFunc(d.rows, func(r *row) bool { return r.id == id })
}

// print queues lines for good. The caller holds the lock.
func (d *Display) print(text string) {
	d.lines = append(d.lines, lines(text, d.look.Color)...)
	switch {
	case d.ended:
		d.flush()
	case !d.look.Live:
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// run does all the writing until the display is closed.
func (d *Display) run(ticks <-chan time.Time) {
	for {
		select {
		case <-ticks:
			d.step()
		case <-d.wake:
			d.step()
		case <-d.closing:
			d.finish()
			return
		}
	}
}

// step brings the terminal up to date.
func (d *Display) step() {
	columns, height := d.look.current()
	d.mu.Lock()
	now := d.clock.Now()
	for _, r := range d.rows {
		r.observe(now)
		if !d.look.Live && now.Sub(r.said) >= heartbeat {
			r.said = now
			d.lines = append(d.lines, r.summary(now))
		}
	}
	var area []string
	if d.look.Live {
		// Terminals differ in what they do with a full line: the last column stays empty. So does the last line, where the
		// cursor waits.
		area = frame(d.rows, columns-1, height-1, d.look.Color, now)
	}
	output := d.compose(area)
	d.mu.Unlock()

	// Callers go on while a slow terminal takes it.
	if err := d.send(output); err != nil {
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
	}
}

// send writes what compose returned.
func (d *Display) send(output []byte) error {
	if len(output) == 0 {
		return nil
	}
	if _, err := d.w.Write(output); err != nil {
		return fmt.Errorf("writing the progress: %w", err)
	}
	return nil
}

// finish prints what still runs for good.
func (d *Display) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock.Now()
	if d.look.Live {
		column := textColumn(d.rows, math.MaxInt)
		for _, r := range d.rows {
			for _, line := range r.lines(column, now) {
				d.lines = append(d.lines, line.text(d.look.Color))
			}
		}
	} else {
		for _, r := range d.rows {
			d.lines = append(d.lines, r.summary(now))
		}
	}
	d.rows, d.ended = nil, true
	d.flush()
}

// flush writes the queued lines at once. The caller holds the lock, after the last step.
func (d *Display) flush() {
	if err := d.send(d.compose(nil)); err != nil {
		d.err = err
	}
}

// compose returns the bytes that put the queued lines above a new live area, in place of the old one, and nothing when all
// is as it should be, or the stream is broken. The caller holds the lock.
func (d *Display) compose(area []string) []byte {
	if d.err != nil || len(d.lines) == 0 && slices.Equal(area, d.last) {
		return nil
	}
	var b bytes.Buffer
	if len(d.last) > 0 {
		// What somebody types is echoed behind the area: back to the first column, up to its first line.
		fmt.Fprintf(&b, "\r\x1b[%dA", len(d.last))
		if len(d.lines) > 0 {
			// A permanent line may be longer than the terminal is wide and must not meet the old area.
			b.WriteString("\x1b[J")
		}
	}
	for _, line := range d.lines {
		b.WriteString(line + "\n")
	}
	for _, line := range area {
		b.WriteString("\x1b[K" + line + "\n")
	}
	if len(d.last) > 0 {
		b.WriteString("\x1b[J")
	}
	d.lines, d.last = nil, area
	return b.Bytes()
}
