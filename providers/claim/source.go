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

// Source is a source that is read by one at a time, on the host where the claim is. Inspecting it needs no lock. It is a
// providers.Continuing where the source is one.
func Source(source providers.Source, host providers.Host, claimed providers.Claim, clock clock.Clock) providers.Source {
	made := &exclusive{Source: source, host: host, claimed: claimed, clock: clock}
	if _, continues := source.(providers.Continuing); continues {
		return &continuing{made}
	}
	return made
}

// continuing implements providers.Continuing.
type continuing struct{ *exclusive }

// After implements providers.Continuing.
func (c *continuing) After(position string) (providers.Source, error) {
	source, err := c.Source.(providers.Continuing).After(position)
	if err != nil {
		return nil, err
	}
	return Source(source, c.host, c.claimed, c.clock), nil
}

// exclusive implements providers.Source.
type exclusive struct {
	providers.Source
	host    providers.Host
	claimed providers.Claim
	clock   clock.Clock
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
	name, err := nameOf(e.claimed)
	if err != nil {
		return ctx, nil, err
	}
	return take(ctx, e.host.Files(), name, e.claimed.What+" on "+e.host.Name(), me)
}
