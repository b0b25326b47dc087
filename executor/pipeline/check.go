package pipeline

import (
	"context"
	"fmt"
	"io"
)

// check reads a stream while it is written, as a restore would.
type check struct {
	*receiver
	ctx context.Context
	// open decompresses or decrypts the stream.
	open func(io.Reader) (io.ReadCloser, error)
	// wrong is the error of a stream that does not come back as it was.
	wrong error
	tally *tally
	done  chan struct{}
	err   error
	// part is the rest of the chunk being read.
	part    []byte
	current *chunk
}

func newCheck(ctx context.Context, open func(io.Reader) (io.ReadCloser, error), wrong error) *check {
	return &check{receiver: newReceiver(), ctx: ctx, open: open, wrong: wrong, tally: newTally(), done: make(chan struct{})}
}

// run is the life of the check's goroutine. failed is called when the stream cannot be read.
func (c *check) run(failed func(error)) {
	defer close(c.done)
	c.err = c.read()
	if c.current != nil {
		c.current.release()
	}
	c.leave()
	if c.err != nil && c.ctx.Err() == nil {
		c.err = fmt.Errorf("%w: %w", c.wrong, c.err)
		failed(c.err)
	}
}

func (c *check) read() (err error) {
	reader, err := c.open(queueReader{c})
	if err != nil {
		return err
	}
	defer func() {
		if closing := reader.Close(); err == nil {
			err = closing
		}
	}()
	_, err = io.CopyBuffer(c.tally, onlyReader{reader}, make([]byte, chunkSize))
	return err
}

// compare says whether the whole stream came back as it was before.
func (c *check) compare(before *tally) error {
	<-c.done
	if c.err != nil {
		return c.err
	}
	if c.tally.sums() != before.sums() {
		return fmt.Errorf("%w: %d bytes with SHA-256 %x became %d bytes with SHA-256 %x", c.wrong,
			before.size, before.sha256.Sum(nil), c.tally.size, c.tally.sha256.Sum(nil))
	}
	return nil
}

// onlyReader hides a reader's other methods, so that the copy goes through one buffer of one size.
type onlyReader struct{ io.Reader }

// queueReader reads the chunks of a check as a stream.
type queueReader struct{ c *check }

// Read implements io.Reader.
func (q queueReader) Read(p []byte) (int, error) {
	c := q.c
	for len(c.part) == 0 {
		if c.current != nil {
			c.current.release()
			c.current = nil
		}
		select {
		case next, open := <-c.queue:
			if !open {
				return 0, io.EOF
			}
			c.current, c.part = next, next.data
		case <-c.ctx.Done():
			return 0, context.Cause(c.ctx)
		}
	}
	n := copy(p, c.part)
	c.part = c.part[n:]
	return n, nil
}
