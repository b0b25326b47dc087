package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
)

func (c *cli) showCommand() *cobra.Command {
	var inputs inputs
	var asJSON bool
	command := &cobra.Command{
		Use:   "show [flags] [PLAN | STATE | PATH]",
		Short: "Show a saved plan, or what is recorded",
		Long: `Prints a plan that "imsctl plan -out" saved, as plan printed it; the state in a
file; or the state of the specification at PATH (a folder or one file, "." by
default).`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			path := pathArgument(positional)
			kind, err := kindOfFile(path)
			switch {
			case err != nil:
				return err
			case kind == planFile:
				saved, err := loadPlan(path)
				if err != nil {
					return err
				}
				return c.showPlan(c.stdout, saved.Plan, asJSON)
			case kind == stateFile:
				return c.showState(command, local.New(path, c.clock, c.version), asJSON)
			}
			project, err := c.open(path, inputs)
			if err != nil {
				return err
			}
			return c.showState(command, project.backend, asJSON)
		},
	}
	inputs.register(command.Flags())
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return command
}

// fileKind is what a path given to show leads to.
type fileKind int

const (
	specification fileKind = iota
	planFile
	stateFile
)

// kindOfFile tells a specification, a saved plan and a state apart: by the first member of the latter two.
func kindOfFile(path string) (fileKind, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || strings.HasSuffix(path, ".hcl") {
		// What is wrong with a specification's path, its loader says best.
		return specification, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return specification, err
	}
	defer file.Close()
	decoder := jsontext.NewDecoder(io.LimitReader(bufio.NewReader(file), 1<<16))
	if first, err := decoder.ReadToken(); err == nil && first.Kind() == '{' {
		name, err := decoder.ReadToken()
		switch {
		case err != nil:
		case name.String() == "type":
			return planFile, nil
		case name.String() == "version":
			return stateFile, nil
		}
	}
	return specification, fmt.Errorf("%s is neither a saved plan (imsctl plan -out=FILE) nor a state (%s), nor a specification (*.hcl)",
		path, filepath.Join(".imsctl", "state.json"))
}

// showState prints a state.
func (c *cli) showState(command *cobra.Command, backend state.Backend, asJSON bool) error {
	document, err := backend.Read(command.Context())
	if err != nil {
		return err
	}
	if asJSON {
		return c.printJSON(struct {
			FormatVersion string            `json:"format_version"`
			Type          string            `json:"type"`
			Version       int               `json:"version"`
			Lineage       string            `json:"lineage"`
			Serial        uint64            `json:"serial"`
			Writer        string            `json:"writer"`
			Artifacts     []*state.Artifact `json:"artifacts"`
			Intents       []*state.Intent   `json:"intents"`
		}{"1.0", "state", document.Version, document.Lineage, document.Serial, document.Writer, document.Artifacts, document.Intents})
	}
	return c.showStateText(backend.Location(), document)
}

// showStateText prints the artifacts by backup with their copies, then what was begun and not ended.
func (c *cli) showStateText(location string, document *state.Document) error {
	out := bufio.NewWriter(c.stdout)
	if document.Serial == 0 {
		fmt.Fprintf(out, "The state %s is empty: nothing is recorded yet.\n", location)
		return out.Flush()
	}
	fmt.Fprintf(out, "State %s: serial %d, lineage %s\n", location, document.Serial, document.Lineage)
	backup := ""
	for _, artifact := range document.Artifacts {
		if artifact.Backup != backup {
			backup = artifact.Backup
			fmt.Fprintf(out, "\n%s\n", backup)
		}
		fmt.Fprintf(out, "  %s  taken %s, %s, stored %s%s\n", artifact.ID, minute(artifact.StartedAt), units.Bytes(artifact.Raw.Size), units.Bytes(artifact.Stored.Size), readers(artifact))
		for _, replica := range artifact.Replicas {
			what := "verified " + minute(replica.VerifiedAt)
			switch replica.Condition {
			case state.Altered:
				what = "altered: " + replica.Problem
			case state.Unproven:
				what = "not read back yet"
			}
			fmt.Fprintf(out, "    %s  %s\n", replica.Destination, what)
		}
	}
	if len(document.Intents) > 0 {
		fmt.Fprint(out, "\nBegun and not ended (the next plan says what it does about it)\n")
	}
	for _, intent := range document.Intents {
		fmt.Fprintf(out, "  %s of %s, begun %s\n", intent.Kind, intent.Address, minute(intent.BeganAt))
	}
	return out.Flush()
}

// readers says for how many people an artifact is encrypted; empty when it is not.
func readers(artifact *state.Artifact) string {
	if artifact.Encryption == nil {
		return ""
	}
	return ", encrypted to " + counted(len(artifact.Encryption.Recipients), "recipient")
}

// minute prints a time for people.
func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
