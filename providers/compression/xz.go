package compression

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

const mebibyte = 1 << 20

// xzProgram is the reference tool.
func xzProgram() *program {
	return newProgram("xz", `XZ Utils\) ([0-9.]*[0-9])`)
}

// xzMethod is the .xz file format 1.2 with the LZMA2 filter.
func xzMethod(tool *program) method {
	return method{
		name: "xz", extension: ".xz",
		lowest: 1, highest: 9, standard: 6,
		implementation: func() string { return tool.describe(several("process", "processes")) },
		newWriter: func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
			return newXZWriter(ctx, w, level, tool)
		},
		newReader:      func(r *bufio.Reader) (io.Reader, error) { return newXZReader(r), nil },
		newAheadReader: func(r *bufio.Reader) io.ReadCloser { return newXZAhead(r, tool) },
	}
}

// xzDictionary is the size of the dictionary at a level, in bytes: that of the presets of XZ Utils (xz(1), "Compression
// preset level options").
func xzDictionary(level int) (int, error) {
	sizes := [...]int{1: 1 * mebibyte, 2: 2 * mebibyte, 3: 4 * mebibyte, 4: 4 * mebibyte, 5: 8 * mebibyte,
		6: 8 * mebibyte, 7: 16 * mebibyte, 8: 32 * mebibyte, 9: 64 * mebibyte}
	if level < 1 || level >= len(sizes) {
		return 0, fmt.Errorf("there is no xz level %d", level)
	}
	return sizes[level], nil
}

// xzBlockSize is how many bytes of the stream go into a block: three dictionaries, as xz -T takes, but at most one of the
// largest, because a block for each processor lies in memory.
func xzBlockSize(dictionary int) int { return min(3*dictionary, 64*mebibyte) }

// newXZWriter writes one stream of blocks that say their sizes, so that xz -d -T can read them in parallel too.
func newXZWriter(ctx context.Context, w io.Writer, level int, tool *program) (io.WriteCloser, error) {
	dictionary, err := xzDictionary(level)
	if err != nil {
		return nil, err
	}
	return newXZBlocks(ctx, w, level, dictionary, tool), nil
}

func newXZBlocks(ctx context.Context, w io.Writer, level, dictionary int, tool *program) io.WriteCloser {
	return newBlockWriter(ctx, w, blockFormat{
		size: xzBlockSize(dictionary),
		newEncoder: func() (blockEncoder, error) {
			return &xzEncoder{level: level, dictionary: dictionary, tool: tool}, nil
		},
		framing: &xzFraming{},
	})
}

// xzEncoder makes blocks. What they hold is made by the tool, by the library, or stored.
type xzEncoder struct {
	level, dictionary int
	tool              *program
	contents          []byte
}

// encode implements blockEncoder.
func (e *xzEncoder) encode(ctx context.Context, b *block) error {
	// A dictionary larger than the block is memory for nothing.
	property := xzDictionaryProperty(min(e.dictionary, len(b.data)))
	dictionary, err := lzma.DecodeDictCap(property)
	if err != nil {
		return err
	}
	e.contents = e.contents[:0]
	switch {
	case incompressible(b.data):
		e.contents = appendXZStored(e.contents, b.data)
	case e.tool.installed():
		e.contents, err = e.tool.filter(ctx, e.contents, b.data,
			"--format=raw", fmt.Sprintf("--lzma2=preset=%d,dict=%d", e.level, dictionary), "--no-warn", "-c")
	default:
		e.contents, err = appendXZInGo(ctx, e.contents, b.data, int(dictionary))
	}
	if err != nil {
		return err
	}
	if len(e.contents) == 0 || e.contents[len(e.contents)-1] != 0 {
		return fmt.Errorf("what %s wrote has no end", e.tool.name)
	}
	header := xzBlockHeaderOf(len(e.contents), len(b.data), property)
	b.out = append(append(b.out, header...), e.contents...)
	b.contents = len(header) + len(e.contents) + crc64.Size
	b.out = appendZeros(b.out, -len(e.contents)&3)
	b.out = binary.LittleEndian.AppendUint64(b.out, crc64.Checksum(b.data, crc64.MakeTable(crc64.ECMA)))
	return nil
}

// xzDictionaryProperty is the byte that stands for the least dictionary that the format knows of at least size bytes.
func xzDictionaryProperty(size int) byte {
	property := byte(0)
	for {
		// It fails above 40 only.
		if capacity, err := lzma.DecodeDictCap(property); err != nil || capacity >= int64(size) {
			return property
		}
		property++
	}
}

// appendXZInGo compresses to LZMA2. It uses the hash table to find matches: the library's other way, a binary tree, takes
// minutes per mebibyte.
func appendXZInGo(ctx context.Context, contents, data []byte, dictionary int) ([]byte, error) {
	out := &appender{to: contents}
	writer, err := lzma.Writer2Config{DictCap: dictionary, Matcher: lzma.HashTable4}.NewWriter2(out)
	if err != nil {
		return nil, err
	}
	const piece = 256 << 10 // a tenth of a second's work
	for len(data) > 0 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n := min(len(data), piece)
		if _, err := writer.Write(data[:n]); err != nil {
			return nil, err
		}
		data = data[n:]
	}
	err = writer.Close()
	return out.to, err
}

// appendXZStored appends data as LZMA2 chunks that are not compressed: a control byte, 1 for the first and 2 for the
// others, the size less one, the bytes; a zero byte ends them.
func appendXZStored(contents, data []byte) []byte {
	const chunk = 1 << 16
	control := byte(1)
	for len(data) > 0 {
		n := min(len(data), chunk)
		contents = append(contents, control)
		contents = binary.BigEndian.AppendUint16(contents, uint16(n-1))
		contents = append(contents, data[:n]...)
		data, control = data[n:], 2
	}
	return append(contents, 0)
}

func appendZeros(to []byte, count int) []byte {
	for range count {
		to = append(to, 0)
	}
	return to
}
