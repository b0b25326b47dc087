package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// overwriteFlags say what becomes of what is at a target.
type overwriteFlags struct {
	overwrite, noBackup, autoApprove, force bool
	lockTimeout                             time.Duration
}

func (o *overwriteFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&o.overwrite, "overwrite", false, "replace what is there, after a backup of it")
	flags.BoolVar(&o.noBackup, "no-backup", false, "with -overwrite: take no backup of what is replaced")
	flags.BoolVar(&o.autoApprove, "auto-approve", false, "with -overwrite: do not ask")
	flags.BoolVar(&o.force, "force", false, "with -overwrite: end the sessions of others that use the database")
	flags.DurationVar(&o.lockTimeout, "lock-timeout", 0, "with -overwrite: wait this `long` for the state's lock (30s, 5m)")
}

// checkParts refuses flags that have nothing to do with the target.
func (a restoreArguments) checkParts() error {
	plain := a.toFile != "" || a.toStdout
	database := a.toPostgres != "" || a.toDatabase != ""
	switch {
	case plain && (len(a.parts.tables)+len(a.parts.schemas)+len(a.parts.paths) > 0 || a.parts.noOwner || a.parts.noPrivileges):
		return errors.New("-to-file and -to-stdout give the artifact as it is: -table, -schema, -path, -no-owner and -no-privileges do not go with them")
	case plain && a.overwriting.overwrite:
		return errors.New("-to-file and -to-stdout overwrite nothing: leave -overwrite out")
	case (database || a.toDirectory == "" && !a.toSource) && len(a.parts.paths) > 0:
		return errors.New("-path is for files: a database has -table and -schema")
	case a.toRedis != "" && (len(a.parts.tables)+len(a.parts.schemas)+len(a.parts.paths) > 0 || a.parts.noOwner || a.parts.noPrivileges):
		return errors.New("a snapshot of Redis is restored as a whole: -table, -schema, -path, -no-owner and -no-privileges do not go with -to-redis")
	case a.toDirectory != "" && (len(a.parts.tables)+len(a.parts.schemas) > 0 || a.parts.noOwner || a.parts.noPrivileges):
		return errors.New("-table, -schema, -no-owner and -no-privileges are for databases: files have -path")
	case a.parts.host != "" && a.toDirectory == "" && a.toPostgres == "" && a.toRedis == "":
		return errors.New("-host goes with -to-directory, -to-postgres and -to-redis; a source knows its own host")
	case a.parts.container != "" && a.toRedis == "":
		return errors.New("-container goes with -to-redis; a source knows its own container")
	case !a.overwriting.overwrite && (a.overwriting.noBackup || a.overwriting.force):
		return errors.New("-no-backup and -force go with -overwrite")
	}
	return nil
}

// restoreTarget is the target that the flags name; the zero Target for a file and for standard output.
func (c *cli) restoreTarget(project *project, artifact *state.Artifact, arguments restoreArguments) (providers.Target, error) {
	var target providers.Target
	switch {
	case arguments.toFile != "" || arguments.toStdout:
		return target, nil
	case arguments.toDirectory != "":
		target = providers.Target{Kind: providers.TargetDirectory, Location: arguments.toDirectory}
	case arguments.toPostgres != "":
		target = providers.Target{Kind: providers.TargetPostgres, Location: arguments.toPostgres}
	case arguments.toRedis != "":
		target = providers.Target{Kind: providers.TargetRedis, Location: arguments.toRedis, Container: arguments.parts.container}
		if !strings.Contains(arguments.toRedis, "://") {
			target.Location = "redis://" + arguments.toRedis
		}
	default:
		var err error
		if target, err = ownPlace(project, artifact); err != nil {
			return target, err
		}
		if arguments.toDatabase != "" {
			if target.Kind != providers.TargetPostgres {
				return target, fmt.Errorf("-to-database is for databases, and %s is none", artifact.Source)
			}
			target.Database, target.Own = arguments.toDatabase, false
		}
	}
	if host := arguments.parts.host; host != "" {
		target.Host = providers.Reference{Kind: providers.KindHost, Address: host}
		if _, ok := project.world.Hosts[host]; !ok && host != providers.LocalHost {
			return target, fmt.Errorf("-host: the specification declares no %s.%s", host, spelling.Proposal(host, slices.Sorted(maps.Keys(project.world.Hosts))))
		}
	}
	parts := arguments.parts
	target.Tables, target.Schemas, target.Paths, target.NoOwner, target.NoPrivileges = parts.tables, parts.schemas, parts.paths, parts.noOwner, parts.noPrivileges
	target.Force = arguments.overwriting.force
	return target, nil
}

// ownPlace is the place that the artifact's source reads.
func ownPlace(project *project, artifact *state.Artifact) (providers.Target, error) {
	for _, source := range project.spec.Sources {
		if source.Address != artifact.Source {
			continue
		}
		placed, ok := source.Config.(providers.Placed)
		if !ok {
			return providers.Target{}, fmt.Errorf("what a source of type %q reads cannot be put back into its place: use -to-file", source.Type)
		}
		target := placed.Place(project.environment)
		target.Own = true
		return target, nil
	}
	return providers.Target{}, fmt.Errorf("%s, which the artifact was read from, is not in the specification: say where it goes with another -to- flag", artifact.Source)
}

// clear sees to it that a restore may begin: that nothing is in its way, or that what is may be replaced and is backed up. What it
// returns gives the state's lock back.
func (c *cli) clear(ctx context.Context, project *project, restorer *executor.Restorer, request executor.Request, target *providers.Target, arguments restoreArguments) (release func() error, err error) {
	release = func() error { return nil }
	err = restorer.Check(ctx, request, *target)
	var occupied *providers.OccupiedError
	switch {
	case !errors.As(err, &occupied):
		return release, err
	case !arguments.overwriting.overwrite:
		return release, fmt.Errorf("%w; or replace it with -overwrite", err)
	}
	target.Overwrite = true
	if err := restorer.Check(ctx, request, *target); err != nil {
		return release, err
	}
	backup, err := precaution(project, *target, arguments.overwriting)
	if err != nil {
		return release, err
	}
	if err := c.approveOverwriting(ctx, occupied, backup, arguments); err != nil {
		return release, err
	}
	session, err := project.lock(ctx, c, "restore", arguments.overwriting.lockTimeout)
	if err != nil {
		return release, err
	}
	if backup == nil {
		return session.Close, nil
	}
	if err := c.backUpBefore(ctx, project, session, backup, request.Artifact); err != nil {
		return release, errors.Join(err, session.Close())
	}
	return session.Close, nil
}

// precaution is the backup that is taken of what is replaced; nil when none is wanted.
func precaution(project *project, target providers.Target, flags overwriteFlags) (*spec.Backup, error) {
	if flags.noBackup {
		return nil, nil
	}
	for _, source := range project.spec.Sources {
		placed, ok := source.Config.(providers.Placed)
		if !ok || !samePlace(target, placed.Place(project.environment)) {
			continue
		}
		for _, backup := range project.spec.Backups {
			if backup.Source == source.Address && backup.NotBuilt == "" {
				return backup, nil
			}
		}
	}
	return nil, errors.New("no backup of the specification is of what would be replaced: restore elsewhere, or replace it without a backup with -overwrite -no-backup")
}

// samePlace reports whether two targets are the same, as far as a specification tells.
func samePlace(a, b providers.Target) bool {
	if a.Kind != b.Kind || a.Host.OfHost() != b.Host.OfHost() || a.Container != b.Container {
		return false
	}
	switch {
	case a.Kind == providers.TargetDirectory:
		return filepath.Clean(a.Location) == filepath.Clean(b.Location)
	case a.Container != "":
		return a.Database == b.Database
	}
	first, firstDatabase := serverOf(a)
	second, secondDatabase := serverOf(b)
	return first == second && firstDatabase == secondDatabase
}

// serverOf is the server of a URL and the database there.
func serverOf(target providers.Target) (server, database string) {
	parsed, err := url.Parse(target.Location)
	if err != nil {
		return target.Location, target.Database
	}
	database = strings.TrimPrefix(parsed.Path, "/")
	if target.Database != "" {
		database = target.Database
	}
	query := parsed.Query()
	return parsed.Host + " " + query.Get("host") + " " + query.Get("port"), database
}

// approveOverwriting asks. Only "yes" is a yes.
func (c *cli) approveOverwriting(ctx context.Context, occupied *providers.OccupiedError, backup *spec.Backup, arguments restoreArguments) error {
	c.warn(fmt.Sprintf("%s has %s.", occupied.Target, strings.Join(occupied.Holds, ", ")))
	if backup != nil {
		c.warn(fmt.Sprintf("%s is taken first; then it is replaced.", backup.Address))
	} else {
		c.warn("It is replaced, without a backup of it.")
	}
	if arguments.overwriting.autoApprove {
		return nil
	}
	if !arguments.input {
		return errors.New("replacing what is there needs approval: run with -auto-approve")
	}
	yes, err := c.askYes(ctx, "Do you want to replace it?")
	if err == nil && !yes {
		return errors.New("restore cancelled: nothing was changed")
	}
	return err
}

// backUpBefore takes an artifact of what is about to be replaced. With fewer copies than min_copies nothing is replaced.
func (c *cli) backUpBefore(ctx context.Context, project *project, session state.Session, backup *spec.Backup, artifact *state.Artifact) error {
	plan := planner.Precaution(project.spec, session.Document(), backup, "before it is replaced by "+artifact.ID, c.clock.Now())
	view, err := c.newRunView("Backup", false, "")
	if err != nil {
		return err
	}
	err = c.carryOut(ctx, project, session, plan, executor.DefaultParallelism, view)
	var code exitCode
	if errors.As(err, &code) && code == exitDegraded {
		c.warn("Fewer copies than declared, and as many as min_copies asks for: going on.")
		return nil
	}
	if errors.As(err, &code) && code != exitInterrupted {
		return errors.New("there is no backup of what is there, so it was not replaced")
	}
	return err
}
