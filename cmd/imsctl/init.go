package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/starter"
	"github.com/castrolanda/imsctl/spec"
)

// starterFile is the file that init writes in a folder.
const starterFile = "imsctl.hcl"

// initArguments are the flags of init.
type initArguments struct {
	inputs
	path        string
	fromCompose string
	check       bool
	json        bool
	migration   migration
}

func (c *cli) initCommand() *cobra.Command {
	var arguments initArguments
	command := &cobra.Command{
		Use:   "init [flags] [PATH]",
		Short: "Write a first specification, and check every connection",
		Long: `Writes ` + starterFile + ` to PATH (a folder, "." by default, or the name of a new *.hcl
file). With -from-compose it has the databases, volumes and folders of a compose
project; passwords stay out of it. A specification that is there is kept.

Then it tries every host, source and destination and says what is missing.

With -migrate-state it does neither: it copies the state from the file
.imsctl/state.json, or from where the specification -migrate-from kept it, to
where this one keeps it, both locked, and reads it back.

EXIT STATUS
  0  everything can be reached, but for what is not built yet
  1  an error, or something is missing`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			if arguments.migration.wanted {
				return c.migrateState(command.Context(), arguments)
			}
			return c.initialize(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	arguments.migration.register(flags)
	flags.StringVar(&arguments.fromCompose, "from-compose", "", "write what this compose `file` has to back up")
	flags.BoolVar(&arguments.check, "check", true, "try the connections; false only writes")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	return command
}

// initialization is what init did and found.
type initialization struct {
	FormatVersion string `json:"format_version"`
	Type          string `json:"type"`
	// Written is the file that was written, Kept are those that were there.
	Written     string             `json:"written,omitempty"`
	Kept        []string           `json:"kept"`
	Sources     []string           `json:"sources"`
	LeftOut     []starter.Omission `json:"left_out"`
	Variables   []variableStatus   `json:"variables"`
	Checked     bool               `json:"checked"`
	Connections []connectionStatus `json:"connections"`
	Missing     int                `json:"missing"`

	// compose is the compose file beside what was written without looking at it.
	compose string
}

// variableStatus is an environment variable that the written specification takes a secret from.
type variableStatus struct {
	Name string `json:"name"`
	Set  bool   `json:"set"`
}

func (c *cli) initialize(ctx context.Context, arguments initArguments) error {
	done := &initialization{FormatVersion: "1.0", Type: "init", Checked: arguments.check}
	var err error
	if done.Kept, err = existing(arguments.path); err != nil {
		return err
	}
	if len(done.Kept) == 0 {
		err = c.writeStarter(ctx, arguments, done)
	} else if arguments.fromCompose != "" {
		c.warn(arguments.fromCompose + " is not read: there is a specification already. Name a new *.hcl file to write another one.")
	}
	if err != nil {
		return err
	}
	if arguments.check {
		if err := c.checkConnections(ctx, arguments, done); err != nil {
			return errors.Join(c.tellWritten(done, arguments.json), err)
		}
	}
	if arguments.json {
		err = c.printJSON(done)
	} else {
		err = c.initText(done)
	}
	if err == nil && done.Missing > 0 {
		return exitCode(exitError)
	}
	return err
}

// existing lists the files of the specification that is at a path already. What is in the way of a new one is an error.
func existing(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		files, err := spec.Files(path, false)
		return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".vars.hcl") }), err
	case strings.HasSuffix(path, ".hcl"):
		return []string{path}, nil
	}
	return nil, fmt.Errorf("%s is a file and no specification: name a folder, or a file that ends in .hcl", path)
}

// writeStarter writes the first specification.
func (c *cli) writeStarter(ctx context.Context, arguments initArguments, done *initialization) error {
	file := arguments.path
	if !strings.HasSuffix(file, ".hcl") {
		file = filepath.Join(file, starterFile)
	}
	folder := filepath.Dir(file)
	begin := starter.Empty()
	if arguments.fromCompose == "" {
		done.compose = composeFile(folder)
	} else {
		var err error
		if begin, err = starter.FromCompose(ctx, arguments.fromCompose, folder, c.environment); err != nil {
			return err
		}
	}
	for _, warning := range begin.Warnings {
		c.warn(c.fold(c.stderr, "", "Warning: "+arguments.fromCompose+": "+warning, 2))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the specification: %w", err)
	}
	if err := writeNew(file, begin.Text()); err != nil {
		return fmt.Errorf("writing the specification: %w", err)
	}
	done.Written, done.LeftOut = file, begin.LeftOut
	for _, source := range begin.Sources {
		done.Sources = append(done.Sources, "source."+source.Type+"."+source.Name)
	}
	for _, name := range begin.Variables {
		_, set := c.getenv(name)
		done.Variables = append(done.Variables, variableStatus{name, set})
		if !set && arguments.check {
			done.Missing++
		}
	}
	return nil
}

// composeFile is the compose file in a folder, by the names that docker compose looks for; empty when there is none.
func composeFile(folder string) string {
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"} {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// writeNew writes a file that is not there yet, whole or not at all.
func writeNew(path string, data []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is in the way and is kept: move it, or name another file", path)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}
