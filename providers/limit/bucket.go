package limit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

// pieceTime is the time for which one of several uploads that wait may have the rate to itself, and how much of it that was not
// used may be used later.
const pieceTime = 100 * time.Millisecond

// bucket hands out bytes at a rate, in pieces and in turn, so that uploads that wait at the same time get equal shares.
type bucket struct {
	rate  int64
	clock clock.Clock
	sleep func(ctx context.Context, pause time.Duration) error

	mu sync.Mutex
	// next is when the next piece may be sent.
	next time.Time
}

// take waits until size bytes may be sent. held hears of the waiting.
func (b *bucket) take(ctx context.Context, size int, held func(bool)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting := false
	defer func() {
		if waiting {
			held(false)
		}
	}()
	piece := max(1, int(float64(b.rate)*pieceTime.Seconds()))
	for size > 0 {
		n := min(size, piece)
		size -= n
		pause := b.reserve(n)
		if pause <= 0 {
			continue
		}
		if !waiting {
			waiting = true
			held(true)
		}
		if err := b.sleep(ctx, pause); err != nil {
			return fmt.Errorf("waiting for the upload limit: %w", err)
		}
	}
	return nil
}

// reserve takes the next n bytes and returns how long it is until they may be sent. What is reserved by somebody who does not wait
// for it is lost, which is a piece at most.
func (b *bucket) reserve(n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	if earliest := now.Add(-pieceTime); b.next.Before(earliest) {
		b.next = earliest
	}
	b.next = b.next.Add(time.Duration(float64(n) / float64(b.rate) * float64(time.Second)))
	return b.next.Sub(now)
}
