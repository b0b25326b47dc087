package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/schedule"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
)

// scheduleArguments are the flags of schedule.
type scheduleArguments struct {
	inputs
	path, format, folder, name string
	scope                      planner.Scope
	overwrite                  bool
}

func (c *cli) scheduleCommand() *cobra.Command {
	var arguments scheduleArguments
	command := &cobra.Command{
		Use:   "schedule [flags] [PATH]",
		Short: "Write what runs imsctl again and again: timer, cron, CI, cluster",
		Long: `Prints what runs "imsctl apply" for PATH on what exists already: units of
systemd, lines of a crontab, a workflow of GitHub or GitLab (plan on pull
requests, apply on main, a drift check every night), a CronJob of Kubernetes or
a periodic job of Nomad. How often follows from what is declared. Variables that
the specification reads from the environment are named, their values never
written. Connects to nothing.

A part of the specification, which -target and -exclude name, is run by itself
under a -name of its own.

With -o the files are written into a folder. One that is there with another
content is kept, and an error, unless -overwrite is given.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.schedule(arguments)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&arguments.variables, "var", nil, "set a variable: `name=value`; the files name it as IMS_VAR_name")
	flags.BoolVar(&arguments.input, "input", true, "false never asks: what is missing is an error")
	flags.StringVar(&arguments.format, "format", "", "write for `systemd`, cron, github, gitlab, kubernetes or nomad")
	flags.StringVar(&arguments.name, "name", "", "call units, files and jobs by this `name` instead of imsctl")
	flags.StringArrayVar(&arguments.scope.Targets, "target", nil, "run only what belongs to this `address` and what it waits for; may be repeated")
	flags.StringArrayVar(&arguments.scope.Exclude, "exclude", nil, "run all but what belongs to this `address` and what waits for it; may be repeated")
	flags.StringVarP(&arguments.folder, "out", "o", "", "write files into this `folder`, and print their names")
	flags.BoolVar(&arguments.overwrite, "overwrite", false, "-o: replace files of another content")
	return command
}

func (c *cli) schedule(arguments scheduleArguments) error {
	formats := schedule.Formats()
	switch {
	case arguments.format == "":
		return fmt.Errorf("-format is missing: it is one of %s", strings.Join(formats, ", "))
	case !slices.Contains(formats, arguments.format):
		return fmt.Errorf("-format=%s: it is one of %s.%s", arguments.format, strings.Join(formats, ", "), meant(arguments.format, formats, ""))
	case arguments.overwrite && arguments.folder == "":
		return errors.New("-overwrite is for -o: nothing is replaced where everything is printed")
	}
	asked := make(map[string]bool)
	getenv := c.getenv
	_, loaded, diagnostics, err := c.diagnoseIn(arguments.path, arguments.inputs, func(name string) (string, bool) {
		value, set := getenv(name)
		asked[name] = set
		return value, set
	})
	if err != nil {
		return err
	}
	c.writeDiagnostics(diagnostics.List, diagnostics.Files, arguments.inputs)
	if loaded == nil {
		return exitCode(exitError)
	}
	if err := arguments.scope.Check(loaded); err != nil {
		return err
	}
	specification, err := c.scheduled(loaded)
	if err != nil {
		return err
	}
	specification.Name = arguments.name
	for _, address := range arguments.scope.Targets {
		specification.Scope = append(specification.Scope, "-target="+address)
	}
	for _, address := range arguments.scope.Exclude {
		specification.Scope = append(specification.Scope, "-exclude="+address)
	}
	assigned, err := arguments.assignments()
	if err != nil {
		return err
	}
	specification.Variables = environmentOf(loaded, asked, assigned)
	files, err := schedule.Files(arguments.format, specification)
	if err != nil {
		return err
	}
	if specification.LocalState && schedule.Ephemeral(arguments.format) {
		c.problem("Warning", "state", errors.New("the state is a file, and a runner of CI forgets its files after each run: every run would begin anew. Declare a state \"postgres\", \"gcs\" or \"azblob\""))
	}
	if arguments.folder == "" {
		return c.printSchedule(files)
	}
	return c.writeSchedule(files, arguments)
}

// printSchedule prints files one after the other. Each begins with a comment that says what it is.
func (c *cli) printSchedule(files []schedule.File) error {
	for i, file := range files {
		separator := ""
		if i > 0 {
			separator = "\n"
		}
		if _, err := fmt.Fprint(c.stdout, separator, file.Text); err != nil {
			return err
		}
	}
	return nil
}

// writeSchedule writes all files, or none when one of them would replace what somebody else wrote.
func (c *cli) writeSchedule(files []schedule.File, arguments scheduleArguments) error {
	for _, file := range files {
		path := filepath.Join(arguments.folder, filepath.FromSlash(file.Name))
		there, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("looking at what is there: %w", err)
		case !arguments.overwrite && !bytes.Equal(there, []byte(file.Text)):
			return fmt.Errorf("%s is there and has another content; nothing was written. Give -overwrite to replace it", path)
		}
	}
	for _, file := range files {
		path := filepath.Join(arguments.folder, filepath.FromSlash(file.Name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = atomicfile.Write(path, []byte(file.Text), 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", file.Name, err)
		}
		fmt.Fprintln(c.stdout, path)
	}
	return nil
}

// scheduled is what has to be known of a specification to run it.
func (c *cli) scheduled(loaded *spec.Spec) (schedule.Specification, error) {
	program, err := os.Executable()
	if err != nil {
		return schedule.Specification{}, fmt.Errorf("finding imsctl itself: %w", err)
	}
	names, err := spec.Files(loaded.Path, false)
	if err != nil {
		return schedule.Specification{}, fmt.Errorf("listing the specification: %w", err)
	}
	result := schedule.Specification{
		Program: program, Path: loaded.Path, InRepository: inRepository(loaded.Directory, loaded.Path),
		Single: loaded.Path != loaded.Directory, LocalState: loaded.State.Type == "local", Version: "latest",
	}
	for _, name := range names {
		result.Files = append(result.Files, filepath.Base(name))
	}
	if !strings.HasSuffix(c.version, "-dev") {
		result.Version = "v" + c.version
	}
	for _, backup := range loaded.Backups {
		if !backup.Schedule.Once {
			result.Timings = append(result.Timings, timing(backup.Address, backup.Schedule))
		}
	}
	for _, drill := range loaded.Drills {
		result.Timings = append(result.Timings, timing(drill.Address, drill.Schedule))
	}
	return result, nil
}

// inRepository is a path as seen from the repository that a folder is in; from the folder itself where it is in none.
func inRepository(folder, path string) string {
	root := folder
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			root = at
			break
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(relative)
}

// firesSeen is how many moments of a cron expression are looked at: more than an hour has minutes, and a year days.
const firesSeen = 400

// timing is when something is due. What it is made from are moments that do not depend on today.
func timing(address string, when spec.Schedule) schedule.Timing {
	result := schedule.Timing{Address: address, Words: when.String(), Every: when.Every.Std()}
	if when.Expression == "" {
		return result
	}
	when.Every = 0
	at := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	for range firesSeen {
		at = when.DueAt(at)
		if at.IsZero() {
			break
		}
		result.Fires = append(result.Fires, at)
	}
	return result
}

// environmentOf lists the environment variables of a specification: those that it read while it was loaded (asked says
// which were set), and those that give it the variables that come from outside or are sensitive.
func environmentOf(loaded *spec.Spec, asked map[string]bool, assigned map[string]string) []schedule.Variable {
	const prefix = "IMS_VAR_"
	optional := make(map[string]bool)
	for name, set := range asked {
		if !strings.HasPrefix(name, prefix) || set {
			optional[name] = !set
		}
	}
	for name, variable := range loaded.Variables {
		if _, given := assigned[name]; given {
			optional[prefix+name] = false
		} else if variable.Sensitive && !asked[prefix+name] {
			optional[prefix+name] = true
		}
	}
	if slices.ContainsFunc(loaded.Backups, func(b *spec.Backup) bool { return b.Encryption != nil }) {
		optional[identityVariable] = true
	}
	if loaded.State.Encryption != nil {
		// Without an identity the state cannot be read at all.
		optional[identityVariable] = false
	}
	var variables []schedule.Variable
	for _, name := range slices.Sorted(maps.Keys(optional)) {
		variables = append(variables, schedule.Variable{Name: name, Optional: optional[name]})
	}
	return variables
}
