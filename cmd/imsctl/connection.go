package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/spec"
)

// The verdicts on a connection.
const (
	connectionOK       = "ok"
	connectionMissing  = "missing"
	connectionNotBuilt = "not_built"
)

// connectionStatus is a line of what init tried.
type connectionStatus struct {
	Address string `json:"address"`
	Status  string `json:"status"`
	Detail  string `json:"detail"`
}

// checkConnections tries the state and everything that a specification connects to.
func (c *cli) checkConnections(ctx context.Context, arguments initArguments, done *initialization) error {
	path := arguments.path
	if done.Written != "" {
		path = done.Written
	}
	loaded, _, err := c.loadSpec(path, arguments.inputs)
	if err != nil {
		return err
	}
	world, err := planner.Open(loaded, providers.Environment{Hosts: builtin.Hosts(), Containers: builtin.Containers(c.getenv), Clock: c.clock, Directory: loaded.Directory})
	if err != nil {
		return err
	}
	connections, err := planner.Connect(ctx, loaded, world, c.clock, planner.ObserveOptions{})
	if err != nil {
		return err
	}
	for _, connection := range append([]planner.Connection{c.tryState(ctx, loaded)}, connections...) {
		status := connectionStatus{connection.Address, connectionOK, connection.Found}
		switch {
		case connection.NotBuilt != "":
			status.Status, status.Detail = connectionNotBuilt, connection.NotBuilt
		case connection.Err != nil:
			status.Status, status.Detail = connectionMissing, connection.Err.Error()
			done.Missing++
		}
		done.Connections = append(done.Connections, status)
	}
	return nil
}

// tryState reads the state.
func (c *cli) tryState(ctx context.Context, loaded *spec.Spec) planner.Connection {
	connection := planner.Connection{Address: "state." + loaded.State.Type}
	backend, err := c.backend(loaded.State, loaded.Directory, true)
	if err != nil {
		connection.Err = err
		return connection
	}
	document, err := backend.Read(ctx)
	if err != nil {
		connection.Err = err
		return connection
	}
	connection.Found = counted(len(document.Artifacts), "artifact") + " recorded"
	if file := c.localBackend(loaded.Directory); document.Serial == 0 && file.Location() != backend.Location() {
		if left, err := file.Read(ctx); err == nil && left.Serial > 0 {
			connection.Found += `; ` + file.Location() + ` has a state, which "imsctl init -migrate-state" moves here`
		}
	}
	return connection
}

// initText prints what init did and found.
func (c *cli) initText(done *initialization) error {
	c.printWritten(done)
	if !done.Checked {
		return nil
	}
	fmt.Fprintln(c.stdout)
	for _, variable := range done.Variables {
		status, detail := connectionOK, "set"
		if !variable.Set {
			status, detail = connectionMissing, "not set; put the secret into this environment variable"
		}
		if err := c.printConnection(connectionStatus{"env." + variable.Name, status, detail}); err != nil {
			return err
		}
	}
	for _, connection := range done.Connections {
		if err := c.printConnection(connection); err != nil {
			return err
		}
	}
	closing := "Nothing is missing. \"imsctl plan\" shows what would be done."
	if done.Missing > 0 {
		closing = units.Counted(done.Missing, "thing is", "things are") + " missing. Mend that, and run \"imsctl init\" again: it keeps the specification."
	}
	fmt.Fprintln(c.stdout)
	return c.say("", closing)
}

// tellWritten says what was written before something went wrong with the rest.
func (c *cli) tellWritten(done *initialization, asJSON bool) error {
	if done.Written == "" {
		return nil
	}
	if asJSON {
		done.Checked = false
		return c.printJSON(done)
	}
	c.printWritten(done)
	return nil
}

// printWritten says what became of the specification.
func (c *cli) printWritten(done *initialization) {
	if done.Written == "" {
		for _, file := range done.Kept {
			fmt.Fprintf(c.stdout, "Kept %s.\n", terminal.Escape(file))
		}
		return
	}
	lines := []string{fmt.Sprintf("Wrote %s: %s. Read it before you apply it.", done.Written, counted(len(done.Sources), "source"))}
	for _, omission := range done.LeftOut {
		lines = append(lines, fmt.Sprintf("Left out %s: %s.", omission.What, omission.Why))
	}
	if done.compose != "" {
		lines = append(lines, fmt.Sprintf("There is a compose project here. For a specification of it, remove that one and run \"imsctl init -from-compose %s\".", done.compose))
	}
	for _, line := range lines {
		fmt.Fprintln(c.stdout, c.fold(c.stdout, "", line, 2))
	}
}

func (c *cli) printConnection(connection connectionStatus) error {
	detail := strings.ReplaceAll(connection.Detail, "\n", "; ")
	return c.say(fmt.Sprintf("%-9s  ", strings.ReplaceAll(connection.Status, "_", " ")), connection.Address+": "+detail)
}
