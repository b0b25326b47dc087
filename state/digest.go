package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// A document ends with the SHA-256 of its own bytes with the value of the digest empty. That it comes last allows it to be
// checked while the rest is decoded.
const (
	digestName  = `"digest":"`
	digestClose = "\"}\n"
	digestTail  = len(digestName) + 2*sha256.Size + len(digestClose)
)

// appendDigest ends a document, whose last member so far is followed by a comma, with its digest.
func appendDigest(data []byte) []byte {
	data = append(data, digestName...)
	sum := sha256.New()
	sum.Write(data)
	sum.Write([]byte(digestClose))
	data = hex.AppendEncode(data, sum.Sum(nil))
	return append(data, digestClose...)
}

// digestReader passes on what it reads and sums it up, but for the tail that may be the digest.
type digestReader struct {
	reader io.Reader
	sum    hash.Hash
	tail   []byte
	// failure is the first error of the reader that is not the end of the file.
	failure error
}

func newDigestReader(reader io.Reader) *digestReader {
	return &digestReader{reader: reader, sum: sha256.New()}
}

// Read implements io.Reader.
func (d *digestReader) Read(p []byte) (int, error) {
	n, err := d.reader.Read(p)
	d.tail = append(d.tail, p[:n]...)
	if settled := len(d.tail) - digestTail; settled > 0 {
		d.sum.Write(d.tail[:settled])
		d.tail = append(d.tail[:0], d.tail[settled:]...)
	}
	if err != nil && !errors.Is(err, io.EOF) && d.failure == nil {
		d.failure = err
	}
	return n, err
}

// check compares the digest at the end of what was read with the sum of what came before. It must be called after the
// last byte was read.
func (d *digestReader) check() error {
	const start, end = len(digestName), digestTail - len(digestClose)
	if len(d.tail) != digestTail || string(d.tail[:start]) != digestName || string(d.tail[end:]) != digestClose {
		return damage("its last line is not its digest")
	}
	d.sum.Write(d.tail[:start])
	d.sum.Write(d.tail[end:])
	if actual := hex.EncodeToString(d.sum.Sum(nil)); actual != string(d.tail[start:end]) {
		return damage("its bytes were altered since they were written: their SHA-256 is %s, the digest in the last line says %s",
			actual, d.tail[start:end])
	}
	return nil
}
