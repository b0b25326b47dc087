package postgres

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// pieces takes a dump apart into whole lines of SQL and pieces of rows, which are as long as they come.
type pieces struct {
	source *bufio.Reader
	// sql follows the lines: whoever takes one scans it. Its data is ended here.
	sql scanner
	// inside is set while a line of rows goes on that is longer than the buffer.
	inside bool
	buffer []byte
}

func newPieces(dump io.Reader) pieces { return pieces{source: bufio.NewReaderSize(dump, 64<<10)} }

// rows returns a piece of the rows after COPY … FROM stdin, which end with a line of \. alone, and whether it ends a line. What is returned
// holds until the next call.
func (p *pieces) rows() (piece []byte, ends bool, err error) {
	piece, err = p.source.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		p.inside = true
		return piece, false, nil
	}
	if !p.inside && string(bytes.TrimRight(piece, "\r\n")) == `\.` {
		p.sql.data = false
	}
	p.inside = false
	return piece, true, err
}

// line returns a line of SQL, whole. The last one may come with io.EOF and without an end of its own; it is empty when there is none. What is
// returned holds until the next call.
func (p *pieces) line() ([]byte, error) {
	p.buffer = p.buffer[:0]
	for {
		piece, err := p.source.ReadSlice('\n')
		p.buffer = append(p.buffer, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return p.buffer, err
		}
	}
}
