package planner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// Connection is what was found of a host, a source or a destination when it was tried.
type Connection struct {
	Address string
	// Found says what is there: versions, sizes, free space.
	Found string
	// NotBuilt says why it could not be tried.
	NotBuilt string
	// Err says what is missing.
	Err error
}

// Connect tries every host, source and destination of a specification, whether anything uses it or not, and changes
// nothing. The connections are ordered by kind, then by address. The error is for the end of ctx only.
func Connect(ctx context.Context, specification *spec.Spec, world *World, clock clock.Clock, options ObserveOptions) ([]Connection, error) {
	o := newObservation(specification, world, clock, options)
	var connections []Connection
	var attempts []func(context.Context) (string, error)
	add := func(address, notBuilt string, attempt func(context.Context) (string, error)) {
		connections = append(connections, Connection{Address: address, NotBuilt: notBuilt})
		attempts = append(attempts, attempt)
	}
	for _, host := range specification.Hosts {
		add(host.Address, host.NotBuilt, func(context.Context) (string, error) { return tryToReach(world.Hosts[host.Address]) })
	}
	for _, source := range specification.Sources {
		add(source.Address, source.NotBuilt, func(ctx context.Context) (string, error) { return o.tryToRead(ctx, source.Address) })
	}
	for _, destination := range specification.Destinations {
		add(destination.Address, destination.NotBuilt, func(ctx context.Context) (string, error) {
			return o.tryToStore(ctx, world.Destinations[destination.Address])
		})
	}
	o.each(ctx, len(connections), func(ctx context.Context, i int) {
		if connections[i].NotBuilt == "" {
			connections[i].Found, connections[i].Err = attempts[i](ctx)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("trying the connections: %w", err)
	}
	return connections, nil
}

// tryToReach looks at a host.
func tryToReach(host providers.Host) (string, error) {
	if _, err := host.Files().Lstat("/"); err != nil {
		return "", fmt.Errorf("looking at its files: %w", err)
	}
	return "its files can be read", nil
}

// tryToRead inspects a source.
func (o *observation) tryToRead(ctx context.Context, address string) (string, error) {
	view := o.inspect(ctx, address)
	if view.Err != nil {
		return "", view.Err
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(view.Inspection.Versions)) {
		found = append(found, name+" "+view.Inspection.Versions[name])
	}
	if view.Inspection.Bytes > 0 {
		found = append(found, "about "+units.Bytes(view.Inspection.Bytes))
	}
	if len(found) == 0 {
		return "it can be read", nil
	}
	return strings.Join(found, ", "), nil
}

// tryToStore asks a destination for its condition.
func (o *observation) tryToStore(ctx context.Context, destination providers.Destination) (string, error) {
	var status providers.Status
	asked := o.clock.Now()
	err := o.call(ctx, func(ctx context.Context) (err error) {
		status, err = destination.Status(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	if !status.Time.IsZero() {
		if skew := status.Time.Sub(asked); skew.Abs() > MaxSkew {
			return "", fmt.Errorf("its clock differs from this machine's by %s: set the wrong one right, or nothing is ever deleted there", skew.Abs().Round(time.Second))
		}
	}
	switch {
	case status.Free == 0:
		return "", errors.New("there is no free space: make room, or choose another place")
	case status.Free < 0:
		return "it can be written to", nil
	}
	return units.Bytes(status.Free) + " free", nil
}
