package notice

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// scripted is a notifier that answers with one error after another, and then well; a nil function hangs.
type scripted struct {
	errs []error
	hang bool
	told int
}

// Notify implements providers.Notifier.
func (s *scripted) Notify(ctx context.Context, _ providers.Notice) error {
	s.told++
	if s.hang {
		<-ctx.Done()
		return fmt.Errorf("posting: %w", ctx.Err())
	}
	if s.told <= len(s.errs) {
		return s.errs[s.told-1]
	}
	return nil
}

func TestDeliver(t *testing.T) {
	busy := fmt.Errorf("%w: status 503", providers.ErrTemporary)
	for name, test := range map[string]struct {
		notifier scripted
		want     string
		told     int
		took     time.Duration
	}{
		"well":               {scripted{}, "", 1, 0},
		"lasting":            {scripted{errs: []error{errors.New("status 404"), nil}}, "status 404", 1, 0},
		"temporary":          {scripted{errs: []error{busy, busy}}, "", 3, 3 * time.Second},
		"temporary for long": {scripted{errs: []error{busy, busy, busy}}, "status 503", 3, 3 * time.Second},
		"hangs":              {scripted{hang: true}, "no answer within 10s", 1, Patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				deliveries := []Delivery{{Notifier: &test.notifier}}
				Deliver(t.Context(), deliveries)
				said := ""
				if err := deliveries[0].Err; err != nil {
					said = err.Error()
				}
				if took := time.Since(begun); said != test.want || test.notifier.told != test.told || took != test.took {
					t.Errorf("got %q after %d tries and %s", said, test.notifier.told, took)
				}
			})
		})
	}
}

// TestHangingOnesWaitTogether: the others are told at once, and several that hang take no longer than one.
func TestHangingOnesWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		well := &scripted{}
		deliveries := []Delivery{{Notifier: &scripted{hang: true}}, {Notifier: well}, {Notifier: &scripted{hang: true}}}
		Deliver(t.Context(), deliveries)
		if took := time.Since(begun); took != Patience || well.told != 1 || deliveries[1].Err != nil || deliveries[0].Err == nil || deliveries[2].Err == nil {
			t.Errorf("after %s: %v", took, deliveries)
		}
	})
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	deliveries := []Delivery{{Notifier: &scripted{hang: true}}}
	if Deliver(ctx, deliveries); !errors.Is(deliveries[0].Err, context.Canceled) {
		t.Errorf("got %v", deliveries[0].Err)
	}
}
