package pipeline

import (
	"context"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// check decompresses the stored stream while it is written, as a restore would.
type check struct {
	*receiver
	ctx   context.Context
	codec providers.Codec
	tally *tally
	done  chan struct{}
	err   error
	// part is the rest of the chunk being read.
	part    []byte
	current *chunk
}

func newCheck(ctx context.Context, codec providers.Codec) *check {
	return &check{receiver: newReceiver(), ctx: ctx, codec: codec, tally: newTally(), done: make(chan struct{})}
}

// run is the life of the check's goroutine. failed is called when the stream cannot be decompressed.
func (c *check) run(failed func(error)) {
	defer close(c.done)
	c.err = c.decompress()
	if c.current != nil {
		c.current.release()
	}
	c.leave()
	if c.err != nil && c.ctx.Err() == nil {
		c.err = fmt.Errorf("%w: %w", ErrNotReproduced, c.err)
		failed(c.err)
	}
}

func (c *check) decompress() (err error) {
	reader, err := c.codec.NewReader(queueReader{c})
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

// compare says whether the whole stream came back as it was.
func (c *check) compare(raw *tally) error {
	<-c.done
	if c.err != nil {
		return c.err
	}
	if c.tally.sums() != raw.sums() {
		return fmt.Errorf("%w: %d bytes with SHA-256 %x became %d bytes with SHA-256 %x", ErrNotReproduced,
			raw.size, raw.sha256.Sum(nil), c.tally.size, c.tally.sha256.Sum(nil))
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
