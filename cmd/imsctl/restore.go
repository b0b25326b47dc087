package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
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
  imsctl restore -to-stdout latest | less
  imsctl restore -identity key.txt -to-file db.sql backup.database

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
	return command
}

// checkTarget refuses a command line that does not name exactly one target.
func (a restoreArguments) checkTarget() error {
	targets := 0
	for _, given := range []bool{a.toFile != "", a.toDirectory != "", a.toStdout, a.toPostgres != ""} {
		if given {
			targets++
		}
	}
	if targets != 1 {
		return fmt.Errorf("restore to where? Give one of -to-file, -to-directory, -to-stdout and -to-postgres; %d are given", targets)
	}
	return nil
}

func (c *cli) restore(ctx context.Context, arguments restoreArguments) error {
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
	artifact, err := selectArtifact(project, document, arguments)
	if err != nil {
		return err
	}
	if project.decryption, err = c.decryption(arguments.identities, artifact.Encryption != nil, arguments.input); err != nil {
		return err
	}
	c.warn(fmt.Sprintf("Restoring what was backed up at %s.", artifact.StartedAt.In(project.spec.Location).Format("2006-01-02 15:04 MST")))
	if _, err := c.restoreTo(ctx, project, artifact, arguments); err != nil {
		return fmt.Errorf("restoring %s: %w", artifact.ID, err)
	}
	return nil
}

// restoreTo sends the artifact where the flags say.
func (c *cli) restoreTo(ctx context.Context, project *project, artifact *state.Artifact, arguments restoreArguments) (from string, err error) {
	display := c.openDisplay(c.stderr)
	display.Start(artifact.ID, "<", artifact.ID, artifact.Raw.Size)
	defer func() {
		end := fmt.Sprintf("< %s: restored from %s, %s, equal to what was backed up", artifact.ID, from, units.Bytes(artifact.Raw.Size))
		if err != nil {
			end = fmt.Sprintf("< %s: failed", artifact.ID)
		}
		display.Finish(artifact.ID, end)
		err = errors.Join(err, c.closeDisplay(display))
	}()
	restorer := &executor.Restorer{
		Spec: project.spec, World: project.world, Registry: project.registry, Environment: project.environment, Decryption: project.decryption,
		Progress: restoreProgress{display: display, id: artifact.ID},
	}
	request := executor.Request{Artifact: artifact, From: arguments.from}
	var target providers.Target
	switch {
	case arguments.toFile != "":
		return restorer.ToFile(ctx, request, arguments.toFile)
	case arguments.toStdout:
		return restorer.ToWriter(ctx, request, c.stdout)
	case arguments.toDirectory != "":
		target = providers.Target{Kind: providers.TargetDirectory, Location: arguments.toDirectory}
	default:
		target = providers.Target{Kind: providers.TargetPostgres, Location: arguments.toPostgres}
	}
	from, _, err = restorer.ToTarget(ctx, request, target)
	return from, err
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

// selectArtifact finds the artifact that the command line means.
func selectArtifact(project *project, document *state.Document, arguments restoreArguments) (*state.Artifact, error) {
	if artifact := document.Find(arguments.what); artifact != nil {
		if arguments.at != "" {
			return nil, fmt.Errorf("-at: %s is one artifact already; give the address of its backup, %s", artifact.ID, artifact.Backup)
		}
		return artifact, nil
	}
	address, err := selectBackup(project, document, arguments)
	if err != nil {
		return nil, err
	}
	before := time.Time{}
	if arguments.at != "" {
		if before, err = parseTime(arguments.at, project.spec.Location); err != nil {
			return nil, err
		}
	}
	var chosen *state.Artifact
	for _, artifact := range document.ByBackup()[address] {
		if len(artifact.Restorable()) > 0 && (before.IsZero() || !artifact.StartedAt.After(before)) {
			chosen = artifact
		}
	}
	switch {
	case chosen == nil && arguments.at != "":
		return nil, fmt.Errorf("%s has no verified artifact from %s or before; \"imsctl list\" shows what there is", address, arguments.at)
	case chosen == nil:
		return nil, fmt.Errorf("%s has no verified artifact yet", address)
	}
	return chosen, nil
}

// selectBackup finds the backup whose artifact is wanted.
func selectBackup(project *project, document *state.Document, arguments restoreArguments) (string, error) {
	address := arguments.what
	if address == "latest" {
		address = arguments.backup
	} else if arguments.backup != "" {
		return "", errors.New(`-backup goes with "latest" only`)
	}
	if address == "" {
		if len(project.spec.Backups) != 1 {
			var names []string
			for _, backup := range project.spec.Backups {
				names = append(names, backup.Address)
			}
			return "", fmt.Errorf("\"latest\" of which backup? Name one with -backup: %s", strings.Join(names, ", "))
		}
		return project.spec.Backups[0].Address, nil
	}
	for _, candidate := range []string{address, backupAddress(address)} {
		if len(document.ByBackup()[candidate]) > 0 {
			return candidate, nil
		}
		for _, backup := range project.spec.Backups {
			if backup.Address == candidate {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("there is no artifact and no backup %q; \"imsctl list\" shows what can be restored", address)
}

// parseTime reads a moment: RFC 3339, or local time or a day in the specification's zone. A day means its end.
func parseTime(text string, location *time.Location) (time.Time, error) {
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if moment, err := time.ParseInLocation(layout, text, location); err == nil {
			return moment, nil
		}
	}
	if day, err := time.ParseInLocation("2006-01-02", text, location); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	return time.Time{}, fmt.Errorf("-at %q is not a time: write 2026-11-20, 2026-11-20T12:00 or 2026-11-20T12:00:00Z", text)
}
