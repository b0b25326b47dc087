package docker

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"
)

// Start starts a container.
func (e *engine) Start(ctx context.Context, id string) error {
	if _, err := e.client.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("starting the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	return nil
}

// Stop ends a container, with the time that it was made to have for that, and waits until it has ended.
func (e *engine) Stop(ctx context.Context, id string) error {
	if _, err := e.client.ContainerStop(ctx, id, client.ContainerStopOptions{}); err != nil {
		return fmt.Errorf("stopping the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	return nil
}
