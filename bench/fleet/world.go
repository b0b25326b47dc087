package fleet

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// pageSize is how many objects a store returns at once, as Google's does.
const pageSize = 1000

// Calls counts what was asked for.
type Calls struct {
	Pages, Inspections atomic.Int64
}

// World simulates the places of a specification: every copy of the document lies where it says. Each page of a listing and each
// look at a source takes latency.
func World(specification *spec.Spec, document *state.Document, now time.Time, latency time.Duration) (*planner.World, *Calls) {
	calls := new(Calls)
	world := &planner.World{Sources: make(map[string]providers.Source), Destinations: make(map[string]providers.Destination)}
	for _, source := range specification.Sources {
		world.Sources[source.Address] = &database{calls: calls, latency: latency}
	}
	made := make(map[string]*store)
	for _, address := range stores {
		made[address] = &store{calls: calls, latency: latency, now: now}
		world.Destinations[address] = made[address]
	}
	for _, artifact := range document.Artifacts {
		for _, replica := range artifact.Replicas {
			at := made[replica.Destination]
			at.objects = append(at.objects,
				providers.Object{Key: artifact.Key, Size: artifact.Stored.Size, Version: replica.Version, Modified: replica.StoredAt},
				providers.Object{Key: state.ManifestKey(artifact.Key), Size: artifact.ManifestSize, Version: replica.ManifestVersion, Modified: replica.StoredAt})
		}
	}
	for _, at := range made {
		slices.SortFunc(at.objects, func(a, b providers.Object) int { return strings.Compare(a.Key, b.Key) })
	}
	return world, calls
}

// errSimulated is what a simulated place answers that cannot do what it is asked for.
var errSimulated = errors.New("a simulated place can only be looked at")

// store implements providers.Destination.
type store struct {
	providers.Destination
	calls   *Calls
	latency time.Duration
	now     time.Time
	objects []providers.Object
}

// Status implements providers.Destination.
func (s *store) Status(ctx context.Context) (providers.Status, error) {
	return providers.Status{Free: -1, Time: s.now}, clock.Sleep(ctx, s.latency)
}

// List implements providers.Destination.
func (s *store) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	first, _ := slices.BinarySearchFunc(s.objects, prefix, func(object providers.Object, prefix string) int { return strings.Compare(object.Key, prefix) })
	for i := first; ; i++ {
		if (i-first)%pageSize == 0 {
			s.calls.Pages.Add(1)
			if err := clock.Sleep(ctx, s.latency); err != nil {
				return err
			}
		}
		if i == len(s.objects) || !strings.HasPrefix(s.objects[i].Key, prefix) {
			return nil
		}
		if err := yield(s.objects[i]); err != nil {
			return err
		}
	}
}

// Remnants implements providers.Destination: as at Google there are none.
func (s *store) Remnants(context.Context, string) ([]providers.Remnant, error) { return nil, nil }

// Open implements providers.Destination.
func (s *store) Open(context.Context, string) (io.ReadCloser, error) { return nil, errSimulated }

// database implements providers.Source.
type database struct {
	calls   *Calls
	latency time.Duration
}

// Format implements providers.Source.
func (*database) Format() providers.Format { return providers.Format{Extension: ".sql"} }

// Inspect implements providers.Source.
func (d *database) Inspect(ctx context.Context) (providers.Inspection, error) {
	d.calls.Inspections.Add(1)
	return providers.Inspection{}, clock.Sleep(ctx, d.latency)
}

// Read implements providers.Source.
func (*database) Read(context.Context, string, io.Writer) (providers.Reading, error) {
	return providers.Reading{}, errSimulated
}
