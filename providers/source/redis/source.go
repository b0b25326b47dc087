package redis

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// server is a Redis server, however it is reached.
type server interface {
	fmt.Stringer
	// info asks for what the server says of itself.
	info(ctx context.Context) (facts, error)
	// snapshot has it write a snapshot, and scans that. The container is the one that it was read in, nil where it was in none.
	snapshot(ctx context.Context, options rdb.Options) (rdb.Snapshot, *providers.Container, error)
	// claim keeps others from reading, under a name: see there. What it returns has to be given back.
	claim(ctx context.Context, name string) (context.Context, func(), error)
	// ask runs a command, without secrets, and returns its reply as redis-cli prints it: items one a line.
	ask(ctx context.Context, words ...string) (string, error)
	// load has the commands that write gives carried out, in their order and on a connection of their own. Nil means that all
	// of them were and none failed.
	load(ctx context.Context, write func(*commands) error) error
}

// source implements providers.Source.
type source struct {
	server   server
	patterns []pattern
	clock    clock.Clock
}

// Format is that of a snapshot. Its end is in its structure and has no bytes of its own: it is proven while it is read.
func (s *source) Format() providers.Format {
	return providers.Format{Extension: ".rdb", Headers: [][]byte{[]byte("REDIS"), []byte("VALKEY")}}
}

// Inspect asks the server what it is, and how much memory its data takes.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	found, err := s.look(ctx)
	if err != nil {
		return providers.Inspection{}, err
	}
	return providers.Inspection{Bytes: found.number("used_memory_dataset"), Versions: found.versions()}, nil
}

// look asks the server what it is, and refuses one that would give no snapshot.
func (s *source) look(ctx context.Context) (facts, error) {
	found, err := s.server.info(ctx)
	switch {
	case err != nil:
		return nil, err
	case found["loading"] == "1":
		return nil, fmt.Errorf("%s loads its data; try again when that is done (INFO persistence says loading:0)", s.server)
	case found["role"] == "slave" && found["master_link_status"] == "down":
		return nil, fmt.Errorf("%s gives no snapshot: %s", s.server, noMaster)
	}
	return found, nil
}

// Read has the server write a snapshot.
func (s *source) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	about, err := s.look(ctx)
	if err != nil {
		return providers.Reading{}, err
	}
	claimed, release, err := s.server.claim(ctx, channelName(s.clock.Now()))
	var unable *refusalError
	switch {
	case errors.As(err, &unable):
		result, err := s.read(ctx, about, w)
		result.Warnings = append(result.Warnings, fmt.Sprintf("it was read without a lock against others: %v", unable))
		return result, err
	case err != nil:
		return providers.Reading{}, err
	}
	defer release()
	return s.read(claimed, about, w)
}

// read reads a snapshot.
func (s *source) read(ctx context.Context, about facts, w io.Writer) (providers.Reading, error) {
	keys := newCounter(s.patterns)
	found, container, err := s.server.snapshot(ctx, rdb.Options{Output: w, Key: keys.add})
	if err != nil {
		return providers.Reading{}, err
	}
	reading := providers.Reading{Versions: about.versions(), Container: container}
	if found.Understood {
		reading.KeyCounts, reading.Warnings = keys.counts(), keys.warnings()
	} else {
		reading.Warnings = append(reading.Warnings, fmt.Sprintf("the keys were not counted: the snapshot has format %s, and this imsctl knows those up to %d", form(found), rdb.Newest))
	}
	if !found.Summed {
		reading.Warnings = append(reading.Warnings, "the snapshot has no checksum, so that damage from before it was read cannot be seen: set rdbchecksum yes")
	}
	if about["cluster_enabled"] == "1" {
		reading.Warnings = append(reading.Warnings, "the server is a part of a cluster: only its own slots are in the snapshot")
	}
	return reading, nil
}

// form names the format of a snapshot.
func form(found rdb.Snapshot) string {
	if found.Valkey {
		return fmt.Sprintf("%d of Valkey", found.Version)
	}
	return fmt.Sprint(found.Version)
}
