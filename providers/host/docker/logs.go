package docker

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"
)

// Logs writes what a container has said from since on and before until, each line behind its time.
func (e *engine) Logs(ctx context.Context, id string, since, until time.Time, stdout, stderr io.Writer) error {
	stream, err := e.client.ContainerLogs(ctx, id, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Since: since.Format(time.RFC3339Nano), Until: until.Format(time.RFC3339Nano),
	})
	if err != nil {
		return fmt.Errorf("reading the logs of the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	defer stream.Close()
	if err := demultiplex(stream, stdout, stderr); err != nil {
		return fmt.Errorf("reading the logs of the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	return nil
}
