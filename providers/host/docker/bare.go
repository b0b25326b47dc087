package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/feed"
	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// errNoShell is a container in which nothing can be run that does not tell by itself whether it is whole.
var errNoShell = errors.New("the container has no shell (" + shell + "), without which nobody tells whether all of a command's output came, and nobody ends it: " +
	"reach what runs there by its address from the host instead")

// usualPath is where an engine looks for programs in a container that has no PATH (daemon/exec).
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// bare reports whether a container has no shell.
func (e *engine) bare(ctx context.Context, id string) bool {
	_, err := e.client.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: shell})
	return isAbsent(err)
}

// runBare runs a command in a container without a shell, as the engine starts it. When the command is ended its connection is closed,
// and it is given the time to notice that; whether it did the engine is asked.
func (r *runner) runBare(ctx context.Context, was providers.Container, program string, command providers.Command) error {
	if !command.Framed {
		return errNoShell
	}
	s, err := r.engine.attachIn(ctx, was.ID, command.Directory, command.Arguments, command.Environment)
	if err != nil {
		return err
	}
	x := &bareExecution{stream: s, failure: cause.New(), over: make(chan struct{}), fed: make(chan struct{})}
	go x.receive(command)
	go x.send(ctx, command.Stdin)
	select {
	case <-x.over:
	case <-ctx.Done():
		x.failure.Set(cause.Interruption(ctx), false)
	case <-x.failure.Done():
	}
	s.Close()
	feed.Await(x.over, r.engine.timing.quiet)
	feed.Await(x.fed, r.engine.timing.quiet)
	x.stop()
	limit := r.engine.timing.explain
	if x.failure.Err() != nil {
		limit = r.engine.timing.patience
	}
	status, err := r.engine.ended(s.id, limit)
	switch failure := x.failure.Err(); {
	case failure != nil:
		return errors.Join(failure, err)
	case x.broken != nil:
		return r.engine.lost(x.broken)
	}
	// What became of the container says more than what became of the command.
	if changed := r.engine.confirm(ctx, was); changed != nil {
		return changed
	}
	if err == nil && status != 0 {
		err = &providers.ExitError{Program: program, Code: status, Stderr: x.words()}
	}
	return err
}

// bareExecution is a command with the copies to and from its streams.
type bareExecution struct {
	*stream
	failure *cause.First
	said    output.Tail
	early   output.Tail   // of its output; an engine that could not start it says so there
	over    chan struct{} // closed when no more of the outputs can come
	broken  error         // why, once over is closed; nil for their end
	fed     chan struct{} // closed when the copy of standard input is over
	passing passing
}

// receive copies the outputs.
func (x *bareExecution) receive(command providers.Command) {
	defer close(x.over)
	stdout, stderr := output.Writers(command.Stdout, command.Stderr)
	pass := func(name string, w io.Writer) io.Writer {
		return x.passing.to(w, func(err error) { x.failure.Set(fmt.Errorf("passing on its %s: %w", name, err), false) })
	}
	x.broken = demultiplex(x.Reader, io.MultiWriter(&x.early, pass("standard output", stdout)), io.MultiWriter(&x.said, pass("standard error", stderr)))
}

// send copies r to the command's standard input.
func (x *bareExecution) send(ctx context.Context, r io.Reader) {
	defer close(x.fed)
	if r == nil || feed.Copy(x.Conn, r, x.failure) && ctx.Err() == nil && x.failure.Err() == nil {
		x.CloseWrite() // it fails only when nobody reads any more
	}
}

// stop keeps the copies from handing anything on.
func (x *bareExecution) stop() { x.passing.end() }

// words are the last that was said.
func (x *bareExecution) words() string {
	if said := x.said.String(); said != "" {
		return said
	}
	return x.early.String()
}

// ended waits until an execution has ended, and returns its status.
func (e *engine) ended(execution string, limit time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		told, err := e.client.ExecInspect(ctx, execution, client.ExecInspectOptions{})
		if err == nil && !told.Running {
			return told.ExitCode, nil
		}
		if err != nil && ctx.Err() == nil {
			return 0, e.meaning(ctx, err)
		}
		select {
		case <-ctx.Done():
			return 0, errors.New("the container has no shell to end the command with, and it runs on there until it ends by itself")
		case <-time.After(killLook):
		}
	}
}

// lookPathBare finds a program in a container without a shell.
func (r *runner) lookPathBare(ctx context.Context, program string) (string, error) {
	told, err := r.engine.client.ContainerInspect(ctx, r.name, client.ContainerInspectOptions{})
	if err != nil {
		return "", r.engine.meaning(ctx, err)
	}
	where := usualPath
	for _, variable := range told.Container.Config.Env {
		if folders, found := strings.CutPrefix(variable, "PATH="); found {
			where = folders
		}
	}
	places := strings.Split(where, ":")
	if strings.Contains(program, "/") {
		places = []string{""}
	}
	for _, folder := range places {
		at := path.Join(folder, program)
		found, err := r.engine.client.ContainerStatPath(ctx, told.Container.ID, client.ContainerStatPathOptions{Path: at})
		if err != nil && !isAbsent(err) {
			return "", r.engine.meaning(ctx, err)
		}
		// The target of a link is not told.
		if mode := found.Stat.Mode; err == nil && (mode&fs.ModeSymlink != 0 || mode.IsRegular() && mode&0o111 != 0) {
			return at, nil
		}
	}
	return "", fmt.Errorf("looking for %s in %s: %w", program, r.Name(), exec.ErrNotFound)
}
