package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// undoTimeout is how long the removal of what was restored half may take.
const undoTimeout = 60 * time.Second

// oldest is the major version of the first server that takes a key with the moment at which it expires.
const oldest = 5

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if len(target.Tables)+len(target.Schemas)+len(target.Paths) > 0 {
		return nil, errors.New("a snapshot of Redis is restored as a whole: it has no tables, schemas or paths")
	}
	switch target.Kind {
	case providers.TargetDirectory:
		return newFolder(environment, target)
	case providers.TargetRedis:
	default:
		return nil, fmt.Errorf("a snapshot of Redis cannot be restored to a %s: restore it to a Redis server, a folder, a file or standard output", target.Kind)
	}
	config, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	made, err := config.server(environment)
	if err != nil {
		return nil, err
	}
	return &restorer{server: made, overwrite: target.Overwrite, name: "imsctl-restore-" + rand.Text()}, nil
}

// restorer implements providers.Restorer for a server that runs. The keys are sent to it one by one (RESTORE), and come into their
// databases together.
type restorer struct {
	server    server
	overwrite bool
	// name is what the connection that keys are sent over is called on the server.
	name string
	// about is what the server says of itself, databases how many it has; 1 where it cannot exchange them.
	about     facts
	databases int64
	// functions is set where it has libraries of functions, replaced what they were once they are being replaced.
	functions bool
	replaced  *string
	stage     *stage
	// placed is set when the keys are in their databases.
	placed bool
}

// Prepare looks at the server.
func (r *restorer) Prepare(ctx context.Context) (err error) {
	if r.about, err = r.server.info(ctx); err != nil {
		return err
	}
	version, _, _ := strings.Cut(r.about["redis_version"], ".")
	major, _ := strconv.Atoi(version)
	switch {
	case r.about["loading"] == "1":
		return fmt.Errorf("%s loads its data; try again when that is done (INFO persistence says loading:0)", r.server)
	case r.about["role"] == "slave":
		return fmt.Errorf("%s is a replica: restore into its master", r.server)
	case major < oldest:
		return fmt.Errorf("%s has version %s, which takes no keys with the moment at which they expire: restore into version %d or later, or into a stopped server with -to-directory",
			r.server, r.about["redis_version"], oldest)
	}
	if major >= 7 {
		listed, err := r.server.ask(ctx, "FUNCTION", "LIST")
		if err != nil {
			return err
		}
		r.functions = strings.TrimSpace(listed) != ""
	}
	r.databases = r.countDatabases(ctx)
	return r.checkEmpty()
}

// countDatabases asks how many databases the server has; 1 where it does not say so, or has a cluster's one.
func (r *restorer) countDatabases(ctx context.Context) int64 {
	if r.about["cluster_enabled"] == "1" {
		return 1
	}
	// Some services do not let anybody ask. Their one database is filled directly.
	text, err := r.server.ask(ctx, "CONFIG", "GET", "databases")
	if err != nil {
		return 1
	}
	_, digits, _ := strings.Cut(text, "\n")
	count, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || count < 1 {
		return 1
	}
	return count
}

// checkEmpty reports a server that has something, where that is not to be replaced or cannot be.
func (r *restorer) checkEmpty() error {
	var holds []string
	found := r.about.databases()
	for _, number := range slices.Sorted(maps.Keys(found)) {
		holds = append(holds, fmt.Sprintf("%d keys in database %d", found[number].Keys, number))
	}
	if r.functions {
		holds = append(holds, "functions")
	}
	switch {
	case len(holds) == 0:
		return nil
	case !r.overwrite:
		return &providers.OccupiedError{Target: r.server.String(), Holds: holds}
	case r.databases == 1 && len(found) > 0:
		return fmt.Errorf("%s has keys, and no second database in which new ones could wait until all are there: empty it first (FLUSHALL), or restore into a stopped server with -to-directory", r.server)
	}
	return nil
}

// Restore puts the snapshot into the server.
func (r *restorer) Restore(ctx context.Context, input io.Reader) (providers.Restored, error) {
	r.replaced, r.placed = nil, false
	r.stage = newStage(r.databases, slices.Collect(maps.Keys(r.about.databases())))
	restored, err := r.restore(ctx, input)
	if err == nil {
		return restored, nil
	}
	err = fmt.Errorf("restoring into %s: %w", r.server, err)
	if r.placed {
		return providers.Restored{}, fmt.Errorf("%w (every key was put in place before that)", err)
	}
	if undone := r.undo(ctx); undone != nil {
		return providers.Restored{}, errors.Join(err, fmt.Errorf("removing what was restored so far: %w", undone))
	}
	return providers.Restored{}, fmt.Errorf("%w (the server is as it was before)", err)
}

func (r *restorer) restore(ctx context.Context, input io.Reader) (providers.Restored, error) {
	libraries, err := r.fill(ctx, input)
	if err != nil {
		return providers.Restored{}, err
	}
	about, err := r.server.info(ctx)
	if err != nil {
		return providers.Restored{}, err
	}
	found := about.databases()
	if err := r.stage.check(found, func(database int64) int64 { return r.stage.places[database] }); err != nil {
		return providers.Restored{}, err
	}
	if err := r.undisturbed(found); err != nil {
		return providers.Restored{}, err
	}
	if err := r.putFunctions(ctx, libraries); err != nil {
		return providers.Restored{}, err
	}
	if r.stage.exchanged {
		if err := r.exchange(ctx, found); err != nil && !r.exchanged(ctx) {
			return providers.Restored{}, err
		}
	}
	r.placed = true
	return r.told(ctx, len(libraries))
}

// undisturbed reports keys that somebody else wrote meanwhile into a server that was empty.
func (r *restorer) undisturbed(found map[int64]providers.KeyCount) error {
	if r.overwrite {
		return nil
	}
	ours := slices.Collect(maps.Values(r.stage.places))
	for number, count := range found {
		if !slices.Contains(ours, number) {
			return fmt.Errorf("somebody else wrote %d keys into database %d meanwhile: stop what uses the server first", count.Keys, number)
		}
	}
	return nil
}

// told looks at the server once more and says what is there.
func (r *restorer) told(ctx context.Context, libraries int) (providers.Restored, error) {
	about, err := r.server.info(ctx)
	if err != nil {
		return providers.Restored{}, err
	}
	if err := r.stage.check(about.databases(), func(database int64) int64 { return database }); err != nil {
		return providers.Restored{}, err
	}
	var keys, there int64
	for database, count := range r.stage.counts {
		keys += count.Keys
		there += about.databases()[database].Keys
	}
	note := fmt.Sprintf("%d keys are as many as the snapshot has", keys)
	if there < keys {
		note = fmt.Sprintf("%d keys are there of the snapshot's %d; the others have expired", there, keys)
	}
	restored := providers.Restored{Notes: []string{note}}
	if libraries > 0 {
		restored.Notes = append(restored.Notes, fmt.Sprintf("%d libraries of functions", libraries))
	}
	return restored, nil
}

// undo empties the databases that keys were sent to, and gives the functions back.
func (r *restorer) undo(ctx context.Context) error {
	if len(r.stage.places) == 0 && r.replaced == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	// What was sent over a connection that has ended is still read by the server, unless that ends it too.
	ids, err := r.connections(ctx)
	if err != nil {
		return err
	}
	return r.server.load(ctx, func(stream *commands) error {
		var err error
		for _, id := range ids {
			err = errors.Join(err, stream.do("CLIENT", "KILL", "ID", id))
		}
		for _, number := range slices.Sorted(maps.Values(r.stage.places)) {
			err = errors.Join(err, stream.do("SELECT", strconv.FormatInt(number, 10)), stream.do("FLUSHDB"))
		}
		if r.replaced != nil {
			err = errors.Join(err, stream.do("FUNCTION", "FLUSH"))
			if *r.replaced != "" {
				err = errors.Join(err, stream.do("FUNCTION", "RESTORE", *r.replaced))
			}
		}
		return err
	})
}

// connections are the identifications of those over which keys were sent, as far as the server has not seen their end.
func (r *restorer) connections(ctx context.Context) ([]string, error) {
	listed, err := r.server.ask(ctx, "CLIENT", "LIST")
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(listed) {
		fields := strings.Fields(line)
		if slices.Contains(fields, "name="+r.name) {
			ids = append(ids, strings.TrimPrefix(fields[0], "id="))
		}
	}
	return ids, nil
}
