package compression

import (
	"context"
	"io"
	"runtime"
	"sync"
)

// blockFormat is how one method writes a file of blocks that are compressed apart from each other.
type blockFormat struct {
	// size is how many bytes of the stream go into a block, overlap how many of those before it an encoder is shown.
	size, overlap int
	// newEncoder makes the encoder of one worker.
	newEncoder func() (blockEncoder, error)
	framing    framing
}

// blockEncoder compresses one block after the other. Each worker has its own.
type blockEncoder interface {
	// encode appends the compressed form of b.data to b.out. It returns soon after ctx ends.
	encode(ctx context.Context, b *block) error
}

// framing is what stands around the blocks in a file. One goroutine calls it, in the order of the file.
type framing interface {
	head() []byte
	// add notes a block that comes next.
	add(b *block)
	tail() []byte
}

// block is a piece of the stream on its way through a worker.
type block struct {
	// before is what stood directly before the data, as far as the format wants it.
	before, data []byte
	out          []byte
	// contents is the part of out that a format counts, in bytes, where it lists its blocks.
	contents int
	err      error
	done     chan struct{}
}

// spareBlocks is how many bytes of the stream may lie in blocks that no worker has, besides the one being filled.
const spareBlocks = 8 << 20

// writeSize is how much is written at once, in bytes, so that whoever is written to can pass on what it has.
const writeSize = 128 << 10

// blockWriter compresses a stream on all processors: Write fills blocks, workers compress them, and one goroutine writes
// what came of them in order. It has at most as many blocks as workers, and a few to spare. It starts nothing before the
// first block is full, and what is smaller than a block is compressed by Close itself.
type blockWriter struct {
	format blockFormat
	out    io.Writer
	ctx    context.Context
	cancel context.CancelCauseFunc

	filling *block
	// tail is the end of the block before, for the overlap.
	tail  []byte
	begun bool

	free    chan *block
	jobs    chan *block
	order   chan *block
	running sync.WaitGroup
}

// newBlockWriter makes a writer that gives up when ctx ends: whoever waits then, and every later call, gets the cause.
func newBlockWriter(ctx context.Context, out io.Writer, format blockFormat) *blockWriter {
	ctx, cancel := context.WithCancelCause(ctx)
	return &blockWriter{format: format, out: out, ctx: ctx, cancel: cancel, filling: newBlock()}
}

func newBlock() *block { return &block{done: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (w *blockWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if len(w.filling.data) == w.format.size {
			if err := w.submit(); err != nil {
				return written, err
			}
		}
		n := min(len(p), w.format.size-len(w.filling.data))
		w.filling.data = append(w.filling.data, p[:n]...)
		written, p = written+n, p[n:]
	}
	return written, context.Cause(w.ctx)
}

// submit hands the block that is full to the workers and takes a free one.
func (w *blockWriter) submit() error {
	if w.jobs == nil {
		w.start()
	}
	b := w.filling
	b.before = append(b.before[:0], w.tail...)
	if w.format.overlap > 0 {
		w.tail = append(w.tail[:0], b.data[max(0, len(b.data)-w.format.overlap):]...)
	}
	select {
	case w.order <- b:
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
	w.jobs <- b
	select {
	case w.filling = <-w.free:
		w.filling.data, w.filling.out = w.filling.data[:0], w.filling.out[:0]
	case <-w.ctx.Done():
		w.filling = newBlock()
		return context.Cause(w.ctx)
	}
	return nil
}

// start starts the workers and the goroutine that writes. Every channel has room for all blocks, so that nobody waits
// except for a block.
func (w *blockWriter) start() {
	workers := runtime.GOMAXPROCS(0)
	blocks := workers + 1 + max(1, min(workers, spareBlocks/w.format.size))
	w.free, w.jobs, w.order = make(chan *block, blocks), make(chan *block, blocks), make(chan *block, blocks)
	for range blocks - 1 {
		w.free <- newBlock()
	}
	for range workers {
		w.running.Go(w.work)
	}
	w.running.Go(w.deliver)
}

// work is the life of a worker.
func (w *blockWriter) work() {
	encoder, err := w.format.newEncoder()
	for b := range w.jobs {
		b.err = err
		if err == nil && w.ctx.Err() == nil {
			b.err = encoder.encode(w.ctx, b)
		}
		b.done <- struct{}{}
	}
}

// deliver writes the blocks in order. After a failure it only waits for them.
func (w *blockWriter) deliver() {
	for b := range w.order {
		<-b.done
		if w.ctx.Err() == nil {
			if err := w.put(b); err != nil {
				w.cancel(err)
			}
		}
		w.free <- b
	}
}

// put writes a block that has been compressed, and before the first one the beginning of the file.
func (w *blockWriter) put(b *block) error {
	if b.err != nil {
		return b.err
	}
	if err := w.begin(); err != nil {
		return err
	}
	w.format.framing.add(b)
	for out := b.out; len(out) > 0; {
		n := min(len(out), writeSize)
		if _, err := w.out.Write(out[:n]); err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

func (w *blockWriter) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.putFrame(w.format.framing.head())
}

// putFrame writes what stands around blocks, if there is anything.
func (w *blockWriter) putFrame(frame []byte) error {
	if len(frame) == 0 {
		return nil
	}
	_, err := w.out.Write(frame)
	return err
}

// Close implements io.Closer.
func (w *blockWriter) Close() error {
	defer w.cancel(errClosed)
	if w.jobs == nil {
		return w.finishAlone()
	}
	if len(w.filling.data) > 0 && w.ctx.Err() == nil {
		// Its error is the cause that is returned below.
		_ = w.submit()
	}
	close(w.jobs)
	close(w.order)
	w.running.Wait()
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	return w.putFrame(w.format.framing.tail())
}

// finishAlone writes a file of one block or of none.
func (w *blockWriter) finishAlone() error {
	if err := context.Cause(w.ctx); err != nil {
		return err
	}
	if b := w.filling; len(b.data) > 0 {
		encoder, err := w.format.newEncoder()
		if err == nil {
			err = encoder.encode(w.ctx, b)
		}
		if cause := context.Cause(w.ctx); cause != nil {
			err = cause
		}
		if err != nil {
			return err
		}
		if err := w.put(b); err != nil {
			return err
		}
	}
	if err := w.begin(); err != nil {
		return err
	}
	return w.putFrame(w.format.framing.tail())
}

// appender appends what is written to it to a slice, up to a length of most where that is not 0.
type appender struct {
	to   []byte
	most int
}

// Write implements io.Writer.
func (a *appender) Write(p []byte) (int, error) {
	if a.most > 0 && len(a.to)+len(p) > a.most {
		return 0, errTooLarge
	}
	a.to = append(a.to, p...)
	return len(p), nil
}
