package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// grace is how long a command that was asked to end has before it is forced.
	grace = 2 * time.Second
	// quiet is how long the output of a command that has ended may stay open in silence, held by a process it left behind.
	quiet = 2 * time.Second
)

// Run runs a command in a process group of its own and waits for it, for the end of its output and for every copy between
// the streams and it; no process of the group is alive when Run returns.
//
// What Run guarantees beyond the contract of providers.Host:
//   - An error of Stdout or Stderr ends the command and is what Run returns, not the failure of the command that follows.
//   - An error of Stdin, other than io.EOF, kills the whole group while its standard input is still open, and is returned:
//     a program that acts on the end of its input (psql's commit) never takes a broken input for a whole one. The same holds
//     when ctx ends before Stdin does.
//   - Output that stays open in silence for two seconds after the command has ended is an error, for it may be incomplete.
//   - Stdout and Stderr are not written to after Run has returned, so a Write that blocks for ever blocks Run. A Stdin whose
//     Read does not return within two seconds of the end of the command is left to itself and its result is dropped.
func (*host) Run(ctx context.Context, command providers.Command) error {
	program, err := command.Program()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	execution, err := start(command)
	if err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	err = execution.wait(ctx)
	if err := execution.failure.Err(); err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitError(program, exit.ProcessState, execution.said.String())
	}
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", program, err)
	}
	return nil
}

// exitError describes a command that ended without success.
func exitError(program string, state *os.ProcessState, said string) error {
	failed := &providers.ExitError{Program: program, Code: state.ExitCode(), Stderr: said}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		failed.Code = -1
		failed.Signal = unix.SignalName(status.Signal())
		if failed.Signal == "" {
			failed.Signal = fmt.Sprintf("signal %d", int(status.Signal()))
		}
	}
	return failed
}
