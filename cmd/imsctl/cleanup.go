package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// cleanupArguments are the flags of cleanup.
type cleanupArguments struct {
	inputs
	path           string
	json           bool
	restore, again string
	lockTimeout    time.Duration
}

func (c *cli) cleanupCommand() *cobra.Command {
	var arguments cleanupArguments
	command := &cobra.Command{
		Use:   "cleanup [flags] [PATH]",
		Short: "List what should be gone and what lies in a trash, or put it back",
		Long: `Looks at what the cleanup blocks of a specification say should be gone: how
much is there, who uses it, and what was moved to a trash before, with the time
at which an apply removes it for good. It changes nothing; "imsctl plan" says
whether the backup behind it is good enough, and "imsctl apply" cleans up.

  imsctl cleanup
  imsctl cleanup -restore cleanup.directory.old_inventory
  imsctl cleanup -again cleanup.directory.old_inventory

-restore puts back what a block moved to a trash last, or the trash of that
address (…/trash/NAME). It is refused when something is in its place. What was
put back stays, until -again lets the block remove it again.

EXIT STATUS
  0  listed, or put back
  1  an error, something could not be looked at, or it was not put back`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.cleanup(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	flags.StringVar(&arguments.restore, "restore", "", "put back what the block of this `address` moved to a trash")
	flags.StringVar(&arguments.again, "again", "", "let the block of this `address` remove again what was put back")
	flags.DurationVar(&arguments.lockTimeout, "lock-timeout", 0, "wait this `long` for the state's lock (30s, 5m)")
	return command
}

func (c *cli) cleanup(ctx context.Context, arguments cleanupArguments) error {
	if arguments.restore != "" && arguments.again != "" {
		return errors.New("-restore and -again cannot be combined")
	}
	if arguments.json && arguments.restore+arguments.again != "" {
		return errors.New("-json lists: it cannot be combined with -restore and -again")
	}
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	if arguments.restore+arguments.again != "" {
		return c.changeCleanup(ctx, project, arguments)
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return err
	}
	views, err := planner.InspectCleanups(ctx, project.spec, document, project.world, c.clock, planner.ObserveOptions{})
	if err != nil {
		return err
	}
	listed := make([]cleanupStatus, 0, len(project.spec.Cleanups))
	failed := false
	for _, declared := range project.spec.Cleanups {
		status := statusOfCleanup(declared, views[declared.Address], document.CleanupsOf(declared.Address))
		failed = failed || status.Error != ""
		listed = append(listed, status)
	}
	if arguments.json {
		err = c.printJSON(struct {
			FormatVersion string          `json:"format_version"`
			Type          string          `json:"type"`
			Cleanups      []cleanupStatus `json:"cleanups"`
		}{"1.0", "cleanups", listed})
	} else {
		err = c.cleanupText(listed)
	}
	if err == nil && failed {
		return exitCode(exitError)
	}
	return err
}

// declaresCleanup refuses what is the address of no cleanup block.
func (p *project) declaresCleanup(address string) error {
	var known []string
	for _, declared := range p.spec.Cleanups {
		if declared.Address == address {
			return nil
		}
		known = append(known, declared.Address)
	}
	if len(known) == 0 {
		return fmt.Errorf("no cleanup block is %q: the specification has none", address)
	}
	return fmt.Errorf("no cleanup block is %q.%s \"imsctl cleanup\" lists all", address, spelling.Proposal(address, known))
}

// changeCleanup puts something back, or lets it be removed again.
func (c *cli) changeCleanup(ctx context.Context, project *project, arguments cleanupArguments) (err error) {
	block, trash := cmp.Or(arguments.again, arguments.restore), ""
	if cut, _, ok := strings.Cut(block, "/trash/"); ok && arguments.restore != "" {
		block, trash = cut, block
	}
	if err := project.declaresCleanup(block); err != nil {
		return err
	}
	session, err := project.lock(ctx, c, "cleanup", arguments.lockTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	runner := &executor.Executor{Spec: project.spec, World: project.world, Registry: project.registry, Session: session, Clock: c.clock, Version: c.version}
	if arguments.again != "" {
		if err := runner.CleanAgain(ctx, arguments.again); err != nil {
			return project.spec.RedactError(err)
		}
		fmt.Fprintf(c.stdout, "%s may remove again what was put back.\n", arguments.again)
		return nil
	}
	record, err := runner.PutBack(ctx, block, trash)
	if err != nil {
		return project.spec.RedactError(err)
	}
	fmt.Fprintf(c.stdout, "Put back from %s. It stays until \"imsctl cleanup -again %s\".\n", record.Trash, block)
	return nil
}

// cleanupStatus is what is known of a cleanup block.
type cleanupStatus struct {
	Address string `json:"address"`
	// Error is why it could not be looked at, or what is not built of it.
	Error    string                  `json:"error,omitzero"`
	Items    []providers.CleanupItem `json:"items"`
	Bytes    int64                   `json:"bytes"`
	Newest   time.Time               `json:"newest,omitzero"`
	Facts    []string                `json:"facts,omitempty"`
	Refusals []string                `json:"refusals,omitempty"`
	Waits    []string                `json:"waits,omitempty"`
	Notes    []string                `json:"notes,omitempty"`
	Trash    []trashStatus           `json:"trash,omitempty"`
	// Last is the last cleanup that is recorded.
	Last *state.Cleanup `json:"last,omitempty"`
}

// trashStatus is what lies in a trash.
type trashStatus struct {
	Path    string    `json:"path"`
	MovedAt time.Time `json:"moved_at"`
	// RemovedFrom is when an apply removes it.
	RemovedFrom time.Time `json:"removed_from"`
	Recorded    bool      `json:"recorded"`
	Partial     bool      `json:"partial,omitzero"`
}

func statusOfCleanup(declared *spec.Cleanup, view *planner.CleanupView, history []*state.Cleanup) cleanupStatus {
	status := cleanupStatus{Address: declared.Address, Error: declared.NotBuilt}
	if len(history) > 0 {
		status.Last = history[len(history)-1]
	}
	switch {
	case view == nil:
		return status
	case view.Err != nil:
		status.Error = view.Err.Error()
		return status
	}
	status.Items, status.Bytes, status.Newest = view.Items, view.Bytes(), view.Newest
	status.Facts, status.Refusals, status.Waits, status.Notes = view.Facts, view.Refusals, view.Waits, view.Notes
	grace := time.Duration(0)
	if graced, ok := declared.Config.(providers.Graced); ok {
		grace = graced.GraceTime()
	}
	for _, trash := range view.Trash {
		recorded := slices.ContainsFunc(history, func(made *state.Cleanup) bool { return made.Phase == state.Trashed && made.Trash == trash.Name })
		status.Trash = append(status.Trash, trashStatus{
			Path: trash.Name, MovedAt: trash.MovedAt.UTC(), RemovedFrom: trash.MovedAt.Add(grace).UTC(), Recorded: recorded, Partial: trash.Partial,
		})
	}
	return status
}

// cleanupText prints a paragraph for each block.
func (c *cli) cleanupText(listed []cleanupStatus) error {
	var b strings.Builder
	for i, status := range listed {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", status.Address)
		status.write(&b)
	}
	if len(listed) == 0 {
		b.WriteString("The specification declares no cleanup.\n")
	}
	_, err := fmt.Fprint(c.stdout, b.String())
	return err
}

// write prints what is known of a block, a line each.
func (s *cleanupStatus) write(b *strings.Builder) {
	line := func(format string, arguments ...any) { fmt.Fprintf(b, "  "+format+"\n", arguments...) }
	const form = "2006-01-02 15:04 UTC"
	switch {
	case s.Error != "":
		line("cannot be looked at: %s", s.Error)
	case len(s.Items) == 0 && len(s.Refusals) == 0:
		line("nothing to remove")
	}
	for _, item := range s.Items {
		text := fmt.Sprintf("%s: %s", item.Name, units.Bytes(item.Bytes))
		if item.Files > 0 {
			text += " in " + units.Counted(item.Files, "file", "files")
		}
		if item.Detail != "" {
			text += ", " + item.Detail
		}
		line("%s", text)
	}
	if !s.Newest.IsZero() {
		line("last changed %s", s.Newest.UTC().Format(form))
	}
	for _, text := range slices.Concat(s.Facts, s.Notes) {
		line("- %s", text)
	}
	for _, text := range slices.Concat(s.Refusals, s.Waits) {
		line("! %s", text)
	}
	for _, trash := range s.Trash {
		switch at := trash.MovedAt.Format(form); {
		case trash.Partial:
			line("in the trash since %s, and its removal was begun: %s", at, trash.Path)
		case !trash.Recorded:
			line("in the trash since %s, and not recorded yet: %s", at, trash.Path)
		default:
			line("in the trash since %s, removed by an apply after %s: %s", at, trash.RemovedFrom.Format(form), trash.Path)
		}
	}
	if s.Last != nil && s.Last.Held() {
		line("put back at %s: it stays until -again lets it go", s.Last.RestoredAt.UTC().Format(form))
	}
}
