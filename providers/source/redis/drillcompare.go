package redis

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// scratch implements providers.Scratch: a server of one drill.
type scratch struct {
	*driller
	name, path, program string
	process             *process
	// backedUp is what the snapshot holds, and found what a scan found out about it.
	backedUp contents
	found    rdb.Snapshot
	warnings []string
}

// server is how the scratch server is reached.
func (s *scratch) server() *address { return s.driller.server(s.name) }

// contents are the keys of a snapshot: how many there are, and a sum over the name, database and expiry of each, which does not
// depend on their order.
type contents struct {
	keys, sum uint64
	databases int64
	// counts has the patterns of the backup.
	counts *counter
}

// add counts a key.
func (c *contents) add(key rdb.Key) error {
	hash := fnv.New64a()
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], uint64(key.Database))
	binary.BigEndian.PutUint64(numbers[8:], uint64(key.Expires))
	_, _ = hash.Write(numbers[:])
	_, _ = hash.Write(key.Name)
	c.keys++
	c.sum += hash.Sum64()
	c.databases = max(c.databases, key.Database+1)
	return c.counts.add(key)
}

// Restore implements providers.Scratch: it writes the snapshot and has a server load it.
func (s *scratch) Restore(ctx context.Context, r io.Reader) error {
	s.backedUp = contents{counts: newCounter(nil)}
	err := s.write(snapshotName, func(w io.Writer) (err error) {
		s.found, err = rdb.Scan(r, rdb.Options{Output: w, Key: s.backedUp.add})
		return err
	})
	if err != nil {
		return fmt.Errorf("writing the snapshot to %s on %s: %w", s.path, s.host.Name(), err)
	}
	return s.start(ctx, s.backedUp.databases)
}

// Warnings implements providers.Scratch.
func (s *scratch) Warnings() []string { return s.warnings }

// Close implements providers.Scratch.
func (s *scratch) Close(ctx context.Context) error {
	if s.process != nil {
		s.process.stop()
	}
	return s.Remove(context.WithoutCancel(ctx), s.name)
}

// Compare implements providers.Scratch. The server writes what it has loaded as a snapshot again, which has the keys that have expired
// meanwhile too, and is compared with the one that was restored and with the counts in the manifest.
func (s *scratch) Compare(ctx context.Context, expected providers.DrillExpectation) (providers.Comparison, error) {
	var patterns []pattern
	if expected.KeyCounts != nil {
		for _, text := range slices.Sorted(maps.Keys(expected.KeyCounts.Patterns)) {
			one, err := parsePattern(text)
			if err != nil {
				return providers.Comparison{}, err
			}
			patterns = append(patterns, one)
		}
	}
	if err := s.save(ctx); err != nil {
		return providers.Comparison{}, fmt.Errorf("having the scratch server write what it has loaded: %w", err)
	}
	loaded := contents{counts: newCounter(patterns)}
	again, err := s.scan(loaded.add)
	if err != nil {
		return providers.Comparison{}, fmt.Errorf("reading what the scratch server has written: %w", err)
	}
	found := providers.Comparison{Keys: int64(loaded.keys)}
	switch {
	case !s.found.Understood || !again.Understood:
		found.Keys = 0
		s.warnings = append(s.warnings, fmt.Sprintf("the snapshot was loaded, and no keys were compared: it has format %s, and this imsctl knows those up to %d", form(s.found), rdb.Newest))
		return found, nil
	case expected.KeyCounts == nil:
		s.warnings = append(s.warnings, "no keys were counted when the backup was taken: they are compared with the snapshot only")
	default:
		got := loaded.counts.counts()
		found.Differences = append(differing("database ", expected.KeyCounts.Databases, got.Databases), differing("keys like ", expected.KeyCounts.Patterns, got.Patterns)...)
	}
	if len(found.Differences) == 0 && (loaded.keys != s.backedUp.keys || loaded.sum != s.backedUp.sum) {
		found.Differences = append(found.Differences, fmt.Sprintf("the server has loaded %d keys, which are not the %d of the snapshot: a name, a database or an expiry differs", loaded.keys, s.backedUp.keys))
	}
	return found, nil
}

// differing says which counts are not as they were.
func differing(what string, wanted, got map[string]providers.KeyCount) []string {
	var differences []string
	names := maps.Clone(wanted)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if w, g := wanted[name], got[name]; w != g {
			differences = append(differences, fmt.Sprintf("%s%s: %d keys, %d of them with a time to live; there were %d and %d", what, name, g.Keys, g.Expiring, w.Keys, w.Expiring))
		}
	}
	return differences
}

// save has the server write a snapshot, for as long as that takes.
func (s *scratch) save(ctx context.Context) error {
	session, err := s.server().open(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	// It says nothing meanwhile.
	session.conn, session.reader = session.raw, bufio.NewReader(session.raw)
	_, err = session.command("SAVE")
	return err
}

// scan reads the snapshot that the server has written.
func (s *scratch) scan(key func(rdb.Key) error) (found rdb.Snapshot, err error) {
	file, err := s.host.Files().Open(path.Join(s.path, snapshotName))
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return rdb.Scan(file, rdb.Options{Key: key})
}
