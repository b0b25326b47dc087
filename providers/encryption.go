package providers

import (
	"errors"
	"io"
)

// ErrNoIdentity: an encrypted stream was to be read, and none of the identities at hand is one that it was encrypted for.
var ErrNoIdentity = errors.New("no identity can read it")

// EncryptionFactory makes the encryption for recipients: public keys, as a specification lists them. At least one is
// wanted. Problems are what is wrong with single ones of them; the encryption is nil when there are any.
type EncryptionFactory func(recipients []string) (Encryption, []RecipientProblem)

// RecipientProblem is what is wrong with one recipient.
type RecipientProblem struct {
	// Index is its place in the list.
	Index int
	// Summary and Detail are as in Problem. They quote no more of a recipient than its beginning, and nothing of a private key.
	Summary, Detail string
}

// Encryption makes streams unreadable for everyone but its recipients. What it writes is one ordinary file of its format,
// which the format's reference tool reads. It is safe for concurrent use.
type Encryption interface {
	// Format is the name of the format: age.
	Format() string
	// Extension is what a file name gets: ".age".
	Extension() string
	// Recipients are the public keys in their usual form, with their comments, in the order in which they were listed.
	Recipients() []string
	// NewWriter begins a stream into w and writes the header of the format, for every recipient or not at all.
	NewWriter(w io.Writer) (Sealing, error)
}

// Sealing is one stream that is being encrypted. It is used by one goroutine at a time, and Opened by another.
type Sealing interface {
	// Write encrypts. Close writes the end of the stream, without which it cannot be read; it does not close w. After an
	// error every later call returns one.
	io.WriteCloser
	// Opened decrypts what was written, with the key of this one stream, which is in memory only and forgotten with it. It
	// fails unless the header has an entry for each recipient, and on damage, on truncation and on anything after the end.
	Opened(r io.Reader) (io.Reader, error)
}

// Decryption reads what was encrypted, with the private keys of a person. It is safe for concurrent use.
type Decryption interface {
	// Fits reports whether it has the identity of one of the recipients, which are public keys as Encryption.Recipients has them.
	Fits(recipients []string) bool
	// NewReader reads the header and returns the plain stream. ErrNoIdentity when no identity fits the header. What the
	// reader returns is proven to be what was encrypted, piece by piece; it fails on damage, on truncation and on anything after the end.
	NewReader(r io.Reader) (io.Reader, error)
}
