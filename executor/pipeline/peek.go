package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	if err := p.await(p.gate.filled); err != nil {
		return nil, err
	}
	return p, nil
}

// Extend reads on until the head has size bytes or the source has ended. It may be called before Read, and fails as Peek does.
func (p *Peeked) Extend(size int) error {
	if p.Whole || size <= len(p.Head) {
		return nil
	}
	filled := make(chan struct{})
	select {
	case p.gate.extended <- extension{size: size, filled: filled}:
	case <-p.done:
	}
	return p.await(filled)
}

// await waits for the head, or the end of the source.
func (p *Peeked) await(filled <-chan struct{}) error {
	select {
	case <-filled:
	case <-p.done:
		p.Whole = true
	}
	if p.Whole && p.err != nil {
		p.cancel(nil)
		return fmt.Errorf("reading the source: %w", p.err)
	}
	p.Head = p.gate.head
	return nil
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
	// filled is closed when the head is there, extended brings that it is to be longer, onward where the rest goes.
	filled   chan struct{}
	extended chan extension
	onward   chan io.Writer
	rest     io.Writer
	// err is the last word, once there is one.
	err error
}

// extension is how long a head is to be after all, and what is closed then.
type extension struct {
	size   int
	filled chan struct{}
}

func newGate(ctx context.Context, size int) *gate {
	return &gate{ctx: ctx, size: size, filled: make(chan struct{}), extended: make(chan extension), onward: make(chan io.Writer)}
}

// Write implements io.Writer.
func (g *gate) Write(p []byte) (int, error) {
	taken := 0
	for g.rest == nil {
		if g.err != nil {
			return taken, g.err
		}
		n := min(len(p)-taken, g.size-len(g.head))
		g.grow(len(g.head) + n)
		g.head = append(g.head, p[taken:taken+n]...)
		taken += n
		if len(g.head) < g.size {
			return taken, nil
		}
		g.wait()
	}
	if taken > 0 && taken == len(p) {
		return taken, nil
	}
	n, err := g.rest.Write(p[taken:])
	return taken + n, err
}

// wait says that the head is there, and waits for what is to become of it and of the rest.
func (g *gate) wait() {
	close(g.filled)
	select {
	case g.rest = <-g.onward:
	case more := <-g.extended:
		g.size, g.filled = more.size, more.filled
	case <-g.ctx.Done():
		g.err = context.Cause(g.ctx)
	}
}

// grow makes room for so many bytes in all. What does not stay small gets all the room at once: to grow step by step would copy it again and again,
// and memory that is never written to is none.
func (g *gate) grow(least int) {
	const small = 64 << 10
	switch {
	case least <= cap(g.head):
	case least <= small:
		g.head = slices.Grow(g.head, min(g.size, small)-len(g.head))
	default:
		g.head = append(make([]byte, 0, g.size), g.head...)
	}
}
