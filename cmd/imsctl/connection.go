package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/terminal"
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
		c.printConnection(connectionStatus{"env." + variable.Name, status, detail})
	}
	for _, connection := range done.Connections {
		c.printConnection(connection)
	}
	closing := "Nothing is missing. \"imsctl plan\" shows what would be done."
	if done.Missing > 0 {
		closing = counted(done.Missing, "thing") + " missing. Mend that, and run \"imsctl init\" again: it keeps the specification."
	}
	_, err := fmt.Fprintf(c.stdout, "\n%s\n", closing)
	return err
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
	fmt.Fprintf(c.stdout, "Wrote %s: %s. Read it before you apply it.\n", terminal.Escape(done.Written), counted(len(done.Sources), "source"))
	for _, omission := range done.LeftOut {
		fmt.Fprintf(c.stdout, "Left out %s: %s.\n", omission.What, omission.Why)
	}
}

func (c *cli) printConnection(connection connectionStatus) {
	detail := strings.ReplaceAll(connection.Detail, "\n", "; ")
	fmt.Fprintf(c.stdout, "%-9s  %s: %s\n", strings.ReplaceAll(connection.Status, "_", " "), connection.Address, terminal.Escape(detail))
}
