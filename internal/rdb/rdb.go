// Package rdb reads the snapshots that Redis and Valkey write (RDB files): it finds their end, proves their checksum and
// tells every key, while the bytes pass. It knows the format up to version 12, that of Redis 8.0. Of a later one only the
// checksum is proven. Memory is bounded by the longest key, or by the largest value where values are asked for.
//
// The format: https://github.com/redis/redis/blob/8.0.0/src/rdb.h, and rdb.c beside it.
package rdb

import (
	"errors"
	"fmt"
	"io"
)

// Newest is the latest version of the format that is understood.
const Newest = 12

// MaxString is how long a key, or a value that is asked for, may be, in bytes. It is the limit that Redis itself has for
// strings where it is not told otherwise (proto-max-bulk-len).
const MaxString = 512 << 20

// The lengths of what stands at the ends of a snapshot.
const (
	headerSize   = 9
	checksumSize = 8
	// markSize is the length of what ends a transfer whose length is not known when it begins.
	markSize = 40
)

// firstSummed is the first version that ends with a checksum.
const firstSummed = 5

// ErrTooLarge: a value that was asked for is longer than MaxString.
var ErrTooLarge = errors.New("a value is larger than 512 MiB")

// Options say what a scan does beside proving that a snapshot is whole.
type Options struct {
	// Output gets the bytes of the snapshot as they are read, and nothing of what follows it. Nil for nobody.
	Output io.Writer
	// Key hears of each key, in the order of the snapshot. Its error ends the scan. Nil for nobody.
	Key func(Key) error
	// Dumps has Key.Dump filled, for RESTORE.
	Dumps bool
	// Function hears of the code of each library of functions; nil for nobody.
	Function func(code []byte) error
	// MarkFollows allows the 40 bytes of a replication's end mark after the snapshot: redis-cli leaves them there.
	MarkFollows bool
}

// Key is one key of a snapshot.
type Key struct {
	Database int64
	Name     []byte
	// Expires is when the key does, in milliseconds since 1970; 0 when it does not.
	Expires int64
	// Idle is for how many seconds the key was not used, Frequency how often it was (the logarithmic counter of Redis); each -1
	// where it is not recorded.
	Idle, Frequency int64
	// Dump is the value as the command DUMP gives it. It is valid until the function returns.
	Dump []byte
}

// Snapshot is what a scan found out.
type Snapshot struct {
	// Version is that of the format; Valkey is set where it is one of Valkey's own.
	Version int
	Valkey  bool
	// Server is the version of the server that wrote it, empty where it does not say.
	Server string
	// Size is its length in bytes.
	Size int64
	// Summed reports that there was a checksum, and that it was right; a server can be told to write none.
	Summed bool
	// Understood reports that the version is one whose keys were read.
	Understood bool
	// ModuleData reports that modules keep something in it beside the values of keys.
	ModuleData bool
}

// Scan reads one snapshot from r, to the end of r. Nil means that it is whole: the end is where it should be and the checksum,
// if there is one, is right. Anything else is an error: a snapshot that was cut, altered, or that something follows.
func Scan(r io.Reader, options Options) (Snapshot, error) {
	s := &scanner{reader: newReader(r, options.Output), options: options}
	if err := s.scan(); err != nil {
		return Snapshot{}, err
	}
	s.found.Size = s.reader.size
	return s.found, nil
}

// damage is an error about the bytes of a snapshot.
func (s *scanner) damage(format string, arguments ...any) error {
	return fmt.Errorf("the snapshot is damaged at byte %d: %s", s.reader.offset(), fmt.Sprintf(format, arguments...))
}
