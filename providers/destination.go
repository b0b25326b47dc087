package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// Errors that callers act on. Implementations wrap them: errors.Is finds them.
var (
	// ErrNotExist: there is no object under that key.
	ErrNotExist = endpoint.ErrNotExist
	// ErrExists: there is an object under that key already, and replacing it was not asked for.
	ErrExists = endpoint.ErrExists
	// ErrChanged: the object is not the version that was named.
	ErrChanged = endpoint.ErrChanged
	// ErrNoSpace: the store is full, or would be.
	ErrNoSpace = errors.New("not enough free space")
	// ErrTemporary: the store was busy or the connection broke, and nothing was done that could be known of. The same call
	// may succeed later. Wrapped by destinations, acted on by the decorator that retries, and by nobody else.
	ErrTemporary = endpoint.ErrTemporary
	// ErrDenied: the store knows who asks and does not permit it, or does not know who asks.
	ErrDenied = endpoint.ErrDenied
	// ErrProtected: the store keeps the object by a rule of its own: a hold, a retention policy, immutability.
	ErrProtected = endpoint.ErrProtected
)

// Lasting takes from an error that it is temporary: what it was about cannot be tried again.
func Lasting(err error) error {
	if !errors.Is(err, ErrTemporary) {
		return err
	}
	return errors.New(strings.TrimPrefix(err.Error(), ErrTemporary.Error()+": "))
}

// Destination is a place where objects are kept under keys. Keys are slash-separated relative paths of printable ASCII
// without empty, "." or ".." parts. It is safe for concurrent use. Nothing it does depends on what other objects are
// in the same place, and it never touches an object that it is not asked for by key.
type Destination interface {
	// Create begins a new object. The object is invisible to Open, Stat and List until its Upload commits. It fails early
	// with ErrExists (unless options.Replace) or ErrNoSpace where that can be known. When ctx ends, the upload fails.
	Create(ctx context.Context, key string, options CreateOptions) (Upload, error)
	// Open reads an object from its first byte. ErrNotExist when there is none.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Stat describes an object. ErrNotExist when there is none.
	Stat(ctx context.Context, key string) (Object, error)
	// List calls yield for every committed object whose key starts with prefix, in ascending order of keys, until yield
	// returns an error, which List then returns. Incomplete listings are errors, never silent.
	List(ctx context.Context, prefix string, yield func(Object) error) error
	// Delete removes an object if it still is the given version: ErrChanged when it is another, ErrNotExist when it is gone,
	// ErrProtected when the store keeps it.
	Delete(ctx context.Context, key, version string) error
	// Remnants lists what interrupted uploads to keys with this prefix have left that is not an object: temporary files,
	// uncommitted parts. Uploads in progress in this process are not remnants.
	Remnants(ctx context.Context, prefix string) ([]Remnant, error)
	// RemoveRemnant removes one of them; one that is gone is not an error.
	RemoveRemnant(ctx context.Context, remnant Remnant) error
	// Status checks that the destination can be used and tells its free space and its own time.
	Status(ctx context.Context) (Status, error)
}

// CreateOptions are the terms of one upload.
type CreateOptions struct {
	// Size is how many bytes will come, where that is known; 0 otherwise. It serves the early check of free space.
	Size int64
	// Replace permits the commit to replace an object that is there. Without it, the commit fails with ErrExists.
	Replace bool
	// Held hears when the upload begins and ends to wait because of a limit that was declared for its destination, already
	// while Create runs; nil for nobody. It must return at once.
	Held func(bool)
}

// Upload is an object being written. It is used by one goroutine at a time.
//
// Exactly one of Commit and Abort decides: before Commit returns nil nothing can be seen under the key, after it the
// whole object can, and survives a power failure.
type Upload interface {
	// Write appends. ErrNoSpace when the store fills up. After an error that is ErrTemporary nothing of p was taken, and the
	// same bytes may be written again; after any other only Abort is useful.
	io.Writer
	// Commit makes the object visible under its key, whole and durable, and checks what the store says of it against sums.
	// After an error that is ErrTemporary it may be called again: it then finds out whether the first call was carried out
	// and only its answer lost.
	Commit(ctx context.Context, sums Checksums) (Object, error)
	// Abort gives the upload up and removes what it wrote. It is safe after an error, and does nothing after a successful
	// Commit or an earlier Abort. It works although the context of Create has ended.
	Abort(ctx context.Context) error
}

// Rereadable is an Upload of which can be read back what it has taken so far, at little cost.
type Rereadable interface {
	// Reread opens what the upload has taken. It may be called while a Write runs. What is read at an offset is what was written
	// there once the Write has returned; further bytes come as they are written. The reading goes on when the upload has
	// been committed or given up. It is errors.ErrUnsupported where the upload cannot do it after all.
	Reread() (Reread, error)
}

// Reread is an open reading of an upload.
type Reread interface {
	io.ReaderAt
	io.Closer
}

// RereadUpload opens what an upload has taken, through whatever it is wrapped in: decorators have a method Unwrap() Upload. It is
// errors.ErrUnsupported for most uploads.
func RereadUpload(upload Upload) (Reread, error) {
	for upload != nil {
		if rereadable, ok := upload.(Rereadable); ok {
			return rereadable.Reread()
		}
		wrapper, ok := upload.(interface{ Unwrap() Upload })
		if !ok {
			break
		}
		upload = wrapper.Unwrap()
	}
	return nil, errors.ErrUnsupported
}

// Checksums are what the writer knows of the bytes it wrote.
type Checksums struct {
	Size   int64
	SHA256 [32]byte
	CRC32C uint32
	MD5    [16]byte
}

// Confirm is an error where what was written, a number of bytes with a CRC-32C, is not what c says was meant.
func (c Checksums) Confirm(written int64, crc uint32) error {
	if written == c.Size && crc == c.CRC32C {
		return nil
	}
	return fmt.Errorf("what was written is not what was meant: %d bytes with CRC-32C %08x, not %d with %08x", written, crc, c.Size, c.CRC32C)
}

// Object describes what is stored under a key.
type Object struct {
	Key  string
	Size int64
	// Version changes whenever the object does: a generation, an ETag, a modification time. It is opaque to callers.
	Version string
	// Modified is the store's own time of the last change, UTC.
	Modified time.Time
	// CRC32C is the store's checksum of the bytes, nil where the store keeps none.
	CRC32C *uint32
	// KeptBy says why the store would refuse to delete the object now ("a temporary hold", "its retention policy until
	// 2026-12-24"); empty where nothing is known to stand in the way.
	KeptBy string
}

// Remnant is something an interrupted upload left.
type Remnant struct {
	// Key is the object it would have become.
	Key string
	// Name identifies it to RemoveRemnant and is what people are shown: a path, an upload id.
	Name string
	Size int64
	// Modified is when it last grew, UTC; zero when unknown.
	Modified time.Time
}

// Status is what a destination says of itself.
type Status struct {
	// Free is how many bytes can still be written, -1 where there is no limit or none can be known.
	Free int64
	// Time is the store's own clock, zero where it has none but this machine's.
	Time time.Time
	// Rules are what the store does with objects by itself; nil where that cannot be read or there is no such thing.
	Rules *Rules
}

// Rules are what a store does by itself with the objects of a destination. Zero durations mean that it does not.
type Rules struct {
	// DeleteAfter is the age at which it deletes objects.
	DeleteAfter time.Duration
	// KeepFor is the age below which it refuses to delete objects.
	KeepFor time.Duration
	// SoftDelete is how long deleted objects can still be had back, and are paid for.
	SoftDelete time.Duration
	// Keeps says by what else it may refuse to delete objects, for a time that cannot be read: "an immutability policy".
	Keeps string
}
