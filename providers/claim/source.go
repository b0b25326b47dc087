package claim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Source is a source that is read by one at a time: what identifies what is read on the host, and is shown to people.
// Inspecting it needs no lock.
func Source(source providers.Source, host providers.Host, what string, clock clock.Clock) providers.Source {
	return &exclusive{Source: source, host: host, what: what, clock: clock}
}

// exclusive implements providers.Source.
type exclusive struct {
	providers.Source
	host  providers.Host
	what  string
	clock clock.Clock
}

// Read implements providers.Source. A *HeldError comes before anything is read. Where the host has no place for locks, the reading
// warns of that.
func (e *exclusive) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	reading, held, err := e.claim(ctx, run)
	var taken *HeldError
	switch {
	case errors.As(err, &taken):
		return providers.Reading{}, err
	case err != nil:
		result, readErr := e.Source.Read(ctx, run, w)
		result.Warnings = append(result.Warnings, fmt.Sprintf("it was read without a lock against others: %v", err))
		return result, readErr
	}
	result, err := e.Source.Read(reading, run, w)
	if cause := context.Cause(reading); err != nil && cause != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	if releaseErr := held.release(); releaseErr != nil && err == nil {
		result.Warnings = append(result.Warnings, fmt.Sprintf("the lock %s could not be removed and ends by itself: %v", held.path, releaseErr))
	}
	return result, err
}

// claim takes the lock.
func (e *exclusive) claim(ctx context.Context, run string) (context.Context, *lock, error) {
	me := holder{ID: rand.Text(), Machine: machine(), PID: os.Getpid(), Run: run, Since: e.clock.Now().UTC()}
	if name, err := os.Hostname(); err == nil {
		me.Host = name
	}
	if current, err := user.Current(); err == nil {
		me.User = current.Username
	}
	return take(ctx, e.host.Files(), e.what+" on "+e.host.Name(), me)
}
