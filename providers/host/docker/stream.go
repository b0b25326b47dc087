package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/providers"
)

// timing is how long things take, so that tests can decide it.
type timing struct {
	// grace is how long a command that was asked to end has before it is forced.
	grace time.Duration
	// quiet is how long a reader of standard input may take to return once nobody needs it any more.
	quiet time.Duration
	// patience is how long a container may take to do as its guard is told, which takes no time unless it is paused.
	patience time.Duration
	// explain is how long the engine is asked what has become of a container.
	explain time.Duration
}

// usualTiming is that of the program.
func usualTiming() timing {
	return timing{grace: 2 * time.Second, quiet: 2 * time.Second, patience: 2 * time.Second, explain: 5 * time.Second}
}

// stream is a running execution in a container: its standard input, and its outputs in frames.
type stream struct {
	client.HijackedResponse
	id string
}

// attach starts an execution in a container. ctx is for the start only.
func (e *engine) attach(ctx context.Context, container string, arguments, environment []string) (*stream, error) {
	return e.attachIn(ctx, container, "", arguments, environment)
}

// attachIn is attach in a folder, that of the container where it is empty.
func (e *engine) attachIn(ctx context.Context, container, folder string, arguments, environment []string) (*stream, error) {
	made, err := e.client.ExecCreate(ctx, container, client.ExecCreateOptions{
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: arguments, Env: environment, WorkingDir: folder,
	})
	if err != nil {
		return nil, e.meaning(ctx, err)
	}
	attached, err := e.client.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, e.meaning(ctx, err)
	}
	return &stream{HijackedResponse: attached.HijackedResponse, id: made.ID}, nil
}

// running describes a container that commands can run in.
func (e *engine) running(ctx context.Context, name string) (providers.Container, error) {
	found, err := e.Container(ctx, name)
	if err != nil {
		return found, err
	}
	switch found.State {
	case "running":
		return found, nil
	case "paused":
		return found, fmt.Errorf("it is paused: docker unpause %s", name)
	case "restarting":
		return found, fmt.Errorf("it is restarting, and does not stay up: docker logs %s says why", name)
	}
	return found, fmt.Errorf("it is not running (%s): docker start %s", found.State, name)
}

// confirm makes sure that a container is still the one that it was.
func (e *engine) confirm(ctx context.Context, was providers.Container) error {
	is, err := e.inspect(ctx, was.ID)
	switch {
	case errors.Is(err, providers.ErrNoContainer):
		return errors.New("the container was removed meanwhile")
	case err != nil:
		return err
	case is.Name != was.Name:
		return fmt.Errorf("the container was renamed to %s meanwhile", is.Name)
	case is.State == "running" && !is.Started.Equal(was.Started):
		return errors.New("the container was restarted meanwhile")
	}
	return nil
}

// abandoned is how the shell ends that was not told to go on: it has noticed by itself that the connection broke.
const abandoned = 126

// explain finds out why an execution broke off that nobody here has ended.
func (e *engine) explain(was providers.Container, execution string, broken error) error {
	ctx, cancel := context.WithTimeout(context.Background(), e.timing.explain)
	defer cancel()
	if err := e.confirm(ctx, was); err != nil {
		return err
	}
	is, err := e.inspect(ctx, was.ID)
	switch {
	case err != nil:
		return err
	case is.State == "paused":
		return errors.New("the container was paused meanwhile")
	case is.State != "running":
		return fmt.Errorf("the container stopped meanwhile (%s)", is.State)
	}
	told, err := e.client.ExecInspect(ctx, execution, client.ExecInspectOptions{})
	if err == nil && !told.Running && told.ExitCode != abandoned {
		return fmt.Errorf("the shell that ran it was killed in the container (exit status %d)", told.ExitCode)
	}
	return e.lost(broken)
}

// lost is the error of a connection that broke off.
func (e *engine) lost(err error) error {
	if err == nil {
		err = errors.New("it was closed")
	}
	return fmt.Errorf("%w: the connection to the container engine on %s broke: %w", providers.ErrTemporary, e.host.Name(), err)
}

// during runs something that waits for streams, and closes them when ctx ends.
func during(ctx context.Context, do func() error, streams ...*stream) error {
	stop := context.AfterFunc(ctx, func() {
		for _, s := range streams {
			s.Close()
		}
	})
	err := do()
	if !stop() {
		return cause.Interruption(ctx)
	}
	return err
}
