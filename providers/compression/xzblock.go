package compression

import (
	"bytes"
	"fmt"
	"hash"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzBlock reads the contents of one block (3).
type xzBlock struct {
	file   *xzReader
	header xzBlockHeader
	// begin is where the contents begin in the file, out is how many bytes they gave so far.
	begin   int64
	out     int64
	decoder *lzma.Reader2
	// check is nil where the stream has no checksums.
	check hash.Hash
}

func newXZBlock(file *xzReader, header xzBlockHeader, start int64) (*xzBlock, error) {
	block := &xzBlock{file: file, header: header, begin: start + int64(header.size), check: file.stream.check()}
	var err error
	block.decoder, err = lzma.Reader2Config{DictCap: header.dictionary}.NewReader2(xzContents{file})
	if err != nil {
		return nil, noEOF(err)
	}
	return block, nil
}

// xzContents is the file as a block's decoder sees it.
type xzContents struct{ file *xzReader }

// Read implements io.Reader.
func (c xzContents) Read(p []byte) (int, error) {
	n, err := c.file.source.Read(p)
	c.file.read += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (c xzContents) ReadByte() (byte, error) { return c.file.ReadByte() }

// Read implements io.Reader; io.EOF is the end of the contents, after which comes finish.
func (b *xzBlock) Read(p []byte) (int, error) {
	n, err := b.decoder.Read(p)
	b.out += int64(n)
	if b.check != nil {
		b.check.Write(p[:n])
	}
	if b.header.uncompressed >= 0 && b.out > b.header.uncompressed {
		return n, errXZDamaged
	}
	if err == io.EOF && !b.decoder.EOS() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// all reads the block to its end, and what follows the contents.
func (b *xzBlock) all() io.Reader { return wholeXZBlock{b} }

// wholeXZBlock is a block as a reader that ends behind its checksum.
type wholeXZBlock struct{ *xzBlock }

// Read implements io.Reader.
func (b wholeXZBlock) Read(p []byte) (int, error) {
	n, err := b.xzBlock.Read(p)
	if err == io.EOF {
		if failed := noEOF(b.finish()); failed != nil {
			return n, failed
		}
	}
	return n, err
}

// finish reads what follows the contents, padding (3.3) and checksum (3.4), and compares the sizes.
func (b *xzBlock) finish() error {
	compressed := b.file.read - b.begin
	if b.header.compressed >= 0 && compressed != b.header.compressed ||
		b.header.uncompressed >= 0 && b.out != b.header.uncompressed {
		return errXZDamaged
	}
	for size := compressed; size%4 != 0; size++ {
		padding, err := b.file.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		if padding != 0 {
			return errXZDamaged
		}
	}
	unpadded := uint64(b.header.size) + uint64(compressed)
	if b.check != nil {
		want := make([]byte, b.check.Size())
		if err := b.file.take(want); err != nil {
			return err
		}
		if !bytes.Equal(want, b.check.Sum(nil)) {
			return fmt.Errorf("a checksum differs: %w", errXZDamaged)
		}
		unpadded += uint64(len(want))
	}
	b.file.stream.blocks.add(unpadded, uint64(b.out))
	return nil
}
