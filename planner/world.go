package planner

import (
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
}

// localHost is the address of the machine imsctl runs on.
const localHost = "host.local"

// Open makes the provider objects of a specification without any I/O, but for those that are not built yet. Hosts that the specification declares are found
// first; env.Hosts is asked for the others (host.local, when it is not declared). All mistakes are reported together.
//
// This is the one place where destinations are wrapped in what keeps to their limits and in what tries again.
func Open(specification *spec.Spec, env providers.Environment) (*World, error) {
	world := &World{
		Hosts:        make(map[string]providers.Host, len(specification.Hosts)),
		Sources:      make(map[string]providers.Source, len(specification.Sources)),
		Destinations: make(map[string]providers.Destination, len(specification.Destinations)),
		Checks:       make(map[string]providers.Check, len(specification.Checks)),
		Drillers:     make(map[string]providers.Driller, len(specification.Drills)),
		Deployers:    make(map[string]map[string]providers.Deployer, len(specification.Deploys)),
	}
	var problems []error
	for _, declared := range specification.Hosts {
		if declared.NotBuilt != "" {
			continue
		}
		host, err := declared.Config.Host(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		if env.Decorate != nil {
			host = env.Decorate(host)
		}
		world.Hosts[declared.Address] = host
	}
	env.Hosts = world.Resolver(env.Hosts)
	for _, declared := range specification.Sources {
		if declared.NotBuilt != "" {
			continue
		}
		source, err := declared.Config.Source(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		if source, err = claimed(declared.Config, source, env); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		world.Sources[declared.Address] = source
	}
	for _, declared := range specification.Drills {
		if declared.Open == nil {
			continue
		}
		driller, err := declared.Open(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		world.Drillers[declared.Address] = driller
	}
	for _, declared := range specification.Deploys {
		if declared.NotBuilt != "" {
			continue
		}
		deployers, err := declared.Open(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		world.Deployers[declared.Address] = deployers
	}
	// Spans are measured by a clock that nobody sets.
	policy := retry.Default(clock.System{})
	policy.Log = env.Log
	for _, declared := range specification.Destinations {
		if declared.NotBuilt != "" {
			continue
		}
		destination, err := declared.Config.Destination(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		// Limits are inside, so that what is sent again counts again.
		destination = limit.Destination(destination, limit.Limits{
			Rate: int64(declared.UploadLimit), Concurrency: declared.Concurrency, Clock: clock.System{},
		})
		world.Destinations[declared.Address] = retry.Destination(destination, declared.Address, policy)
	}
	env.Sources = world.source
	for _, declared := range specification.Checks {
		if declared.NotBuilt != "" {
			continue
		}
		config, ok := declared.Config.(providers.CheckConfig)
		if !ok {
			return nil, fmt.Errorf("%s: no check can be made of a %T", declared.Address, declared.Config)
		}
		check, err := config.Check(env)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", declared.Address, err))
			continue
		}
		world.Checks[declared.Address] = check
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return world, nil
}

// source finds a source that was made.
func (w *World) source(reference providers.Reference) (providers.Source, error) {
	source, ok := w.Sources[reference.Address]
	if !ok {
		return nil, fmt.Errorf("%s is not built yet", reference.Address)
	}
	return source, nil
}

// Resolver finds hosts by reference: the declared ones, then those of the environment.
func (w *World) Resolver(others func(providers.Reference) (providers.Host, error)) func(providers.Reference) (providers.Host, error) {
	return func(reference providers.Reference) (providers.Host, error) {
		address := reference.Address
		if reference.IsZero() {
			address = localHost
		}
		if host, ok := w.Hosts[address]; ok {
			return host, nil
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
	reference, what := locked.Claim(env)
	host, err := env.Hosts(reference)
	if err != nil {
		return nil, err
	}
	return claim.Source(source, host, what, clock.System{}), nil
}
