package compression

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

const (
	// xzAheadBlock is the largest block that is decoded apart from the others, in bytes of what it becomes: the largest that is written
	// here. What it is made of is no larger, but for what the format adds to data that does not compress.
	xzAheadBlock = 64 * mebibyte
	// xzByProgram is from which size of its contents on a block is decoded by the program, in bytes: twice as fast as in Go, and
	// a process takes time to start.
	xzByProgram = 1 * mebibyte
)

// xzAhead decodes blocks that say their sizes apart from each other. The container around them is read in order, as ever.
type xzAhead struct {
	file *xzReader
	tool *program
}

func newXZAhead(r *bufio.Reader, tool *program) io.ReadCloser {
	return newAheadReader((&xzAhead{file: newXZReader(r), tool: tool}).next)
}

// next reads the next block.
func (x *xzAhead) next() (*piece, error) {
	for {
		if x.file.stream == nil {
			if err := x.file.nextStream(); err != nil {
				return nil, err
			}
			continue
		}
		start := x.file.read
		header, err := x.file.nextHeader()
		if err != nil {
			return nil, noEOF(err)
		}
		if x.file.stream == nil {
			continue
		}
		if header.uncompressed < 0 || header.uncompressed > xzAheadBlock ||
			header.compressed < 0 || header.compressed > header.uncompressed+header.uncompressed/64+mebibyte {
			x.file.block, err = newXZBlock(x.file, header, start)
			return &piece{stream: x.file.block.all()}, err
		}
		return x.read(header)
	}
}

// read reads a block and what follows its contents.
func (x *xzAhead) read(header xzBlockHeader) (*piece, error) {
	check := x.file.stream.check()
	contents := make([]byte, header.compressed)
	if err := x.file.take(contents); err != nil {
		return nil, err
	}
	padding := make([]byte, -header.compressed&3)
	if err := x.file.take(padding); err != nil {
		return nil, err
	}
	unpadded := uint64(header.size) + uint64(header.compressed)
	var want []byte
	if check != nil {
		want = make([]byte, check.Size())
		if err := x.file.take(want); err != nil {
			return nil, err
		}
		unpadded += uint64(len(want))
	}
	x.file.stream.blocks.add(unpadded, uint64(header.uncompressed))
	return &piece{decode: func(ctx context.Context) ([]byte, error) {
		out, err := x.decode(ctx, header, contents)
		if err != nil {
			return nil, err
		}
		if len(bytes.Trim(padding, "\x00")) > 0 {
			return nil, errXZDamaged
		}
		if check != nil {
			check.Write(out)
			if !bytes.Equal(want, check.Sum(nil)) {
				return nil, fmt.Errorf("a checksum differs: %w", errXZDamaged)
			}
		}
		return out, nil
	}}, nil
}

// decode gives what the contents of a block become. Where the program fails, they are decoded in Go, which says what is wrong.
func (x *xzAhead) decode(ctx context.Context, header xzBlockHeader, contents []byte) ([]byte, error) {
	size := int(header.uncompressed)
	if len(contents) >= xzByProgram && x.tool.installed() {
		out := &appender{to: make([]byte, 0, size), most: size}
		err := x.tool.filterInto(ctx, out, contents, "--format=raw", fmt.Sprintf("--lzma2=dict=%d", header.dictionary), "--no-warn", "-d", "-c")
		if err == nil && len(out.to) == size {
			return out.to, nil
		}
	}
	in := bytes.NewReader(contents)
	decoder, err := lzma.Reader2Config{DictCap: header.dictionary}.NewReader2(in)
	if err != nil {
		return nil, noEOF(err)
	}
	out, err := readPiece(ctx, decoder, size+1, size)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, errXZDamaged
	case err != nil:
		return nil, err
	case !decoder.EOS():
		return nil, io.ErrUnexpectedEOF
	case in.Len() > 0 || len(out) != size:
		return nil, errXZDamaged
	}
	return out, nil
}
