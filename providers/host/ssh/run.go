package ssh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/providers"
)

// Run runs a command in a process group of its own and waits for it, for the end of its output and for every copy between
// the streams and it; no process of the group is alive when Run returns.
//
// What holds beyond the contract of providers.Host is what holds for the local machine:
//   - An error of Stdout or Stderr ends the command and is what Run returns, not the failure of the command that follows.
//   - An error of Stdin, other than io.EOF, kills the whole group while its standard input is still open, and is returned.
//     The same holds when ctx ends before Stdin does: the command is not asked first then.
//   - Output that stays open in silence for two seconds after the command has ended is an error, for it may be incomplete.
//     The machine does not tell standard output from standard error here: one of them is enough.
//   - Stdout and Stderr are not written to after Run has returned. A Stdin whose Read does not return within two seconds of
//     the end of the command is left to itself.
//
// When the connection breaks, Run returns an error that is providers.ErrTemporary. On the far side the command sees the end
// of its input, and its output breaks; what runs on all the same is asked to end and two seconds later killed, as soon as
// the machine notices. That is at once when this process ends; when the network swallows everything, it is when its sshd
// finds out (ClientAliveInterval).
func (h *host) Run(ctx context.Context, command providers.Command) error {
	program, err := command.Program()
	if err != nil {
		return err
	}
	return providers.RunError(program, "on "+h.Name(), h.run(ctx, program, command))
}

func (h *host) run(ctx context.Context, program string, command providers.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	script, err := commandScript(command)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		link, err := h.connection.get(ctx)
		if err != nil {
			return err
		}
		begun, err := h.runOver(ctx, link, program, script, command)
		// A connection that broke while nobody used it is only noticed when it is used.
		if first && !begun && link.isBroken() && ctx.Err() == nil {
			continue
		}
		return err
	}
}

// runOver runs a command over a connection, and reports whether it can have begun.
func (h *host) runOver(ctx context.Context, link *link, program, script string, command providers.Command) (begun bool, err error) {
	select {
	case link.slots <- struct{}{}:
		defer func() { <-link.slots }()
	case <-ctx.Done():
		return false, cause.Interruption(ctx)
	}
	execution, err := h.start(ctx, link, script, command)
	if err != nil {
		return false, err
	}
	if err := execution.begin(command.Stdin); err != nil {
		return true, errors.Join(err, execution.giveUp())
	}
	how, err := execution.wait(ctx, command.Stdout != nil)
	if err == nil && (how.signal != "" || how.status != 0) {
		err = &providers.ExitError{Program: program, Code: how.status, Signal: how.signal, Stderr: execution.said.String()}
	}
	return true, err
}

// start brings a script to the point where only the word to go on is missing, and puts it under guard.
func (h *host) start(ctx context.Context, link *link, script string, command providers.Command) (*execution, error) {
	session, err := link.open(h.config.Sudo, script)
	if err != nil {
		return nil, err
	}
	e := newExecution(h, link, session, command)
	stop := context.AfterFunc(ctx, func() { session.channel.Close() })
	said, err := session.marked(e.stdout)
	if err == nil {
		err = e.prepare(ctx, said, command)
	} else {
		e.copies.Wait()
		err = link.notStarted(h.config.Sudo, e.said.String(), err)
	}
	if !stop() {
		err = cause.Interruption(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.giveUp())
	}
	return e, nil
}

// prepare reads what the script says of itself and has its process group guarded.
func (e *execution) prepare(ctx context.Context, said string, command providers.Command) error {
	word, group, _ := strings.Cut(said, " ")
	switch word {
	case saysReady:
		e.group = group
		return e.link.watch(ctx, e.sudo, group)
	case saysMissing:
		return fmt.Errorf("%q: %w", command.Arguments[0], exec.ErrNotFound)
	case saysNowhere:
		return fmt.Errorf("starting in %s: %w", command.Directory, fs.ErrNotExist)
	case saysClosed:
		return fmt.Errorf("starting in %s: %w", command.Directory, fs.ErrPermission)
	}
	return fmt.Errorf("it was not understood there: %q", said)
}

// LookPath finds a program in the PATH that commands have on that machine; a name with a slash is taken as it is. The error
// wraps exec.ErrNotFound where there is none.
func (h *host) LookPath(ctx context.Context, program string) (string, error) {
	var found strings.Builder
	err := h.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", lookUp + `look "$1"`, "sh", program}, Stdout: &found})
	var exit *providers.ExitError
	if errors.As(err, &exit) && exit.Code == 1 {
		return "", fmt.Errorf("looking for %s on %s: %w", program, h.Name(), exec.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", program, err)
	}
	return strings.TrimSuffix(found.String(), "\n"), nil
}
