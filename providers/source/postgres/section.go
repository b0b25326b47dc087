package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

const (
	// endMark is the comment that a dump of pg_dump's ends with.
	endMark = "--\n-- PostgreSQL database dump complete\n--\n"
	// heldBack is how many of the last bytes of a section are kept until it has ended: the end mark and what is below it are there.
	heldBack = 1 << 10
)

// stream is the dump as a whole. What is written at once stays together.
type stream struct {
	mutex sync.Mutex
	w     io.Writer
}

func (s *stream) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.w.Write(p)
}

// section is what one run of pg_dump writes of a dump. It is kept waiting until its turn comes. Its end mark is cut out, because
// a dump that ends there is not whole.
type section struct {
	ctx    context.Context
	name   string
	stream *stream
	// began is closed when the first bytes are there: pg_dump then has all the locks it needs. turn is closed when they may be
	// written, and ended when the last were.
	began, turn, ended chan struct{}
	once               sync.Once
	held               []byte
	// below is what is below the end mark, once the section has ended.
	below []byte
}

// newSection makes a section that waits no longer than ctx.
func newSection(ctx context.Context, name string, to *stream) *section {
	return &section{ctx: ctx, name: name, stream: to, began: make(chan struct{}), turn: make(chan struct{}), ended: make(chan struct{})}
}

// Write implements io.Writer.
func (s *section) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.began) })
	if err := s.await(s.turn); err != nil {
		return 0, err
	}
	s.held = append(s.held, p...)
	if ready := len(s.held) - heldBack; ready > 0 {
		if _, err := s.stream.Write(s.held[:ready]); err != nil {
			return 0, err
		}
		s.held = append(s.held[:0], s.held[ready:]...)
	}
	return len(p), nil
}

// take gives the section its turn and waits until it has ended.
func (s *section) take() error {
	close(s.turn)
	return s.await(s.ended)
}

// end writes what is held back, but for the end mark and what is below it. pg_dump has ended well.
func (s *section) end() error {
	at := bytes.LastIndex(s.held, []byte(endMark))
	if at < 0 {
		return fmt.Errorf("pg_dump has ended without an error and without the end of its section %s", s.name)
	}
	s.below = s.held[at+len(endMark):]
	if _, err := s.stream.Write(s.held[:at]); err != nil {
		return err
	}
	close(s.ended)
	return nil
}

// await waits until a channel is closed, or for the end of all.
func (s *section) await(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}
