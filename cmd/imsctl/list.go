package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
)

// listArguments are the flags of list.
type listArguments struct {
	inputs
	path   string
	backup string
	json   bool
}

func (c *cli) listCommand() *cobra.Command {
	var arguments listArguments
	command := &cobra.Command{
		Use:   "list [flags] [PATH]",
		Short: "List the artifacts that can be restored",
		Long: `Prints the artifacts of PATH's state that have a verified copy, newest first.
Everything listed can be given to restore by its id. Where drills were made, it
says when an artifact was last drilled, and how long its restore took.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.list(command, arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.StringVar(&arguments.backup, "backup", "", "only the artifacts of this backup `address`")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	return command
}

func (c *cli) list(command *cobra.Command, arguments listArguments) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(command.Context())
	if err != nil {
		return err
	}
	var artifacts []*state.Artifact
	unrestorable := 0
	for _, artifact := range document.Artifacts {
		if arguments.backup != "" && artifact.Backup != backupAddress(arguments.backup) {
			continue
		}
		if len(artifact.Restorable()) == 0 {
			unrestorable++
			continue
		}
		artifacts = append(artifacts, artifact)
	}
	slices.SortStableFunc(artifacts, func(a, b *state.Artifact) int { return b.StartedAt.Compare(a.StartedAt) })
	if arguments.json {
		return c.listJSON(artifacts, document.Drills)
	}
	return c.listText(artifacts, lastDrills(document.Drills), unrestorable, project.spec.Location)
}

// listText prints the artifacts; what their drills proved, where there was one.
func (c *cli) listText(artifacts []*state.Artifact, drills map[string]*state.Drill, unrestorable int, location *time.Location) error {
	if len(artifacts) == 0 {
		fmt.Fprintln(c.stdout, "No artifacts yet.")
	} else {
		rows := [][]string{{"ARTIFACT", "TAKEN", "SIZE", "STORED", "COPIES"}}
		for _, artifact := range artifacts {
			rows = append(rows, []string{artifact.ID, artifact.StartedAt.In(location).Format("2006-01-02 15:04 MST"),
				units.Bytes(artifact.Raw.Size), units.Bytes(artifact.Stored.Size), shortAddresses(artifact.Restorable())})
			if len(drills) > 0 {
				last := len(rows) - 1
				rows[last] = append(rows[last], drilled(drills[artifact.ID], c.clock.Now()))
			}
		}
		if len(drills) > 0 {
			rows[0] = append(rows[0], "DRILLED")
		}
		if err := writeTable(c.stdout, c.look(c.stdout).Width, rows); err != nil {
			return err
		}
	}
	if unrestorable > 0 {
		c.warn(fmt.Sprintf("%s without a good copy not listed; \"imsctl status\" shows what is wrong.", counted(unrestorable, "artifact")))
	}
	return nil
}

// listJSON prints the artifacts as the state has them.
func (c *cli) listJSON(artifacts []*state.Artifact, drills []*state.Drill) error {
	return c.printJSON(struct {
		FormatVersion string            `json:"format_version"`
		Type          string            `json:"type"`
		Artifacts     []*state.Artifact `json:"artifacts"`
		Drills        []*state.Drill    `json:"drills"`
	}{"1.0", "artifacts", artifacts, drills})
}

// printJSON prints one document, indented for people who read it all the same.
func (c *cli) printJSON(document any) error {
	data, err := json.Marshal(document, json.Deterministic(true), jsontext.WithIndent("  "), json.FormatNilSliceAsNull(false))
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(append(data, '\n'))
	return err
}

// backupAddress accepts "database" for "backup.database".
func backupAddress(name string) string {
	if strings.HasPrefix(name, "backup.") {
		return name
	}
	return "backup." + name
}

// shortAddresses lists destinations without the word that they all begin with.
func shortAddresses(addresses []string) string {
	short := make([]string, 0, len(addresses))
	for _, address := range addresses {
		short = append(short, strings.TrimPrefix(address, "destination."))
	}
	return strings.Join(short, ", ")
}
