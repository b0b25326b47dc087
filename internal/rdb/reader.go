package rdb

import (
	"errors"
	"fmt"
	"hash/crc64"
	"io"
)

// jones is the polynomial of Redis's CRC-64, reflected.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// checksum continues a sum over more bytes. Redis inverts it neither before nor after, which Go's package does.
func checksum(sum uint64, p []byte) uint64 { return ^crc64.Update(^sum, jones, p) }

// reader reads through a buffer, sums what was consumed and passes it on.
type reader struct {
	source io.Reader
	output io.Writer
	buffer []byte
	// start to end is what can be consumed; what is before start from passed on was consumed and is not summed yet.
	passed, start, end int
	sum                uint64
	// size is how much was summed and passed on.
	size int64
	// captured collects what is consumed, from captureFrom in the buffer on, while capturing.
	capturing   bool
	captureFrom int
	captured    []byte
}

func newReader(source io.Reader, output io.Writer) *reader {
	return &reader{source: source, output: output, buffer: make([]byte, 64<<10)}
}

// offset is how many bytes were consumed.
func (r *reader) offset() int64 { return r.size + int64(r.start-r.passed) }

// pass sums what was consumed and passes it on.
func (r *reader) pass() error {
	consumed := r.buffer[r.passed:r.start]
	if len(consumed) == 0 {
		return nil
	}
	r.sum = checksum(r.sum, consumed)
	r.size += int64(len(consumed))
	r.passed = r.start
	if r.output == nil {
		return nil
	}
	if _, err := r.output.Write(consumed); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	return nil
}

// fill reads more. Its error is io.EOF at the end of the source.
func (r *reader) fill() error {
	if err := r.pass(); err != nil {
		return err
	}
	if r.capturing {
		if err := r.keep(); err != nil {
			return err
		}
		r.captureFrom = 0
	}
	r.end = copy(r.buffer, r.buffer[r.start:r.end])
	r.passed, r.start = 0, 0
	for range 100 {
		n, err := r.source.Read(r.buffer[r.end:])
		r.end += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// more is fill where the source must not end.
func (r *reader) more() error {
	err := r.fill()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the snapshot ends in the middle, after %d bytes: %w", r.offset(), io.ErrUnexpectedEOF)
	}
	return err
}

func (r *reader) byte() (byte, error) {
	for r.start == r.end {
		if err := r.more(); err != nil {
			return 0, err
		}
	}
	r.start++
	return r.buffer[r.start-1], nil
}

// full consumes as much as p can hold.
func (r *reader) full(p []byte) error {
	for len(p) > 0 {
		if r.start == r.end {
			if err := r.more(); err != nil {
				return err
			}
		}
		n := copy(p, r.buffer[r.start:r.end])
		r.start += n
		p = p[n:]
	}
	return nil
}

// skip consumes n bytes.
func (r *reader) skip(n uint64) error {
	for n > 0 {
		if r.start == r.end {
			if err := r.more(); err != nil {
				return err
			}
		}
		step := min(n, uint64(r.end-r.start))
		r.start += int(step)
		n -= step
	}
	return nil
}

// append consumes n bytes and puts them behind those of p. Memory is taken for what comes, not for what was announced.
func (r *reader) append(p []byte, n uint64) ([]byte, error) {
	for n > 0 {
		if r.start == r.end {
			if err := r.more(); err != nil {
				return nil, err
			}
		}
		step := min(n, uint64(r.end-r.start))
		p = append(p, r.buffer[r.start:r.start+int(step)]...)
		r.start += int(step)
		n -= step
	}
	return p, nil
}

// capture begins to collect what is consumed, behind what captured holds.
func (r *reader) capture(captured []byte) {
	r.capturing, r.captureFrom, r.captured = true, r.start, captured
}

// keep takes what was consumed since the last time.
func (r *reader) keep() error {
	r.captured = append(r.captured, r.buffer[r.captureFrom:r.start]...)
	r.captureFrom = r.start
	if len(r.captured) > MaxString {
		return ErrTooLarge
	}
	return nil
}

// release ends the collecting and returns what came of it.
func (r *reader) release() ([]byte, error) {
	err := r.keep()
	r.capturing = false
	return r.captured, err
}
