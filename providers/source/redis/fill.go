package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// fill sends the keys, and returns the code of the libraries of functions.
func (r *restorer) fill(ctx context.Context, input io.Reader) (libraries []string, err error) {
	err = r.server.load(ctx, func(stream *commands) error {
		if err := stream.do("CLIENT", "SETNAME", r.name); err != nil {
			return err
		}
		sender := sender{stream: stream, stage: r.stage, database: -1}
		found, err := rdb.Scan(input, rdb.Options{Dumps: true, Key: sender.key, Function: func(code []byte) error {
			libraries = append(libraries, string(code))
			return nil
		}})
		switch {
		case errors.Is(err, rdb.ErrTooLarge):
			return fmt.Errorf("%w, more than a command can bring: restore into a stopped server with -to-directory", err)
		case err != nil:
			return err
		case !found.Understood:
			return fmt.Errorf("the snapshot has format %s, and this imsctl knows those up to %d: restore into a stopped server with -to-directory", form(found), rdb.Newest)
		case found.ModuleData:
			return errors.New("modules keep something in the snapshot beside their keys, which no command brings back: restore into a stopped server with -to-directory")
		}
		return nil
	})
	return libraries, err
}

// sender sends keys.
type sender struct {
	stream   *commands
	stage    *stage
	database int64
}

// key sends one.
func (s *sender) key(key rdb.Key) error {
	database, err := s.stage.place(key)
	if err != nil {
		return err
	}
	if database != s.database {
		s.database = database
		if err := s.stream.do("SELECT", strconv.FormatInt(database, 10)); err != nil {
			return err
		}
	}
	words := [][]byte{[]byte("RESTORE"), key.Name, strconv.AppendInt(nil, key.Expires, 10), key.Dump, []byte("ABSTTL")}
	switch {
	case key.Idle >= 0:
		words = append(words, []byte("IDLETIME"), strconv.AppendInt(nil, key.Idle, 10))
	case key.Frequency >= 0:
		words = append(words, []byte("FREQ"), strconv.AppendInt(nil, key.Frequency, 10))
	}
	return s.stream.doBytes(words...)
}

// putFunctions replaces the libraries of functions.
func (r *restorer) putFunctions(ctx context.Context, libraries []string) error {
	if len(libraries) == 0 && !r.functions {
		return nil
	}
	before := ""
	if r.functions {
		var err error
		if before, err = r.server.ask(ctx, "FUNCTION", "DUMP"); err != nil {
			return err
		}
	}
	r.replaced = &before
	return r.server.load(ctx, func(stream *commands) error {
		err := stream.do("FUNCTION", "FLUSH")
		for _, code := range libraries {
			err = errors.Join(err, stream.do("FUNCTION", "LOAD", code))
		}
		return err
	})
}

// exchange has every key come into its database and drops what was there, in one step.
func (r *restorer) exchange(ctx context.Context, found map[int64]providers.KeyCount) error {
	return r.server.load(ctx, func(stream *commands) error {
		err := stream.do("MULTI")
		touched := make(map[int64]bool)
		for number := range found {
			touched[number] = true
		}
		for _, swap := range r.stage.swaps() {
			touched[swap[0]], touched[swap[1]] = true, true
			err = errors.Join(err, stream.do("SWAPDB", strconv.FormatInt(swap[0], 10), strconv.FormatInt(swap[1], 10)))
		}
		for _, number := range slices.Sorted(maps.Keys(touched)) {
			if _, ours := r.stage.places[number]; !ours {
				err = errors.Join(err, stream.do("SELECT", strconv.FormatInt(number, 10)), stream.do("FLUSHDB", "ASYNC"))
			}
		}
		return errors.Join(err, stream.do("EXEC"))
	})
}

// exchanged reports whether the exchange took place although nobody heard of it: where keys waited, there are none any more.
func (r *restorer) exchanged(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	about, err := r.server.info(ctx)
	if err != nil {
		return false
	}
	found := about.databases()
	waited := false
	for _, place := range r.stage.places {
		if _, ours := r.stage.places[place]; ours {
			continue
		}
		waited = true
		if found[place].Keys > 0 {
			return false
		}
	}
	return waited && r.stage.check(found, func(database int64) int64 { return database }) == nil
}
