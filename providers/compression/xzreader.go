package compression

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
)

// The section numbers below are those of "The .xz File Format", version 1.2.1.

var errXZDamaged = errors.New("the data is damaged")

// xzReader reads a sequence of streams. The library decodes the blocks' contents; the container around them is read here,
// because the library's own reader takes a cut at the end of a block for the end of the file and knows no limit of memory.
type xzReader struct {
	source *bufio.Reader
	// read counts the bytes taken from source.
	read   int64
	stream *xzStream
	block  *xzBlock
}

// xzStream is the stream being read.
type xzStream struct {
	flags  [2]byte
	check  func() hash.Hash
	blocks xzRecords
}

func newXZReader(r *bufio.Reader) *xzReader { return &xzReader{source: r} }

// Read implements io.Reader.
func (r *xzReader) Read(p []byte) (int, error) {
	for {
		var n int
		var err error
		switch {
		case r.stream == nil:
			err = r.nextStream()
			if err == io.EOF {
				return 0, io.EOF
			}
		case r.block == nil:
			err = r.nextBlock()
		default:
			n, err = r.block.Read(p)
			if err == io.EOF {
				r.block, err = nil, r.block.finish()
			}
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// take reads exactly len(p) bytes.
func (r *xzReader) take(p []byte) error {
	n, err := io.ReadFull(r.source, p)
	r.read += int64(n)
	return noEOF(err)
}

// ReadByte implements io.ByteReader.
func (r *xzReader) ReadByte() (byte, error) {
	b, err := r.source.ReadByte()
	if err == nil {
		r.read++
	}
	return b, err
}

// nextStream skips padding (2.2) and reads a stream header (2.1.1); io.EOF says that there is no more.
func (r *xzReader) nextStream() error {
	for padding := 0; ; padding++ {
		next, err := r.source.Peek(1)
		if err != nil && (err != io.EOF || padding%4 == 0) {
			return err
		}
		if err != nil {
			return errXZDamaged
		}
		if next[0] != 0 || r.read == 0 {
			if padding%4 != 0 {
				return errXZDamaged
			}
			break
		}
		if _, err := r.ReadByte(); err != nil {
			return err
		}
	}
	var header [12]byte
	if err := r.take(header[:]); err != nil {
		return err
	}
	if !bytes.Equal(header[:6], []byte{0xFD, '7', 'z', 'X', 'Z', 0}) {
		return errors.New("no xz stream begins here")
	}
	if binary.LittleEndian.Uint32(header[8:]) != crc32.ChecksumIEEE(header[6:8]) {
		return errXZDamaged
	}
	check, err := xzCheck(header[6], header[7])
	if err != nil {
		return err
	}
	r.stream = &xzStream{flags: [2]byte(header[6:8]), check: check, blocks: newXZRecords()}
	return nil
}

// nextBlock begins the next block, or reads what ends the stream.
func (r *xzReader) nextBlock() error {
	start := r.read
	header, err := r.nextHeader()
	if err != nil || r.stream == nil {
		return err
	}
	r.block, err = newXZBlock(r, header, start)
	return err
}

// nextHeader reads a block header (3.1), or the index and the footer that end the stream: there is none then.
func (r *xzReader) nextHeader() (xzBlockHeader, error) {
	start := r.read
	size, err := r.ReadByte()
	if err != nil {
		return xzBlockHeader{}, err
	}
	if size == 0 {
		return xzBlockHeader{}, r.finishStream(start)
	}
	header := make([]byte, (int(size)+1)*4)
	header[0] = size
	if err := r.take(header[1:]); err != nil {
		return xzBlockHeader{}, err
	}
	return parseXZBlockHeader(header)
}

// finishStream reads the index (4), whose indicator has been read at start, and the stream footer (2.1.2).
func (r *xzReader) finishStream(start int64) error {
	if err := r.readIndex(start); err != nil {
		return err
	}
	indexSize := r.read - start
	var footer [12]byte
	if err := r.take(footer[:]); err != nil {
		return err
	}
	backward := (int64(binary.LittleEndian.Uint32(footer[4:8])) + 1) * 4
	switch {
	case binary.LittleEndian.Uint32(footer[:4]) != crc32.ChecksumIEEE(footer[4:10]),
		backward != indexSize, [2]byte(footer[8:10]) != r.stream.flags, footer[10] != 'Y', footer[11] != 'Z':
		return errXZDamaged
	}
	r.stream = nil
	return nil
}

// readIndex compares the index with the blocks that were read.
func (r *xzReader) readIndex(start int64) error {
	sum := crc32.NewIEEE()
	sum.Write([]byte{0})
	in := &summingByteReader{r: r, sum: sum}
	count, err := readXZInteger(in)
	if err != nil {
		return err
	}
	if count != r.stream.blocks.count {
		return errXZDamaged
	}
	listed := newXZRecords()
	for range count {
		unpadded, err := readXZInteger(in)
		if err != nil {
			return err
		}
		uncompressed, err := readXZInteger(in)
		if err != nil {
			return err
		}
		listed.add(unpadded, uncompressed)
	}
	if !listed.equal(r.stream.blocks) {
		return errXZDamaged
	}
	for (r.read-start)%4 != 0 {
		if b, err := in.ReadByte(); err != nil || b != 0 {
			return errors.Join(errXZDamaged, err)
		}
	}
	var want [4]byte
	if err := r.take(want[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(want[:]) != sum.Sum32() {
		return errXZDamaged
	}
	return nil
}
