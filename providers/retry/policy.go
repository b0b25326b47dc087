// Package retry tries again what a destination says was a temporary failure. It is a decorator around any destination, and the
// only place where calls are repeated: destinations report errors that wrap providers.ErrTemporary and leave the rest to it.
// Around a destination that is wrapped already nothing is done, so that attempts never multiply.
package retry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Policy says how often, for how long and after which pauses a call is tried again.
type Policy struct {
	// Attempts is how often one call is tried at most, the first time included.
	Attempts int
	// Total is how long after the beginning of a call, or after the break of a reading, another attempt may begin.
	Total time.Duration
	// First bounds the pause after the first failure; the bound doubles with every further one, up to Longest. A pause is a
	// random part of its bound, so that many who failed at once do not come back at once.
	First, Longest time.Duration
	Clock          clock.Clock
	// Random returns a number from 0 up to and without n.
	Random func(n int64) int64
	// Sleep waits, or returns the error of ctx as soon as that ends.
	Sleep func(ctx context.Context, pause time.Duration) error
	// Log hears of every attempt that is made again, at level warn; nil for nobody.
	Log *slog.Logger
}

// Default is the policy of destinations: about eight seconds of pauses at the average, so that a plan on a store that is away
// does not take long, and well below the time after which a stalled destination is given up.
func Default(now clock.Clock) Policy {
	return Policy{
		Attempts: 6, Total: 45 * time.Second, First: 500 * time.Millisecond, Longest: 10 * time.Second,
		Clock: now, Random: rand.Int64N, Sleep: clock.Sleep,
	}
}

// call is one call of a destination, with what is said of it.
type call struct {
	policy *Policy
	// what and key tell people what is tried.
	what, address, key string
}

// run tries until it succeeds, fails for good, or the policy allows no more. The last error is returned.
func (c call) run(ctx context.Context, try func() error) error {
	begun := c.policy.Clock.Now()
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil {
			return nil
		}
		again, err := c.again(ctx, attempt, begun, err)
		if !again {
			return err
		}
	}
}

// again waits before the next attempt. It returns false, with what is to be said of it, when there is none.
func (c call) again(ctx context.Context, attempt int, begun time.Time, err error) (bool, error) {
	if !errors.Is(err, providers.ErrTemporary) {
		return false, err
	}
	if ended := ctx.Err(); ended != nil {
		return false, fmt.Errorf("%w: it was not tried again after: %w", ended, err)
	}
	pause := c.policy.pause(attempt)
	if attempt >= c.policy.Attempts || c.policy.Clock.Now().Add(pause).Sub(begun) > c.policy.Total {
		if attempt == 1 {
			return false, err
		}
		return false, fmt.Errorf("%w (tried %d times)", err, attempt)
	}
	if c.policy.Log != nil {
		c.policy.Log.LogAttrs(ctx, slog.LevelWarn, "tried again", slog.String("call", c.what), slog.String("destination", c.address),
			slog.String("key", c.key), slog.Int("attempt", attempt+1), slog.Duration("after", pause), slog.String("error", err.Error()))
	}
	if ended := c.policy.Sleep(ctx, pause); ended != nil {
		return false, fmt.Errorf("%w: it was not tried again after: %w", ended, err)
	}
	return true, nil
}

// pause chooses how long to wait after a failure.
func (p *Policy) pause(attempt int) time.Duration {
	bound := p.First
	for range attempt - 1 {
		if bound >= p.Longest {
			break
		}
		bound *= 2
	}
	bound = min(bound, p.Longest)
	if bound <= 0 {
		return 0
	}
	return time.Duration(p.Random(int64(bound) + 1))
}
