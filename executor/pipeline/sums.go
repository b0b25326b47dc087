package pipeline

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// summing is a set of running checksums. The raw stream needs only SHA-256; the stored one also what stores compare with.
type summing struct {
	size   int64
	sha256 hash.Hash
	md5    hash.Hash
	crc32c uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newRawSums() *summing    { return &summing{sha256: sha256.New()} }
func newStoredSums() *summing { return &summing{sha256: sha256.New(), md5: md5.New()} }

// add takes the next bytes.
func (s *summing) add(p []byte) {
	s.size += int64(len(p))
	s.sha256.Write(p)
	if s.md5 != nil {
		s.md5.Write(p)
		s.crc32c = crc32.Update(s.crc32c, castagnoli, p)
	}
}

// checksums returns the sums of everything so far.
func (s *summing) checksums() providers.Checksums {
	sums := providers.Checksums{Size: s.size, CRC32C: s.crc32c}
	s.sha256.Sum(sums.SHA256[:0])
	if s.md5 != nil {
		s.md5.Sum(sums.MD5[:0])
	}
	return sums
}

// SumsOf writes checksums down the way state and manifests keep them.
func SumsOf(sums providers.Checksums) state.Sums {
	return state.Sums{
		Size: sums.Size, SHA256: hex.EncodeToString(sums.SHA256[:]),
		CRC32C: fmt.Sprintf("%08x", sums.CRC32C), MD5: hex.EncodeToString(sums.MD5[:]),
	}
}

// differs says how a stream differs from what is expected of it, or returns nil.
func (s *summing) differs(expected state.Sums, what string) error {
	if s.size != expected.Size {
		return fmt.Errorf("%w: %s has %d bytes instead of %d", ErrAltered, what, s.size, expected.Size)
	}
	if found := hex.EncodeToString(s.sha256.Sum(nil)); found != expected.SHA256 {
		return fmt.Errorf("%w: %s has SHA-256 %.12s… instead of %.12s…", ErrAltered, what, found, expected.SHA256)
	}
	return nil
}
