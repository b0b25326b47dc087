package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// seal is the encryption of a stream. What the codec writes goes to the check as it is and, encrypted, to the distribution,
// whose bytes the proof decrypts again: every recipient's entry aside, which only its identity can open, what is stored has
// been read before it counts.
type seal struct {
	ctx        context.Context
	pool       *pool
	encryption providers.Encryption
	// check is nil for codecs that change nothing.
	check *receiver
	// tally is of what the codec wrote.
	tally   *tally
	current *chunk
	// begun is closed when sealing is there.
	begun   chan struct{}
	sealing providers.Sealing
	proof   *check
}

func newSeal(ctx context.Context, pool *pool, encryption providers.Encryption, check *receiver) *seal {
	s := &seal{ctx: ctx, pool: pool, encryption: encryption, check: check, tally: newTally(), begun: make(chan struct{})}
	s.proof = newCheck(ctx, s.open, ErrNotSealed)
	return s
}

// open is how the proof reads what is stored.
func (s *seal) open(stored io.Reader) (io.ReadCloser, error) {
	select {
	case <-s.begun:
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
	plain, err := s.sealing.Opened(stored)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(plain), nil
}

// begin writes the header. Nothing can be written before.
func (s *seal) begin(to io.Writer) error {
	sealing, err := s.encryption.NewWriter(to)
	if err != nil {
		return s.failed(err)
	}
	s.sealing = sealing
	close(s.begun)
	return nil
}

// Write implements io.Writer for what the codec writes.
func (s *seal) Write(p []byte) (int, error) {
	s.tally.add(p)
	if err := s.show(p); err != nil {
		return 0, err
	}
	n, err := s.sealing.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, s.failed(err)
	}
	return n, nil
}

// show gives plain bytes to the check, in chunks.
func (s *seal) show(p []byte) error {
	for s.check != nil && len(p) > 0 {
		if s.current == nil {
			s.current = s.pool.get()
		}
		p = p[s.current.fill(p):]
		if s.current.full() {
			if err := s.pass(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass hands the current chunk to the check.
func (s *seal) pass() error {
	c := s.current
	s.current = nil
	return s.check.give(s.ctx, c)
}

// end writes the end of the encrypted stream.
func (s *seal) end() error {
	if s.current != nil {
		if err := s.pass(); err != nil {
			return err
		}
	}
	if s.check != nil {
		close(s.check.queue)
	}
	if err := s.sealing.Close(); err != nil {
		return s.failed(err)
	}
	return nil
}

// compare says whether what is stored decrypts to what the codec wrote.
func (s *seal) compare() error { return s.proof.compare(s.tally) }

func (s *seal) failed(err error) error {
	// Where the stream was given up, the reason for that is the better explanation.
	if cause := context.Cause(s.ctx); cause != nil && errors.Is(err, cause) {
		return cause
	}
	return fmt.Errorf("encrypting with %s: %w", s.encryption.Format(), err)
}
