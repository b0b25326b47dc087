package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// runner is a container that commands run in.
type runner struct {
	engine *engine
	name   string
}

// In is where commands run inside the container that has a name at the time of each of them.
func (e *engine) In(name string) providers.Runner { return &runner{e, name} }

// Name is "container NAME on HOST".
func (r *runner) Name() string {
	return fmt.Sprintf("container %s on %s", r.name, r.engine.host.Name())
}

// Run runs a command in a process group of its own and waits for it and for every copy between the streams and it; no process
// of the group is alive when Run returns. It runs as the user that the container was made for, with the container's environment.
//
// What holds beyond the contract of providers.Runner is what holds for the local machine:
//   - An error of Stdout or Stderr ends the command and is what Run returns, not the failure of the command that follows.
//   - An error of Stdin, other than io.EOF, kills the whole group while its standard input is still open, and is returned.
//   - Standard output that is held open two seconds after the command has ended is an error, for it may be incomplete.
//   - Stdout and Stderr are not written to after Run has returned. A Stdin whose Read does not return within two seconds of
//     the end of the command is left to itself.
//
// In a container without a shell only a framed command is run, and without a guard: when it is ended, its streams are closed, and one that runs on
// all the same is in the error.
//
// A command that a signal ended gives the status that a shell gives it, 128 and the signal's number: an engine tells no more.
// Success is only what ended in the container that had the name all along. When the connection to the engine breaks, Run
// returns an error that is providers.ErrTemporary, and what runs on in the container is ended there: a command that is reading
// its input sees the end of that.
func (r *runner) Run(ctx context.Context, command providers.Command) error {
	program, err := command.Program()
	if err != nil {
		return err
	}
	return providers.RunError(program, "in "+r.Name(), r.run(ctx, program, command))
}

func (r *runner) run(ctx context.Context, program string, command providers.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mark := "imsctl:" + rand.Text() + ":"
	arguments, err := invocation(mark, command)
	if err != nil {
		return err
	}
	was, err := r.engine.running(ctx, r.name)
	if err != nil {
		return err
	}
	x, err := r.start(ctx, was, mark, arguments, command)
	if err != nil && ctx.Err() == nil && r.engine.bare(ctx, was.ID) {
		return r.runBare(ctx, was, program, command)
	}
	if err != nil {
		return err
	}
	if err := x.wait(ctx, was, program); err != nil {
		return err
	}
	return r.engine.confirm(ctx, was)
}

// start brings a command to the point where only its end is missing.
func (r *runner) start(ctx context.Context, was providers.Container, mark string, arguments []string, command providers.Command) (*execution, error) {
	streams, err := r.attachBoth(ctx, was, arguments, command.Environment)
	if err != nil {
		return nil, err
	}
	x := newExecution(r.engine, streams[0], mark, command)
	x.guard = newGuard(r.engine, streams[1])
	err = during(ctx, func() error {
		if err := x.guard.begin(); err != nil {
			return r.explainStart(was, x, err)
		}
		select {
		case <-x.heard:
			return x.prepare(command)
		case <-x.broken:
		}
		select {
		case <-x.heard: // before it ended
			return x.prepare(command)
		default:
			return r.explainStart(was, x, x.lost)
		}
	}, streams...)
	if err == nil {
		err = x.begin(ctx, command.Stdin)
	}
	if err != nil {
		x.Close() // a script that was not told to go on ends
		x.guard.close()
		<-x.broken
		return nil, err
	}
	return x, nil
}

// attachBoth starts the script of a command and the guard at once: starting takes an engine some time.
func (r *runner) attachBoth(ctx context.Context, was providers.Container, arguments, environment []string) ([]*stream, error) {
	streams, failures := make([]*stream, 2), make([]error, 2)
	var starting sync.WaitGroup
	starting.Go(func() { streams[0], failures[0] = r.engine.attach(ctx, was.ID, arguments, environment) })
	starting.Go(func() {
		streams[1], failures[1] = r.engine.attach(ctx, was.ID, []string{shell, "-c", guardScript}, nil)
	})
	starting.Wait()
	for _, err := range failures {
		if err == nil {
			continue
		}
		for _, s := range streams {
			if s != nil {
				s.Close()
			}
		}
		if changed := r.engine.confirm(ctx, was); changed != nil && ctx.Err() == nil {
			err = changed
		}
		return nil, err
	}
	return streams, nil
}

// explainStart says why a script came to no word.
func (r *runner) explainStart(was providers.Container, x *execution, err error) error {
	x.Close()
	<-x.broken
	if early := strings.TrimSpace(x.early.String() + x.said.String()); early != "" {
		return fmt.Errorf("commands in a container need its shell (%s), and it cannot be run: %s", shell, early)
	}
	return r.engine.explain(was, x.id, err)
}

// prepare reads what the script says first, and has its process group guarded.
func (x *execution) prepare(command providers.Command) error {
	word, group, _ := strings.Cut(x.first, " ")
	switch word {
	case saysReady:
		return x.guard.watch(group)
	case saysMissing:
		return fmt.Errorf("%q: %w", command.Arguments[0], exec.ErrNotFound)
	case saysNowhere:
		return fmt.Errorf("starting in %s: %w", command.Directory, fs.ErrNotExist)
	case saysClosed:
		return fmt.Errorf("starting in %s: %w", command.Directory, fs.ErrPermission)
	}
	return fmt.Errorf("it was not understood there: %q", x.first)
}

// LookPath finds a program in the PATH that commands have in the container; a name with a slash is taken as it is. The error
// wraps exec.ErrNotFound where there is none.
func (r *runner) LookPath(ctx context.Context, program string) (string, error) {
	var found strings.Builder
	err := r.Run(ctx, providers.Command{Arguments: []string{shell, "-c", lookUp + `imsctl_look "$1"`, "sh", program}, Stdout: &found})
	var exit *providers.ExitError
	if errors.As(err, &exit) && exit.Code == 1 {
		return "", fmt.Errorf("looking for %s in %s: %w", program, r.Name(), exec.ErrNotFound)
	}
	if errors.Is(err, errNoShell) {
		return r.lookPathBare(ctx, program)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", program, err)
	}
	return strings.TrimSuffix(found.String(), "\n"), nil
}
