package compression

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// xzMethod is the .xz file format 1.2 with the LZMA2 filter.
func xzMethod() method {
	return method{
		name: "xz", extension: ".xz",
		lowest: 1, highest: 9, standard: 6,
		newWriter: newXZWriter,
		newReader: func(r *bufio.Reader) (io.Reader, error) { return newXZReader(r), nil },
	}
}

// xzDictionary is the size of the dictionary at a level, in bytes: that of the presets of XZ Utils (xz(1), "Compression
// preset level options").
func xzDictionary(level int) (int, error) {
	const mebibyte = 1 << 20
	sizes := [...]int{1: 1 * mebibyte, 2: 2 * mebibyte, 3: 4 * mebibyte, 4: 4 * mebibyte, 5: 8 * mebibyte,
		6: 8 * mebibyte, 7: 16 * mebibyte, 8: 32 * mebibyte, 9: 64 * mebibyte}
	if level < 1 || level >= len(sizes) {
		return 0, fmt.Errorf("there is no xz level %d", level)
	}
	return sizes[level], nil
}

// newXZWriter uses the hash table to find matches: the library's other way, a binary tree, takes minutes per mebibyte.
func newXZWriter(w io.Writer, level int) (io.WriteCloser, error) {
	dictionary, err := xzDictionary(level)
	if err != nil {
		return nil, err
	}
	return xz.WriterConfig{DictCap: dictionary, CheckSum: xz.CRC64, Matcher: lzma.HashTable4}.NewWriter(w)
}
