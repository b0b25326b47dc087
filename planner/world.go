package planner

import (
	"context"
	"errors"
	"fmt"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/claim"
	"github.com/castrolanda/imsctl/providers/limit"
	"github.com/castrolanda/imsctl/providers/retry"
	"github.com/castrolanda/imsctl/spec"
)

// World holds the provider objects of a specification, by address. It is not changed once made.
type World struct {
	Hosts        map[string]providers.Host
	Sources      map[string]providers.Source
	Destinations map[string]providers.Destination
	Checks       map[string]providers.Check
	// Drillers by the address of their drill.
	Drillers map[string]providers.Driller
	// Deployers by the address of their deploy block, and by strategy.
	Deployers map[string]map[string]providers.Deployer
	// Cleaners by the address of their cleanup block.
	Cleaners map[string]providers.Cleaner
	// unmade says why hosts and sources could not be made; problems are all of these, with their addresses.
	unmade   map[string]error
	problems []error
}

// Open makes the provider objects of a specification without any I/O, but for those that are not built yet. Hosts that the specification declares are found
// first; env.Hosts is asked for the others (host.local, when it is not declared). All mistakes are reported together, but for those of
// checks: one that cannot be made fails when it is asked, and says why.
//
// This is the one place where destinations are wrapped in what keeps to their limits and in what tries again.
func Open(specification *spec.Spec, env providers.Environment) (*World, error) {
	world := newWorld(specification)
	env = world.openHosts(specification, env)
	world.openSources(specification, env)
	world.openDrillers(specification, env)
	world.openDeployers(specification, env)
	world.openDestinations(specification, env)
	world.openChecks(specification, env)
	world.openCleaners(specification, env)
	if err := errors.Join(world.problems...); err != nil {
		return nil, err
	}
	return world, nil
}

// OpenChecks makes the checks of a specification, and the hosts and sources that they ask, without any I/O. A check that cannot be
// made, or whose host or source cannot, fails when it is asked, and says why: the others can be asked all the same.
func OpenChecks(specification *spec.Spec, env providers.Environment) *World {
	world := newWorld(specification)
	env = world.openHosts(specification, env)
	world.openSources(specification, env)
	world.openChecks(specification, env)
	return world
}

func newWorld(specification *spec.Spec) *World {
	return &World{
		Hosts:        make(map[string]providers.Host, len(specification.Hosts)),
		Sources:      make(map[string]providers.Source, len(specification.Sources)),
		Destinations: make(map[string]providers.Destination, len(specification.Destinations)),
		Checks:       make(map[string]providers.Check, len(specification.Checks)),
		Drillers:     make(map[string]providers.Driller, len(specification.Drills)),
		Deployers:    make(map[string]map[string]providers.Deployer, len(specification.Deploys)),
		Cleaners:     make(map[string]providers.Cleaner, len(specification.Cleanups)),
		unmade:       make(map[string]error),
	}
}

// fail notes why something cannot be made.
func (w *World) fail(address string, err error) {
	w.unmade[address] = err
	w.problems = append(w.problems, fmt.Errorf("%s: %w", address, err))
}

// openHosts makes the hosts, and returns the environment in which they are found.
func (w *World) openHosts(specification *spec.Spec, env providers.Environment) providers.Environment {
	for _, declared := range specification.Hosts {
		if declared.NotBuilt != "" {
			continue
		}
		host, err := declared.Config.Host(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		if env.Decorate != nil {
			host = env.Decorate(host)
		}
		w.Hosts[declared.Address] = host
	}
	env.Hosts = w.Resolver(env.Hosts)
	return env
}

func (w *World) openSources(specification *spec.Spec, env providers.Environment) {
	for _, declared := range specification.Sources {
		if declared.NotBuilt != "" {
			continue
		}
		source, err := declared.Config.Source(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		if source, err = claimed(declared.Config, source, env); err != nil {
			w.fail(declared.Address, err)
			continue
		}
		w.Sources[declared.Address] = source
	}
}

func (w *World) openDrillers(specification *spec.Spec, env providers.Environment) {
	for _, declared := range specification.Drills {
		if declared.Open == nil {
			continue
		}
		driller, err := declared.Open(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		w.Drillers[declared.Address] = driller
	}
}

func (w *World) openDeployers(specification *spec.Spec, env providers.Environment) {
	for _, declared := range specification.Deploys {
		if declared.NotBuilt != "" {
			continue
		}
		deployers, err := declared.Open(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		w.Deployers[declared.Address] = deployers
	}
}

func (w *World) openDestinations(specification *spec.Spec, env providers.Environment) {
	// Spans are measured by a clock that nobody sets.
	policy := retry.Default(clock.System{})
	policy.Log = env.Log
	for _, declared := range specification.Destinations {
		if declared.NotBuilt != "" {
			continue
		}
		destination, err := declared.Config.Destination(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		// Limits are inside, so that what is sent again counts again.
		destination = limit.Destination(destination, limit.Limits{
			Rate: int64(declared.UploadLimit), Concurrency: declared.Concurrency, Clock: clock.System{},
		})
		w.Destinations[declared.Address] = retry.Destination(destination, declared.Address, policy)
	}
}

func (w *World) openCleaners(specification *spec.Spec, env providers.Environment) {
	for _, deploy := range specification.Deploys {
		env.Deploys = append(env.Deploys, deploy.Target)
	}
	for _, declared := range specification.Cleanups {
		config, ok := declared.Config.(providers.CleanupConfig)
		if declared.NotBuilt != "" || !ok {
			continue
		}
		cleaner, err := config.Cleaner(env)
		if err != nil {
			w.fail(declared.Address, err)
			continue
		}
		w.Cleaners[declared.Address] = cleaner
	}
}

// openChecks makes the checks. Asking one that cannot be made, or is not built yet, tells why.
func (w *World) openChecks(specification *spec.Spec, env providers.Environment) {
	env.Sources = w.source
	for _, declared := range specification.Checks {
		check, err := makeCheck(declared, env)
		if err != nil {
			check = unmade{err}
		}
		w.Checks[declared.Address] = check
	}
}

func makeCheck(declared *spec.Check, env providers.Environment) (providers.Check, error) {
	if declared.NotBuilt != "" {
		return nil, errors.New(declared.NotBuilt)
	}
	config, ok := declared.Config.(providers.CheckConfig)
	if !ok {
		return nil, fmt.Errorf("no check can be made of a %T", declared.Config)
	}
	return config.Check(env)
}

// unmade is a check that could not be made: asking it tells why.
type unmade struct{ err error }

// Probe implements providers.Check.
func (u unmade) Probe(context.Context) (providers.Finding, error) { return providers.Finding{}, u.err }

// source finds a source that was made.
func (w *World) source(reference providers.Reference) (providers.Source, error) {
	source, ok := w.Sources[reference.Address]
	if err := w.unmade[reference.Address]; err != nil {
		return nil, fmt.Errorf("%s: %w", reference.Address, err)
	}
	if !ok {
		return nil, fmt.Errorf("%s is not built yet", reference.Address)
	}
	return source, nil
}

// Resolver finds hosts by reference: the declared ones, then those of the environment.
func (w *World) Resolver(others func(providers.Reference) (providers.Host, error)) func(providers.Reference) (providers.Host, error) {
	return func(reference providers.Reference) (providers.Host, error) {
		address := reference.OfHost()
		if host, ok := w.Hosts[address]; ok {
			return host, nil
		}
		if err := w.unmade[address]; err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		if others == nil {
			return nil, fmt.Errorf("%s is not declared", address)
		}
		return others(reference)
	}
}

// claimed wraps a source in the lock on its host, where it wants one.
func claimed(config providers.SourceConfig, source providers.Source, env providers.Environment) (providers.Source, error) {
	locked, ok := config.(providers.Claimed)
	if !ok {
		return source, nil
	}
	claimed := locked.Claim(env)
	if claimed.What == "" {
		return source, nil
	}
	host, err := env.Hosts(claimed.Host)
	if err != nil {
		return nil, err
	}
	return claim.Source(source, host, claimed, clock.System{}), nil
}
