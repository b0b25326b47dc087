package notice

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Patience is how long one delivery may take, with all its tries: nobody waits for a webhook that hangs.
const Patience = 10 * time.Second

// tries is how often a notice is sent while the errors are temporary, and pause the time before the second try, which doubles.
const (
	tries = 3
	pause = time.Second
)

// errPatience is why a delivery was given up.
var errPatience = errors.New("no more time for the notice")

// Delivery is a notice that is to be delivered, and what came of that.
type Delivery struct {
	// Address is the notify block's.
	Address  string
	Notifier providers.Notifier
	Notice   providers.Notice
	// Err is why it could not be delivered.
	Err error
}

// Deliver delivers all of them at once, and returns when each is delivered or given up. It sets their Err.
func Deliver(ctx context.Context, deliveries []Delivery) {
	var group sync.WaitGroup
	for i := range deliveries {
		group.Go(func() { deliveries[i].Err = deliver(ctx, deliveries[i].Notifier, deliveries[i].Notice) })
	}
	group.Wait()
}

func deliver(ctx context.Context, notifier providers.Notifier, notice providers.Notice) error {
	ctx, cancel := context.WithTimeoutCause(ctx, Patience, errPatience)
	defer cancel()
	var last error
	for try := range tries {
		if try > 0 && clock.Sleep(ctx, pause<<(try-1)) != nil {
			break
		}
		err := notifier.Notify(ctx, notice)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil && last == nil {
			last = fmt.Errorf("no answer within %s", Patience)
		}
		if ctx.Err() != nil {
			break
		}
		last = providers.Lasting(err)
		if !errors.Is(err, providers.ErrTemporary) {
			return err
		}
	}
	if !errors.Is(context.Cause(ctx), errPatience) && ctx.Err() != nil {
		return ctx.Err()
	}
	return last
}
