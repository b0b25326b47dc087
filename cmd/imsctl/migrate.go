package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/state"
)

// migration are the flags that move a state to where the specification wants it now.
type migration struct {
	wanted, forceCopy bool
	from              string
	lockTimeout       time.Duration
}

func (m *migration) register(flags *pflag.FlagSet) {
	flags.BoolVar(&m.wanted, "migrate-state", false, "move the state to where the specification keeps it now")
	flags.StringVar(&m.from, "migrate-from", "", "with -migrate-state: the `specification` as it was before, whose state is moved; the file .imsctl/state.json when left out")
	flags.BoolVar(&m.forceCopy, "force-copy", false, "with -migrate-state: do not ask")
	flags.DurationVar(&m.lockTimeout, "lock-timeout", 0, "with -migrate-state: wait this `long` for the locks of both states")
}

// migrateState copies the state from where it was to where the specification wants it. Both are locked meanwhile. The old one
// stays as it is.
func (c *cli) migrateState(ctx context.Context, arguments initArguments) (err error) {
	asked := arguments.migration
	old, err := c.oldBackend(arguments)
	if err != nil {
		return err
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	if old.Location() == project.backend.Location() {
		return fmt.Errorf("the state is in %s already: -migrate-state moves it from where it was to where the specification keeps it now. "+
			"Change the state block, and name the specification as it was before with -migrate-from", old.Location())
	}
	source, err := old.Lock(ctx, c.holder("init -migrate-state"), asked.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	document := source.Document()
	if document.Serial == 0 {
		return fmt.Errorf("nothing is recorded in %s: there is no state to move. -migrate-from names the specification as it was before", old.Location())
	}
	target, err := project.lock(ctx, c, "init -migrate-state", asked.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return c.moveState(ctx, arguments, old.Location(), document, project.backend, target)
}

// oldBackend is where the state was.
func (c *cli) oldBackend(arguments initArguments) (state.Backend, error) {
	if from := arguments.migration.from; from != "" {
		project, err := c.open(from, arguments.inputs)
		if err != nil {
			return nil, fmt.Errorf("reading the specification as it was before: %w", err)
		}
		return project.backend, nil
	}
	loaded, _, err := c.loadSpec(arguments.path, arguments.inputs)
	if err != nil {
		return nil, err
	}
	return c.localBackend(loaded.Directory), nil
}

// moveState puts a document into an empty state, and looks whether it is there.
func (c *cli) moveState(ctx context.Context, arguments initArguments, from string, document *state.Document, to state.Backend, session state.Session) error {
	current := session.Document()
	if same, err := state.Equal(current, document); err != nil || same {
		return errors.Join(err, c.tellMoved("The state of %s is in %s already. Nothing was changed.\n", from, to.Location()))
	}
	if current.Serial != 0 {
		return fmt.Errorf("something is recorded in %s already (serial %d, lineage %s), and would be forgotten: nothing was changed. "+
			"To put another state in its place: \"imsctl state push -force\"", to.Location(), current.Serial, current.Lineage)
	}
	if !arguments.migration.forceCopy {
		if !arguments.input {
			return errors.New("that needs a confirmation: give -force-copy")
		}
		question := fmt.Sprintf("Do you want to copy the state of %s (%s, serial %d) to %s?", from, counted(len(document.Artifacts), "artifact"), document.Serial, to.Location())
		yes, err := c.askYes(ctx, question)
		if err != nil {
			return err
		}
		if !yes {
			return errors.New("cancelled: nothing was changed")
		}
	}
	replacer, ok := session.(state.Replacer)
	if !ok {
		return fmt.Errorf("the state %s cannot be replaced as a whole", to.Location())
	}
	if err := replacer.Replace(ctx, document); err != nil {
		return err
	}
	stored, err := to.Read(ctx)
	if err != nil {
		return fmt.Errorf("reading the moved state back: %w", err)
	}
	if same, err := state.Equal(stored, document); err != nil || !same {
		return errors.Join(err, fmt.Errorf("what lies in %s is not what was moved there: go on with the specification as it was", to.Location()))
	}
	return c.tellMoved("The state of %s was copied to %s, where it is kept from now on. The old one is as it was: delete it when nobody uses it any more.\n", from, to.Location())
}

func (c *cli) tellMoved(format string, places ...any) error {
	_, err := fmt.Fprintf(c.stdout, format, places...)
	return err
}
