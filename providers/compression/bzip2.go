package compression

import (
	"bufio"
	stdbzip2 "compress/bzip2"
	"io"

	"github.com/dsnet/compress/bzip2"
)

// bzip2Method is the format of bzip2 1.0. The level is the size of a block in units of 100 kB. The reader is the standard
// library's: as strict as the other one and as fast.
func bzip2Method() method {
	return method{
		name: "bzip2", extension: ".bz2",
		lowest: bzip2.BestSpeed, highest: bzip2.BestCompression, standard: bzip2.BestCompression,
		newWriter: func(w io.Writer, level int) (io.WriteCloser, error) {
			return bzip2.NewWriter(w, &bzip2.WriterConfig{Level: level})
		},
		newReader: func(r *bufio.Reader) (io.Reader, error) { return stdbzip2.NewReader(r), nil },
	}
}
