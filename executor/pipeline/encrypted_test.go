package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"

	"filippo.io/age"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/encryption"
	"github.com/castrolanda/imsctl/state"
)

// keyPair makes an encryption for a new identity, and the decryption with it.
func keyPair(t testing.TB) (providers.Encryption, providers.Decryption) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed, problems := encryption.New([]string{identity.Recipient().String()})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	opened, err := encryption.Open([]encryption.Source{{Name: "test", Content: []byte(identity.String())}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed, opened
}

func TestEncrypted(t *testing.T) {
	for _, method := range []string{"zstd", "gzip", "none"} {
		for name, data := range map[string][]byte{"small": dump(100), "large": dump(1 << 20), "noise": noise(2 << 20)} {
			t.Run(method+" "+name, func(t *testing.T) {
				watch(t)
				sealed, opened := keyPair(t)
				one, two := newMemory(), newMemory()
				j := job(t, method, pieces(data, 50_000), one, two)
				j.Encryption = sealed
				outcome, err := Run(t.Context(), j)
				if err != nil {
					t.Fatal(err)
				}
				stored := one.object()
				if !bytes.HasPrefix(stored, []byte("age-encryption.org/v1\n")) || !bytes.Equal(stored, two.object()) {
					t.Errorf("it begins with %q", stored[:20])
				}
				if outcome.Stored.SHA256 != sha256.Sum256(stored) || outcome.Raw.SHA256 != sha256.Sum256(data) {
					t.Errorf("the sums are not those of what was read and stored: %+v", outcome)
				}
				unreadable(t, stored)
				proof := VerifyJob{
					From: Branch{Name: "one", Destination: one}, Key: testKey, Codec: j.Codec, Encrypted: true,
					Stored: SumsOf(outcome.Stored), Raw: SumsOf(outcome.Raw),
				}
				if err := Verify(t.Context(), proof); err != nil {
					t.Errorf("without an identity: %v", err)
				}
				_, err = Open(t.Context(), proof)
				says(t, err, providers.ErrNoIdentity, "is encrypted")
				proof.Decryption = opened
				if err := Verify(t.Context(), proof); err != nil {
					t.Errorf("with its identity: %v", err)
				}
				reader, err := Open(t.Context(), proof)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes came back of %d: %v", len(got), len(data), err)
				}
			})
		}
	}
}

// unreadable checks that nothing of a dump can be read in what was stored.
func unreadable(t *testing.T, stored []byte) {
	t.Helper()
	for _, plain := range []string{testHeader, "purchase", "example.com", "\\unrestrict"} {
		if bytes.Contains(stored, []byte(plain)) {
			t.Errorf("%q can be read in what was stored", plain)
		}
	}
}

// faultyEncryption is an encryption that does not do what it should.
type faultyEncryption struct {
	providers.Encryption
	begin error
	// around stands between the encryption and what is stored.
	around func(io.Writer) io.Writer
	// fail is the error of the n-th write, ending that of Close; unclosed leaves the end out in silence.
	fail     func(n int) error
	ending   error
	unclosed bool
	// clear stores what was to be encrypted.
	clear bool
	// short takes less than it was given, without an error.
	short bool
}

func (f faultyEncryption) NewWriter(w io.Writer) (providers.Sealing, error) {
	if f.begin != nil {
		return nil, f.begin
	}
	around := w
	if f.around != nil {
		around = f.around(w)
	}
	inner, err := f.Encryption.NewWriter(around)
	return &faultySealing{Sealing: inner, faults: f, to: w}, err
}

type faultySealing struct {
	providers.Sealing
	faults faultyEncryption
	to     io.Writer
	n      int
}

func (f *faultySealing) Write(p []byte) (int, error) {
	f.n++
	if f.faults.fail != nil {
		if err := f.faults.fail(f.n); err != nil {
			return 0, err
		}
	}
	switch {
	case f.faults.clear:
		return f.to.Write(p)
	case f.faults.short:
		return f.Sealing.Write(p[:len(p)/2])
	}
	return f.Sealing.Write(p)
}

func (f *faultySealing) Close() error {
	if f.faults.ending != nil || f.faults.unclosed {
		return f.faults.ending
	}
	return f.Sealing.Close()
}

// writerFunc is a function that writes.
type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// Whatever is wrong with the encryption, nothing is stored, and never what was to be encrypted.
func TestFaultyEncryption(t *testing.T) {
	broken := errors.New("no randomness")
	tests := map[string]struct {
		faults faultyEncryption
		target error
		text   string
	}{
		"cannot begin":          {faultyEncryption{begin: broken}, broken, "encrypting with age: no randomness"},
		"fails at once":         {faultyEncryption{fail: func(int) error { return broken }}, broken, "encrypting with age"},
		"fails on the way":      {faultyEncryption{fail: func(n int) error { return map[int]error{5: broken}[n] }}, broken, "encrypting with age"},
		"cannot end":            {faultyEncryption{ending: broken}, broken, "encrypting with age: no randomness"},
		"forgets the end":       {faultyEncryption{unclosed: true}, ErrNotSealed, "unexpected EOF"},
		"stores the plain text": {faultyEncryption{clear: true}, ErrNotSealed, ""},
		"takes half":            {faultyEncryption{short: true}, io.ErrShortWrite, "encrypting with age"},
		"writes no header": {faultyEncryption{around: func(w io.Writer) io.Writer {
			left := 100
			return writerFunc(func(p []byte) (int, error) {
				n := min(left, len(p))
				left -= n
				_, err := w.Write(p[n:])
				return len(p), err
			})
		}}, ErrNotSealed, ""},
		"flips a bit": {faultyEncryption{around: func(w io.Writer) io.Writer {
			n := 0
			return writerFunc(func(p []byte) (int, error) {
				if n++; n == 20 {
					p = bytes.Clone(p)
					p[len(p)/2] ^= 1
				}
				return w.Write(p)
			})
		}}, ErrNotSealed, ""},
	}
	for name, test := range tests {
		for _, method := range []string{"zstd", "none"} {
			t.Run(name+" "+method, func(t *testing.T) {
				watch(t)
				one, two := newMemory(), newMemory()
				j := job(t, method, pieces(noise(2<<20), 100_000), one, two)
				test.faults.Encryption, _ = keyPair(t)
				j.Encryption = test.faults
				_, err := Run(t.Context(), j)
				says(t, err, test.target, test.text)
				empty(t, one, two)
			})
		}
	}
}

// A codec at fault is found before the encryption hides it.
func TestFaultyCodecBeforeEncryption(t *testing.T) {
	watch(t)
	one := newMemory()
	j := job(t, "zstd", pieces(noise(2<<20), 100_000), one)
	j.Codec = faultyCodec{Codec: j.Codec, alter: func(n int, p []byte) []byte {
		if n == 9 {
			p[len(p)/2] ^= 4
		}
		return p
	}}
	j.Encryption, _ = keyPair(t)
	_, err := Run(t.Context(), j)
	says(t, err, ErrNotReproduced, "")
	empty(t, one)
}

// A destination that fails does not fail the others of an encrypted stream.
func TestEncryptedBranchFails(t *testing.T) {
	data := noise(6 << 20)
	for _, name := range []string{"create", "later write", "commit"} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			good, bad := newMemory(), newMemory()
			faults()[name](bad)
			j := job(t, "zstd", pieces(data, 50_000), good, bad)
			var opened providers.Decryption
			j.Encryption, opened = keyPair(t)
			outcome, err := Run(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			err = Verify(t.Context(), VerifyJob{
				From: Branch{Name: "good", Destination: good}, Key: testKey, Codec: j.Codec, Encrypted: true, Decryption: opened,
				Stored: SumsOf(outcome.Stored), Raw: SumsOf(outcome.Raw),
			})
			if err != nil || good.unfinished() != 0 || bad.unfinished() != 0 {
				t.Errorf("%v, %d and %d open uploads", err, good.unfinished(), bad.unfinished())
			}
		})
	}
}

// piece is the length of an encrypted piece of an age file.
const piece = 64<<10 + 16

// TestAlteredCiphertext alters what is stored, once as damage does and once with the record altered to fit, as someone would
// who can write to the destination. With an identity both are found.
func TestAlteredCiphertext(t *testing.T) {
	data := noise(300 << 10)
	place := newMemory()
	j := job(t, "zstd", pieces(data, 50_000), place)
	sealed, opened := keyPair(t)
	_, other := keyPair(t)
	j.Encryption = sealed
	outcome, err := Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	stored := place.object()
	body := bytes.Index(stored, []byte("\n---")) + 1
	body += bytes.IndexByte(stored[body:], '\n') + 1 + 16
	flipped := func(at int) []byte {
		altered := bytes.Clone(stored)
		altered[at] ^= 1
		return altered
	}
	reordered := bytes.Clone(stored)
	copy(reordered[body:], stored[body+piece:body+2*piece])
	copy(reordered[body+piece:], stored[body:body+piece])
	for name, altered := range map[string][]byte{
		"the first byte":            flipped(0),
		"the entry of a recipient":  flipped(60),
		"the header's seal":         flipped(body - 20),
		"the nonce":                 flipped(body - 3),
		"the first piece":           flipped(body + 100),
		"the last byte":             flipped(len(stored) - 1),
		"cut within a piece":        stored[:len(stored)-1000],
		"cut between pieces":        stored[:body+3*piece],
		"cut in the header":         stored[:50],
		"pieces in another order":   reordered,
		"a piece left out":          append(bytes.Clone(stored[:body+piece]), stored[body+2*piece:]...),
		"something after the end":   append(bytes.Clone(stored), 0),
		"nothing":                   {},
		"another file in its place": append([]byte("age-encryption.org/v1\n-> X25519 x\n"), stored...),
		"the plain text":            data,
	} {
		t.Run(name, func(t *testing.T) {
			place := newMemory()
			place.objects[testKey] = altered
			proof := VerifyJob{
				From: Branch{Name: "place", Destination: place}, Key: testKey, Codec: j.Codec, Encrypted: true,
				Stored: SumsOf(outcome.Stored), Raw: SumsOf(outcome.Raw),
			}
			says(t, Verify(t.Context(), proof), ErrAltered, "")
			for who, decryption := range map[string]providers.Decryption{"its own": opened, "another": other} {
				proof.Decryption = decryption
				if err := readAll(t, proof); !errors.Is(err, ErrAltered) {
					t.Errorf("with %s identity: %v", who, err)
				}
			}
			sum := sha256.Sum256(altered)
			proof.Decryption = opened
			proof.Stored = state.Sums{Size: int64(len(altered)), SHA256: hex.EncodeToString(sum[:])}
			if err := readAll(t, proof); !errors.Is(err, ErrAltered) && !errors.Is(err, providers.ErrNoIdentity) {
				t.Errorf("with the record altered too: %v", err)
			}
		})
	}
	proof := VerifyJob{
		From: Branch{Name: "place", Destination: place}, Key: testKey, Codec: j.Codec, Encrypted: true, Decryption: other,
		Stored: SumsOf(outcome.Stored), Raw: SumsOf(outcome.Raw),
	}
	if err := readAll(t, proof); !errors.Is(err, providers.ErrNoIdentity) || errors.Is(err, ErrAltered) {
		t.Errorf("the wrong identity: %v", err)
	}
}

// readAll reads an object to its end, which must not come before it is proven.
func readAll(t *testing.T, proof VerifyJob) error {
	t.Helper()
	reader, err := Open(t.Context(), proof)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, reader)
	if closing := reader.Close(); closing != nil {
		return fmt.Errorf("closing: %w", closing)
	}
	return err
}

// Copies of encrypted objects need no identity.
func TestCopyEncrypted(t *testing.T) {
	watch(t)
	one, two := newMemory(), newMemory()
	j := job(t, "zstd", pieces(noise(3<<20), 50_000), one)
	j.Encryption, _ = keyPair(t)
	outcome, err := Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Copy(t.Context(), CopyJob{From: one, To: Branch{Name: "two", Destination: two}, Key: testKey, Expected: SumsOf(outcome.Stored)})
	if err != nil || !bytes.Equal(one.object(), two.object()) {
		t.Error(err)
	}
}
