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

// SumsOf writes checksums in the form in which they are recorded.
func SumsOf(sums providers.Checksums) state.Sums {
	return state.Sums{
		Size:   sums.Size,
		SHA256: hex.EncodeToString(sums.SHA256[:]),
		CRC32C: fmt.Sprintf("%08x", sums.CRC32C),
		MD5:    hex.EncodeToString(sums.MD5[:]),
	}
}

// digest computes all checksums that a store may compare with.
type digest struct {
	size   int64
	sha256 hash.Hash
	crc32c hash.Hash32
	md5    hash.Hash
}

func newDigest() *digest {
	return &digest{sha256: sha256.New(), crc32c: crc32.New(crc32.MakeTable(crc32.Castagnoli)), md5: md5.New()}
}

func (d *digest) add(data []byte) {
	d.size += int64(len(data))
	d.sha256.Write(data)
	d.crc32c.Write(data)
	d.md5.Write(data)
}

func (d *digest) sums() providers.Checksums {
	return providers.Checksums{
		Size: d.size, SHA256: [32]byte(d.sha256.Sum(nil)), CRC32C: d.crc32c.Sum32(), MD5: [16]byte(d.md5.Sum(nil)),
	}
}

// tally counts and hashes a stream that is only compared with another.
type tally struct {
	size   int64
	sha256 hash.Hash
}

func newTally() *tally { return &tally{sha256: sha256.New()} }

func (t *tally) add(data []byte) {
	t.size += int64(len(data))
	t.sha256.Write(data)
}

// Write implements io.Writer with add.
func (t *tally) Write(data []byte) (int, error) {
	t.add(data)
	return len(data), nil
}

// sums leaves out the checksums that a tally does not compute.
func (t *tally) sums() providers.Checksums {
	return providers.Checksums{Size: t.size, SHA256: [32]byte(t.sha256.Sum(nil))}
}

// difference says in which way a stream differs from what is recorded of it; nil when it does not.
func (t *tally) difference(what string, recorded state.Sums) error {
	if t.size != recorded.Size {
		return fmt.Errorf("%s: %d bytes, recorded are %d", what, t.size, recorded.Size)
	}
	if sum := hex.EncodeToString(t.sha256.Sum(nil)); sum != recorded.SHA256 {
		return fmt.Errorf("%s: SHA-256 %s, recorded is %s", what, sum, recorded.SHA256)
	}
	return nil
}

// checkRecord refuses a record that nothing can be compared with, which must not pass for a difference.
func checkRecord(what string, recorded state.Sums) error {
	if sum, err := hex.DecodeString(recorded.SHA256); err != nil || len(sum) != sha256.Size || recorded.Size < 0 {
		return fmt.Errorf("the record of the %s has no usable size and SHA-256", what)
	}
	return nil
}
