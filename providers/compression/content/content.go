// Package content recognises what bytes are, by their magic numbers and by what they say, as far as it matters to
// compressing them: a dump in SQL, a log, an image, something encrypted. It reads nothing itself and trusts nothing: any
// bytes have an answer, and the worst that a wrong one can do is a poorer choice of method.
package content

import "fmt"

// Kind is what data is.
type Kind string

// The kinds. Text and Binary are what has no better name; Encrypted is also what cannot be told from it.
const (
	Empty     Kind = "empty"
	SQL       Kind = "sql"
	Postgres  Kind = "pgdump"
	Redis     Kind = "rdb"
	Tar       Kind = "tar"
	JSON      Kind = "json"
	CSV       Kind = "csv"
	Log       Kind = "log"
	Code      Kind = "code"
	Text      Kind = "text"
	Gzip      Kind = "gzip"
	Zstd      Kind = "zstd"
	XZ        Kind = "xz"
	Bzip2     Kind = "bzip2"
	Zip       Kind = "zip"
	Archive   Kind = "archive"
	Image     Kind = "image"
	Video     Kind = "video"
	Audio     Kind = "audio"
	ELF       Kind = "elf"
	Encrypted Kind = "encrypted"
	Binary    Kind = "binary"
)

// Kinds lists them all.
func Kinds() []Kind {
	return []Kind{Empty, SQL, Postgres, Redis, Tar, JSON, CSV, Log, Code, Text, Gzip, Zstd, XZ, Bzip2, Zip, Archive, Image, Video,
		Audio, ELF, Encrypted, Binary}
}

// Content is what was recognised.
type Content struct {
	Kind Kind
	// Detail is what people are told: "a PostgreSQL dump in SQL", "a custom dump, compressed with gzip".
	Detail string
	// Dense is set for data that is compressed or encrypted already: to compress it again is a waste of time.
	Dense bool
	// Entropy is the Shannon entropy of single bytes over the samples, in bits, 0 to 8.
	Entropy float64
}

// The bounds by which data without a known beginning is told to be dense: the entropy in bits, and the bytes that are needed
// to say so. Random data of 64 KiB measures above 7.99; text that compresses to a quarter is near 5.
const (
	denseEntropy = 7.95
	denseBytes   = 64 << 10
)

// Detect recognises data by its first bytes (at most Window of them count) and by samples of it, of which head may be one.
func Detect(head []byte, samples ...[]byte) Content {
	if len(samples) == 0 {
		samples = [][]byte{head}
	}
	head = head[:min(len(head), Window)]
	entropy, size := Entropy(samples...), 0
	for _, sample := range samples {
		size += len(sample)
	}
	found, ok := magic(head, entropy)
	if !ok {
		found, ok = text(head)
	}
	switch {
	case ok:
	case len(head) == 0:
		found = Content{Kind: Empty, Detail: "nothing"}
	case entropy >= denseEntropy && size >= denseBytes:
		found = Content{Kind: Encrypted, Detail: fmt.Sprintf("encrypted or compressed: %.2f bits per byte and no known beginning", entropy), Dense: true}
	default:
		found = Content{Kind: Binary, Detail: "binary data"}
	}
	found.Entropy = entropy
	return found
}

// Window is how many of the first bytes are looked at.
const Window = 64 << 10
