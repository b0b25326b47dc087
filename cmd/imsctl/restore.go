package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
)

// restoreArguments are the flags of restore.
type restoreArguments struct {
	inputs
	identities  identityFlags
	what, path  string
	backup      string
	at          string
	from        string
	toFile      string
	toDirectory string
	toStdout    bool
	toPostgres  string
	toRedis     string
	toSource    bool
	toDatabase  string
	parts       restoreParts
	overwriting overwriteFlags
}

// restoreParts say what of an artifact is restored, and where from here its target is.
type restoreParts struct {
	host, container       string
	tables, schemas       []string
	paths                 []string
	noOwner, noPrivileges bool
}

func (p *restoreParts) register(flags *pflag.FlagSet) {
	flags.StringVar(&p.host, "host", "", "the `address` of the host (host.ssh.vm) that -to-directory is on, or -to-postgres or -to-redis is reached from")
	flags.StringVar(&p.container, "container", "", "the `name` of the container that the server of -to-redis runs in, whose address is the one in there (localhost:6379)")
	flags.StringArrayVar(&p.tables, "table", nil, "restore only this `table` (NAME or SCHEMA.NAME); may be repeated")
	flags.StringArrayVar(&p.schemas, "schema", nil, "restore only this `schema`; may be repeated")
	flags.StringArrayVar(&p.paths, "path", nil, "restore only files and folders that match this `pattern`, from the archive's top; may be repeated")
	flags.BoolVar(&p.noOwner, "no-owner", false, "leave out who owns what in a database")
	flags.BoolVar(&p.noPrivileges, "no-privileges", false, "leave out who may do what in a database")
}

func (c *cli) restoreCommand() *cobra.Command {
	var arguments restoreArguments
	command := &cobra.Command{
		Use:   "restore [flags] ARTIFACT [PATH]",
		Short: "Put an artifact back: a file, a folder, a stream, a database",
		Long: `ARTIFACT is an id from "imsctl list", the address of a backup (its newest
artifact), or "latest" when PATH declares one backup or -backup names one. Every
byte is checked on the way: nothing is put in place unless it is what was backed
up.

  imsctl restore -to-postgres postgres://localhost/restored backup.database
  imsctl restore -to-directory /srv/app -at 2026-11-20T12:00:00Z backup.files
  imsctl restore -to-source backup.database
  imsctl restore -to-database ims_yesterday -at 2026-11-26 backup.database
  imsctl restore -to-source -table public.products -overwrite backup.database
  imsctl restore -to-directory /srv/app -host host.ssh.vm backup.files
  imsctl restore -to-source -path 'media/2026/**' -overwrite backup.files
  imsctl restore -to-redis 127.0.0.1:6379 backup.models
  imsctl restore -to-stdout latest | less
  imsctl restore -identity key.txt -to-file db.sql backup.database

What is there already is not replaced, unless -overwrite is given: then a backup
of it is taken first and stored at its destinations (-no-backup: none is), and
you are asked (-auto-approve: you are not). When a restore fails, what was there
is there still.

An encrypted artifact needs the identity of a recipient: -identity, or
IMS_AGE_IDENTITY with the key itself, or IMS_AGE_IDENTITY_FILE.

EXIT STATUS
  0  restored, whole
  1  an error; the target is as it was before (what went to standard output is
     not to be used)`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.what, arguments.path = positional[0], pathArgument(positional[1:])
			return c.restore(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	arguments.identities.register(flags)
	flags.StringVar(&arguments.backup, "backup", "", "the `address` of the backup that \"latest\" is about")
	flags.StringVar(&arguments.at, "at", "", "the newest artifact not younger than this `time` (2026-11-20, 2026-11-20T12:00:00Z)")
	flags.StringVar(&arguments.from, "from", "", "read from this destination `address` instead of the first good one")
	flags.StringVar(&arguments.toFile, "to-file", "", "write the uncompressed artifact to a new `file`")
	flags.StringVar(&arguments.toDirectory, "to-directory", "", "unpack into a new or empty `folder`")
	flags.BoolVar(&arguments.toStdout, "to-stdout", false, "write the uncompressed artifact to standard output")
	flags.StringVar(&arguments.toPostgres, "to-postgres", "", "restore into the database of this `URL`, which must be empty or is created")
	flags.StringVar(&arguments.toRedis, "to-redis", "", "restore into the Redis server of this `address` (HOST:PORT or a URL), which must be empty")
	flags.BoolVar(&arguments.toSource, "to-source", false, "restore into the place that the backup's source reads")
	flags.StringVar(&arguments.toDatabase, "to-database", "", "restore into the database of this `name` on the server of the backup's source")
	arguments.parts.register(flags)
	arguments.overwriting.register(flags)
	return command
}

// checkTarget refuses a command line that does not name exactly one target.
func (a restoreArguments) checkTarget() error {
	targets := 0
	for _, given := range []bool{a.toFile != "", a.toDirectory != "", a.toStdout, a.toPostgres != "", a.toRedis != "", a.toSource, a.toDatabase != ""} {
		if given {
			targets++
		}
	}
	if targets != 1 {
		given := ""
		if targets > 1 {
			given = fmt.Sprintf("; %d are given", targets)
		}
		return fmt.Errorf("restore to where? Give one of -to-source, -to-database, -to-file, -to-directory, -to-stdout, -to-postgres and -to-redis%s", given)
	}
	return a.checkParts()
}

func (c *cli) restore(ctx context.Context, arguments restoreArguments) (err error) {
	if err := arguments.checkTarget(); err != nil {
		return err
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return err
	}
	project.expand(ctx, c, document, planner.ExpandOptions{})
	artifact, err := selectArtifact(project, document, arguments)
	if err != nil {
		return err
	}
	if project.decryption, err = c.decryption(arguments.identities, artifact.Encryption != nil, arguments.input); err != nil {
		return err
	}
	c.warn(fmt.Sprintf("Restoring what was backed up at %s.", artifact.StartedAt.In(project.spec.Location).Format("2006-01-02 15:04 MST")))
	restorer := &executor.Restorer{
		Spec: project.spec, World: project.world, Registry: project.registry, Environment: project.environment, Decryption: project.decryption,
	}
	request := executor.Request{Artifact: artifact, From: arguments.from}
	target, err := c.restoreTarget(project, artifact, arguments)
	if err != nil {
		return err
	}
	if target.Kind != "" {
		release, err := c.clear(ctx, project, restorer, request, &target, arguments)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	if err := c.restoreTo(ctx, restorer, request, target, arguments); err != nil {
		return fmt.Errorf("restoring %s: %w", artifact.ID, err)
	}
	return nil
}

// restoreTo sends the artifact where the flags say.
func (c *cli) restoreTo(ctx context.Context, restorer *executor.Restorer, request executor.Request, target providers.Target, arguments restoreArguments) (err error) {
	var from string
	var restored providers.Restored
	artifact := request.Artifact
	display := c.openDisplay(c.stderr)
	display.Start(artifact.ID, "<", artifact.ID, artifact.Raw.Size)
	defer func() {
		end := fmt.Sprintf("< %s: restored from %s, %s, equal to what was backed up", artifact.ID, from, units.Bytes(artifact.Raw.Size))
		if err != nil {
			end = fmt.Sprintf("< %s: failed", artifact.ID)
		}
		display.Finish(artifact.ID, end)
		err = errors.Join(err, c.closeDisplay(display))
		for _, note := range restored.Notes {
			c.warn("  " + note)
		}
		for _, warning := range restored.Warnings {
			c.problem("Warning", artifact.ID, errors.New(warning))
		}
	}()
	restorer.Progress = restoreProgress{display: display, id: artifact.ID}
	switch {
	case arguments.toFile != "":
		from, err = restorer.ToFile(ctx, request, arguments.toFile)
	case arguments.toStdout:
		from, err = restorer.ToWriter(ctx, request, c.stdout)
	default:
		from, restored, err = restorer.ToTarget(ctx, request, target)
	}
	return err
}

// restoreProgress shows a restore on the display.
type restoreProgress struct {
	display *terminal.Display
	id      string
}

// Read implements pipeline.Progress.
func (p restoreProgress) Read(bytes int64) { p.display.Update(p.id, bytes) }

// Branch implements pipeline.Progress: a restore has no branches.
func (restoreProgress) Branch(string, int64, pipeline.Stage) {}
