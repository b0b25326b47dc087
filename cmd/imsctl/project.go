package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/pflag"

	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// inputs are the flags that give a specification its variables.
type inputs struct {
	variables     []string
	variableFiles []string
	// input lets a person be asked for what is missing.
	input bool
	// compactWarnings shrinks warnings to a line each, when there is no error beside them.
	compactWarnings bool
}

func (i *inputs) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&i.variables, "var", nil, "set a variable: `name=value`; may be repeated")
	flags.StringArrayVar(&i.variableFiles, "var-file", nil, "set variables from a `file`; may be repeated")
	flags.BoolVar(&i.input, "input", true, "false never asks: what is missing is an error")
}

// registerWarnings registers what the commands have that print warnings about the specification.
func (i *inputs) registerWarnings(flags *pflag.FlagSet) {
	flags.BoolVar(&i.compactWarnings, "compact-warnings", false, "print warnings in short, when there are no errors")
}

// assignments splits the -var flags.
func (i *inputs) assignments() (map[string]string, error) {
	values := make(map[string]string, len(i.variables))
	for _, assignment := range i.variables {
		name, value, found := strings.Cut(assignment, "=")
		if !found || name == "" {
			return nil, fmt.Errorf(`-var %q: write it as name=value`, assignment)
		}
		values[name] = value
	}
	return values, nil
}

// project is a specification with everything that it talks about.
type project struct {
	spec        *spec.Spec
	registry    *providers.Registry
	environment providers.Environment
	world       *planner.World
	backend     state.Backend
	// operation is what the lock of the state was taken for: "apply".
	operation string
	// whole is set for a run about everything that is declared, as it was found.
	whole bool
	// decryption reads encrypted artifacts; nil without identities.
	decryption providers.Decryption
	// allowNoRollback lets deploys be made that nothing could be gone back to from.
	allowNoRollback bool
}

// loadSpec reads a specification and prints its diagnostics.
func (c *cli) loadSpec(path string, inputs inputs) (*spec.Spec, *providers.Registry, error) {
	loaded, registry, _, err := c.readSpec(path, inputs)
	return loaded, registry, err
}

// readSpec is loadSpec with the files, for showing more of them.
func (c *cli) readSpec(path string, inputs inputs) (*spec.Spec, *providers.Registry, map[string]*hcl.File, error) {
	registry, loaded, diagnostics, err := c.diagnose(path, inputs)
	if err != nil {
		return nil, nil, nil, err
	}
	c.writeDiagnostics(diagnostics.List, diagnostics.Files, inputs)
	if loaded == nil {
		return nil, nil, nil, exitCode(exitError)
	}
	return loaded, registry, diagnostics.Files, nil
}

// writeDiagnostics prints what is wrong with a specification.
func (c *cli) writeDiagnostics(list hcl.Diagnostics, files map[string]*hcl.File, inputs inputs) {
	for _, stream := range c.streams {
		stream.diagnostics(list, files)
	}
	if inputs.compactWarnings && !list.HasErrors() {
		diagnostic.WriteCompact(c.stderr, list, c.diagnosticOptions(c.stderr))
		return
	}
	diagnostic.Write(c.stderr, list, files, c.diagnosticOptions(c.stderr))
}

// diagnose reads a specification. It is nil when the diagnostics have errors.
func (c *cli) diagnose(path string, inputs inputs) (*providers.Registry, *spec.Spec, spec.Diagnostics, error) {
	return c.diagnoseIn(path, inputs, c.getenv)
}

// diagnoseIn is diagnose with an environment of its own.
func (c *cli) diagnoseIn(path string, inputs inputs, getenv func(string) (string, bool)) (*providers.Registry, *spec.Spec, spec.Diagnostics, error) {
	registry, err := builtin.Registry()
	if err != nil {
		return nil, nil, spec.Diagnostics{}, err
	}
	variables, err := inputs.assignments()
	if err != nil {
		return nil, nil, spec.Diagnostics{}, err
	}
	loaded, diagnostics := spec.Load(path, spec.Options{
		Registry: registry, Profiles: profiles(), Factors: strategy.FactorNames(), Version: c.version,
		Variables: variables, VariableFiles: inputs.variableFiles, Getenv: getenv, Ask: c.asker(inputs.input),
	})
	c.loaded = loaded
	return registry, loaded, diagnostics, nil
}

// profiles are the compression profiles that every specification knows.
func profiles() []spec.Profile {
	var list []spec.Profile
	for _, profile := range compression.Profiles() {
		list = append(list, spec.Profile(profile))
	}
	return list
}

// open loads a specification and makes what it declares, without touching any of it.
func (c *cli) open(path string, inputs inputs) (*project, error) {
	return c.openWith(path, inputs, planner.Open)
}

// openWith is open with another way to make what is declared, such as only some of it.
func (c *cli) openWith(path string, inputs inputs, open func(*spec.Spec, providers.Environment) (*planner.World, error)) (*project, error) {
	loaded, registry, err := c.loadSpec(path, inputs)
	if err != nil {
		return nil, err
	}
	backend, err := c.backend(loaded.State, loaded.Directory, inputs.input)
	if err != nil {
		return nil, err
	}
	environment := providers.Environment{Hosts: builtin.Hosts(), Containers: builtin.Containers(c.getenv), Clock: c.clock, Directory: loaded.Directory}
	if c.tracer != nil {
		environment.Hosts, environment.Decorate = c.tracer.Hosts(environment.Hosts), c.tracer.Host
		environment.Log = c.tracer.Log()
	}
	world, err := open(loaded, environment)
	if err != nil {
		return nil, err
	}
	if c.tracer != nil {
		c.tracer.World(world)
		backend = c.tracer.Backend(backend)
	}
	return &project{spec: loaded, registry: registry, environment: environment, world: world, backend: backend}, nil
}

// planOptions say which plan is made.
type planOptions struct {
	// busy names all who are changing the state right now: what they have begun was not interrupted.
	busy string
	// refresh looks at reality, and refreshOnly at nothing else.
	refresh     bool
	refreshOnly bool
	parallelism int
	// now is the moment that it is made for.
	now   time.Time
	scope planner.Scope
}

// plan looks at reality, unless that is not wanted, and compares.
func (p *project) plan(ctx context.Context, c *cli, document *state.Document, options planOptions) (*planner.Plan, error) {
	var observed *planner.Observed
	if options.busy != "" {
		document.Intents = nil
	}
	p.expand(ctx, c, document, planner.ExpandOptions{Look: options.refresh, Observe: planner.ObserveOptions{Parallelism: options.parallelism}})
	if options.refresh {
		var err error
		observed, err = planner.Observe(ctx, options.scope.Narrow(p.spec), document, p.world, c.clock, planner.ObserveOptions{Parallelism: options.parallelism, SkipChecks: options.refreshOnly})
		if err != nil {
			return nil, fmt.Errorf("looking at sources and destinations: %w", err)
		}
		observed.Busy = options.busy
	}
	compare := planner.Diff
	if options.refreshOnly {
		compare = planner.Reconcile
	}
	return planner.Select(compare(p.spec, document, observed, options.now), p.spec, options.scope)
}

// expand divides the backups of groups into those of their members.
func (p *project) expand(ctx context.Context, c *cli, document *state.Document, options planner.ExpandOptions) {
	p.spec, p.world = planner.Expand(ctx, p.spec, p.world, document, c.clock, options)
}

// checkPatience is how long the lock is waited for in any case while it is held to record what checks saw.
const checkPatience = 10 * time.Second

// lock takes the right to change the whole state.
func (p *project) lock(ctx context.Context, c *cli, operation string, timeout time.Duration) (state.Session, error) {
	return p.lockPart(ctx, c, operation, nil, timeout)
}

// lockPart takes the right to change what belongs to some blocks, or to everything where there are none.
func (p *project) lockPart(ctx context.Context, c *cli, operation string, blocks []string, timeout time.Duration) (state.Session, error) {
	p.operation = operation
	holder := c.holder(operation)
	session, err := state.LockPart(ctx, p.backend, holder, blocks, timeout)
	var locked *state.LockedError
	if errors.As(err, &locked) && locked.Holder.Operation == checkOperation && timeout < checkPatience {
		// Nobody's apply fails because somebody records what a check saw.
		return state.LockPart(ctx, p.backend, holder, blocks, checkPatience)
	}
	return session, err
}

// scopeOf is the scope of what one block needs; of everything, where there is none.
func scopeOf(block string) planner.Scope {
	if block == "" {
		return planner.Scope{}
	}
	return planner.Scope{Targets: []string{block}}
}

// lockDamaged is lock, but that a damaged state is taken for an empty one.
func (p *project) lockDamaged(ctx context.Context, c *cli, operation string, timeout time.Duration) (state.Session, error) {
	salvager, ok := p.backend.(state.Salvager)
	if !ok {
		return nil, fmt.Errorf("-replace-damaged is for states on servers: where %s is damaged, move the file and those beside it away", p.backend.Location())
	}
	return salvager.LockDamaged(ctx, c.holder(operation), timeout)
}

// holder describes this process as the holder of a lock.
func (c *cli) holder(operation string) state.LockInfo {
	holder := state.LockInfo{ID: rand.Text(), Operation: operation, PID: os.Getpid(), TakenAt: c.clock.Now().UTC()}
	holder.User, holder.Host = whoami()
	return holder
}

// whoami is the user and the machine, as far as they are known.
func whoami() (name, host string) {
	if known, err := os.Hostname(); err == nil {
		host = known
	}
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	return name, host
}
