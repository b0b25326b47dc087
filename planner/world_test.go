package planner

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// busyDestination fails a number of times before it answers.
type busyDestination struct {
	providers.Destination
	failures, asked int
}

func (b *busyDestination) Status(context.Context) (providers.Status, error) {
	b.asked++
	if b.asked <= b.failures {
		return providers.Status{}, fmt.Errorf("%w: it is busy", providers.ErrTemporary)
	}
	return providers.Status{Free: 1}, nil
}

// madeConfig is the configuration of a destination that is made already.
type madeConfig struct{ made providers.Destination }

func (madeConfig) Validate() []providers.Problem { return nil }

func (m madeConfig) Destination(providers.Environment) (providers.Destination, error) {
	return m.made, nil
}

// Destinations are wrapped in what tries again, once, and it tells of it.
func TestOpenWrapsDestinations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for failures, works := range map[int]bool{5: true, 6: false} {
			made := &busyDestination{failures: failures}
			var said bytes.Buffer
			world, err := Open(&spec.Spec{Destinations: []*spec.Destination{{Address: "destination.local.a", Config: madeConfig{made}}}},
				providers.Environment{Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(&said, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := world.Destinations["destination.local.a"].Status(t.Context()); (err == nil) != works || made.asked != 6 {
				t.Errorf("%d failures, asked %d times: %v", failures, made.asked, err)
			}
			if strings.Count(said.String(), "destination=destination.local.a") != 5 {
				t.Errorf("the log has:\n%s", said.String())
			}
		}
	})
}
