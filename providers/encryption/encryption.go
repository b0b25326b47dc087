// Package encryption encrypts streams with age (https://age-encryption.org/v1), for X25519 and SSH recipients, and reads
// them again with identities. It is the only package that knows age; the rest works with the contracts in providers.
package encryption

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"github.com/castrolanda/imsctl/providers"
)

// Format is the name of what is written, Extension what names of files get.
const (
	Format    = "age"
	Extension = ".age"
)

// New makes the encryption for recipients; it is a providers.EncryptionFactory.
func New(recipients []string) (providers.Encryption, []providers.RecipientProblem) {
	e := &encryption{}
	problems := e.add(recipients)
	if len(problems) > 0 {
		return nil, problems
	}
	return e, nil
}

// encryption is a list of recipients.
type encryption struct{ recipients []recipient }

// Format implements providers.Encryption.
func (e *encryption) Format() string { return Format }

// Extension implements providers.Encryption.
func (e *encryption) Extension() string { return Extension }

// Recipients implements providers.Encryption.
func (e *encryption) Recipients() []string {
	list := make([]string, len(e.recipients))
	for i, recipient := range e.recipients {
		list[i] = recipient.text
	}
	return list
}

// NewWriter implements providers.Encryption.
func (e *encryption) NewWriter(w io.Writer) (providers.Sealing, error) {
	if len(e.recipients) == 0 {
		return nil, errors.New("there is no recipient to encrypt to")
	}
	s := &sealing{}
	wrapped := make([]age.Recipient, len(e.recipients))
	for i, recipient := range e.recipients {
		wrapped[i] = recipient.key
		s.stanzas = append(s.stanzas, recipient.stanza)
	}
	wrapped[0] = &witness{Recipient: wrapped[0], sealing: s}
	inner, err := age.Encrypt(w, wrapped...)
	if err != nil {
		return nil, fmt.Errorf("beginning the age file: %w", err)
	}
	s.inner = inner
	return s, nil
}

// sealing is one age file in the making.
type sealing struct {
	inner io.WriteCloser
	// key is that of this one file; stanzas are the types of the header's entries, one for each recipient.
	key     []byte
	stanzas []string
	err     error
}

// Write implements io.Writer.
func (s *sealing) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.inner.Write(p)
	if err != nil {
		s.err = fmt.Errorf("writing the age file: %w", err)
	}
	return n, s.err
}

// errClosed is the error of what comes after Close.
var errClosed = errors.New("the age file is closed")

// Close implements io.Closer.
func (s *sealing) Close() error {
	if s.err != nil {
		return s.err
	}
	s.err = errClosed
	if err := s.inner.Close(); err != nil {
		s.err = fmt.Errorf("ending the age file: %w", err)
		return s.err
	}
	return nil
}

// Opened implements providers.Sealing.
func (s *sealing) Opened(r io.Reader) (io.Reader, error) {
	return decrypt(r, &insider{key: s.key, stanzas: s.stanzas})
}

// witness is a recipient that also tells the file's key to the one who encrypts, so that what is stored can be proven
// readable without anybody's identity.
type witness struct {
	age.Recipient
	sealing *sealing
}

// Wrap implements age.Recipient.
func (w *witness) Wrap(key []byte) ([]*age.Stanza, error) {
	w.sealing.key = bytes.Clone(key)
	return w.Recipient.Wrap(key)
}

// insider is the identity of the one who encrypted.
type insider struct {
	key     []byte
	stanzas []string
}

// Unwrap implements age.Identity. It refuses a header that has not exactly one entry for each recipient.
func (i *insider) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	found := make([]string, len(stanzas))
	for n, stanza := range stanzas {
		found[n] = stanza.Type
	}
	if !slices.Equal(found, i.stanzas) {
		return nil, fmt.Errorf("the header has entries for %q, not for %q", found, i.stanzas)
	}
	return i.key, nil
}
