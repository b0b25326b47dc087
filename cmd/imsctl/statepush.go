package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
)

func (c *cli) statePushCommand(arguments *stateArguments) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "push FILE | -",
		Short: "Put a state in the place of the one that is there",
		Long: `Checks a state that "imsctl state pull" printed, from FILE or standard input,
and puts it in the place of the whole state. One of another history or an older
one is refused; -force takes it all the same. The state before is kept beside it
(state.json.backup).`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			pushed, err := c.readState(positional[0], arguments.input)
			if err != nil {
				return err
			}
			return c.statePush(command.Context(), *arguments, positional[0], pushed, force)
		},
	}
	command.Flags().BoolVar(&force, "force", false, "push also a state of another lineage or with a lower serial")
	arguments.registerLock(command.Flags())
	return command
}

// readState reads and checks a state from a file or, for "-", from standard input.
func (c *cli) readState(path string, input bool) (*state.Document, error) {
	reader, name := c.stdin, "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		reader, name = file, path
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(content, remote.SealedStart) {
		cipher := &stateCipher{identities: func() (providers.Decryption, error) { return c.decryption(identityFlags{c.identities}, true, input) }}
		if content, err = cipher.Open(content); err != nil {
			return nil, fmt.Errorf("reading the state in %s: %w", name, err)
		}
	}
	document, err := state.Decode(bytes.NewReader(content))
	var newer *state.NewerError
	switch {
	case errors.As(err, &newer):
		return nil, fmt.Errorf("the state in %s was %w", name, newer)
	case err != nil:
		return nil, fmt.Errorf("what %s holds is no whole state: %w. Nothing was changed. \"imsctl state pull\" prints one", name, err)
	}
	return document, nil
}

func (c *cli) statePush(ctx context.Context, arguments stateArguments, name string, pushed *state.Document, force bool) (err error) {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	session, err := project.lock(ctx, c, "state push", arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	replacer, ok := session.(state.Replacer)
	if !ok {
		return fmt.Errorf("the state %s cannot be replaced as a whole", project.backend.Location())
	}
	current := session.Document()
	unrecorded, err := state.CutUnrecorded(pushed)
	if err != nil {
		return err
	}
	same, err := state.Equal(current, pushed)
	if err != nil {
		return err
	}
	if same {
		_, err := io.WriteString(c.stdout, "That is the state already. Nothing was changed.\n")
		return err
	}
	if !force {
		if err := mayFollow(current, pushed, name, project.backend.Location()); err != nil {
			return err
		}
		if err := continues(current, pushed, unrecorded, name, project.backend.Location()); err != nil {
			return err
		}
	}
	if len(unrecorded) == 0 || force {
		pushed.Serial = max(current.Serial, pushed.Serial) + 1
	}
	if err := replacer.Replace(ctx, pushed); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "Pushed to %s: %s, serial %d, lineage %s.\n", project.backend.Location(),
		counted(len(pushed.Artifacts), "artifact"), pushed.Serial, pushed.Lineage)
	return err
}

// continues refuses a state that was kept because its backend could not be reached, where something else was recorded since.
func continues(current, pushed *state.Document, unrecorded []state.Record, name, location string) error {
	if len(unrecorded) == 0 {
		return nil
	}
	follows, err := state.Continues(current, pushed, unrecorded)
	if err != nil || follows {
		return err
	}
	return fmt.Errorf("since %s was kept, something else was recorded in the state %s (serial %d), and would be forgotten. Nothing was changed. "+
		"\"imsctl state rebuild\" adds what %s knows of and the state does not, from the manifests at the destinations; -force puts it in the state's place all the same",
		name, location, current.Serial, name)
}

// mayFollow refuses a state that would make what is recorded now forgotten. A state that was never written may become any.
func mayFollow(current, pushed *state.Document, name, location string) error {
	const anyway = "Nothing was changed; -force puts it in its place all the same"
	switch {
	case current.Serial == 0:
		return nil
	case pushed.Lineage != current.Lineage:
		return fmt.Errorf("%s has the lineage %s and the state %s has %s: they are different histories, and what this one records would be forgotten. %s",
			name, pushed.Lineage, location, current.Lineage, anyway)
	case pushed.Serial < current.Serial:
		return fmt.Errorf("%s has serial %d and the state %s has %d: what was recorded since would be forgotten. %s",
			name, pushed.Serial, location, current.Serial, anyway)
	}
	return nil
}
