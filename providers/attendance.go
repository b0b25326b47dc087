package providers

import (
	"context"
	"errors"
	"fmt"
)

// running is the state of a container in which commands can be run.
const running = "running"

// RunningContainer describes the container that has a name, which must run.
func RunningContainer(ctx context.Context, containers Containers, name string) (Container, error) {
	found, err := containers.Container(ctx, name)
	if err != nil {
		return Container{}, fmt.Errorf("looking for container %q: %w", name, err)
	}
	if found.State != running {
		return Container{}, fmt.Errorf("container %q is %s: start it, or mend what keeps it from running", name, found.State)
	}
	return found, nil
}

// SinceThen says what has happened to a container since it was described, as what follows its name in a sentence ("has been
// restarted"), or nothing.
func SinceThen(ctx context.Context, containers Containers, then Container) string {
	now, err := containers.Container(ctx, then.Name)
	switch {
	case errors.Is(err, ErrNoContainer):
		return "has been removed or renamed"
	case err != nil:
		return ""
	case now.ID != then.ID:
		return "has been replaced by another one of its name"
	case now.State != running:
		return "is " + now.State
	case !now.Started.Equal(then.Started):
		return "has been restarted"
	}
	return ""
}
