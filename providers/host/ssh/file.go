package ssh

import (
	"io/fs"
	"sync"
)

const (
	// aheadAfter is how much of a file is read before more of it is asked for than is wanted: most files end before.
	aheadAfter = 512 << 10
	// aheadSize is how much is asked for at once then, and aheadBlocks how many of these wait for the reader.
	aheadSize   = 1 << 20
	aheadBlocks = 2
)

// readFile is a file being read. Of a large one the next part is on its way while the last one is being worked on. It is
// used by one goroutine at a time.
type readFile struct {
	openFile
	offset int64
	// blocks are what was read ahead; nil before that begins.
	blocks  chan block
	current block
	stop    chan struct{}
	reading sync.WaitGroup
}

// block is a part of a file, and the error that came after it.
type block struct {
	bytes []byte
	err   error
}

// Read reads on.
func (r *readFile) Read(p []byte) (int, error) {
	if r.blocks == nil && r.offset < aheadAfter {
		n, err := r.file.Read(p)
		r.offset += int64(n)
		return n, r.failed("read", err)
	}
	if r.blocks == nil {
		r.blocks, r.stop = make(chan block, aheadBlocks), make(chan struct{})
		r.reading.Go(r.readAhead)
	}
	if len(r.current.bytes) == 0 {
		if r.current.err != nil {
			return 0, r.failed("read", r.current.err)
		}
		r.current = <-r.blocks
	}
	n := copy(p, r.current.bytes)
	r.current.bytes = r.current.bytes[n:]
	if n == 0 && r.current.err != nil {
		return 0, r.failed("read", r.current.err)
	}
	return n, nil
}

// readAhead reads blocks until there is an error, such as the end of the file, or nobody wants them any more.
func (r *readFile) readAhead() {
	for at := r.offset; ; {
		bytes := make([]byte, aheadSize)
		n, err := r.file.ReadAt(bytes, at)
		at += int64(n)
		select {
		case r.blocks <- block{bytes[:n], err}:
		case <-r.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Close closes the file, once what was asked for has come.
func (r *readFile) Close() error {
	if r.stop != nil {
		close(r.stop)
		r.stop = nil
	}
	r.reading.Wait()
	r.current = block{err: fs.ErrClosed}
	return r.openFile.Close()
}

// writeFile is a file being written.
type writeFile struct{ openFile }

// Write appends.
func (w *writeFile) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, w.failed("write", err)
}

// Flush does nothing: SFTP has no way to start write-back without waiting for it.
func (*writeFile) Flush() {}

// Sync makes the content durable.
func (w *writeFile) Sync() error { return w.failed("sync", w.file.Sync()) }
