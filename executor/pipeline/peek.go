package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Peeked is a source whose reading has begun: its first bytes were looked at, and a Job that has it for its source gets them
// and all that follows, from the same one reading. It is read at most once.
type Peeked struct {
	providers.Source
	// Head are the first bytes; Whole says that there are no more. They must not be changed, and are given up by Read.
	Head  []byte
	Whole bool
	// BeganAt is when the reading began, UTC.
	BeganAt time.Time

	gate   *gate
	cancel context.CancelCauseFunc
	done   chan struct{}
	// reading and err are what the source said of its end, once done is closed.
	reading providers.Reading
	err     error
}

// errUnwanted stops a source whose head was looked at and whose rest nobody wants.
var errUnwanted = errors.New("the rest is not wanted")

// Peek begins to read a source and returns when it has written size bytes or its end. The source then waits until Read goes
// on with it or Close ends it; one of the two must be called, and Close may always be. An error of the source itself is
// returned, and nothing is left running then.
func Peek(ctx context.Context, source providers.Source, run string, size int, clock clock.Clock) (*Peeked, error) {
	inner, cancel := context.WithCancelCause(ctx)
	p := &Peeked{Source: source, BeganAt: clock.Now().UTC(), cancel: cancel, done: make(chan struct{}), gate: newGate(inner, size)}
	go func() {
		defer close(p.done)
		p.reading, p.err = source.Read(inner, run, p.gate)
	}()
	select {
	case <-p.gate.filled:
	case <-p.done:
		p.Whole = true
	}
	if p.Whole && p.err != nil {
		cancel(nil)
		return nil, fmt.Errorf("reading the source: %w", p.err)
	}
	p.Head = p.gate.head
	return p, nil
}

// Read implements providers.Source: it writes the head and then lets the source go on into w. run was given to Peek already.
func (p *Peeked) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	defer p.Close()
	head := p.Head
	p.Head, p.gate.head = nil, nil
	if _, err := w.Write(head); err != nil {
		return providers.Reading{}, fmt.Errorf("passing the beginning on: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	defer stop()
	select {
	case p.gate.onward <- w:
	case <-p.done:
	}
	<-p.done
	return p.reading, p.err
}

// Close stops the source, unless it has ended, and waits for it.
func (p *Peeked) Close() {
	p.cancel(errUnwanted)
	<-p.done
}

// gate is what a peeked source writes to: first the head, then, when somebody wants it, the rest.
type gate struct {
	ctx  context.Context
	size int
	head []byte
	// filled is closed when the head is there, onward brings where the rest goes.
	filled chan struct{}
	onward chan io.Writer
	rest   io.Writer
	// err is the last word, once there is one.
	err error
}

func newGate(ctx context.Context, size int) *gate {
	return &gate{ctx: ctx, size: size, filled: make(chan struct{}), onward: make(chan io.Writer)}
}

// Write implements io.Writer.
func (g *gate) Write(p []byte) (int, error) {
	switch {
	case g.err != nil:
		return 0, g.err
	case g.rest != nil:
		return g.rest.Write(p)
	}
	taken := min(len(p), g.size-len(g.head))
	g.grow(len(g.head) + taken)
	g.head = append(g.head, p[:taken]...)
	if len(g.head) < g.size {
		return taken, nil
	}
	close(g.filled)
	select {
	case g.rest = <-g.onward:
	case <-g.ctx.Done():
		g.err = context.Cause(g.ctx)
		return taken, g.err
	}
	if taken == len(p) {
		return taken, nil
	}
	more, err := g.rest.Write(p[taken:])
	return taken + more, err
}

// grow makes room for so many bytes in all. It takes four times as much each time, since a head that grows by itself is copied some five times over,
// and never more than the size.
func (g *gate) grow(least int) {
	if least <= cap(g.head) {
		return
	}
	const first = 64 << 10
	g.head = append(make([]byte, 0, min(g.size, max(least, 4*cap(g.head), first))), g.head...)
}
