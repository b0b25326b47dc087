package clock

import (
	"context"
	"time"
)

// Sleep waits by the machine's clock, or returns the error of ctx as soon as that ends.
func Sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
