package encryption

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/castrolanda/imsctl/providers"
)

// decrypt reads a header, of which age takes no more than 2 MiB, and returns the plain stream.
func decrypt(r io.Reader, identities ...age.Identity) (io.Reader, error) {
	plain, err := age.Decrypt(r, identities...)
	var mismatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &mismatch):
		return nil, providers.ErrNoIdentity
	case err != nil:
		return nil, fmt.Errorf("reading the age file: %w", err)
	}
	return &plainReader{plain}, nil
}

// plainReader says where its errors come from.
type plainReader struct{ r io.Reader }

// Read implements io.Reader.
func (p *plainReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("reading the age file: %w", err)
	}
	return n, err
}
