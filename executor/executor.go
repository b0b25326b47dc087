// Package executor carries out a plan: it walks the actions in the order of their dependencies, makes each intent durable
// before the world is touched and each result after, and reports what became of every action.
package executor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// DefaultParallelism is how many actions run at once unless something else is asked for.
const DefaultParallelism = 10

// Executor runs plans. All fields must be set, but for Random, Parallelism, StallLimit, SlowLimit, Decryption and Reporter, and for By, AllowNoRollback
// and Environment where nothing is deployed.
type Executor struct {
	Spec  *spec.Spec
	World *planner.World
	// Registry makes the codecs that stored artifacts are read with.
	Registry *providers.Registry
	Session  state.Session
	Clock    clock.Clock
	// Random is where the unique parts of names come from; nil is the system's.
	Random io.Reader
	// Version of imsctl, written into manifests.
	Version string
	// Parallelism is how many actions run at once; 0 is DefaultParallelism.
	Parallelism int
	// StallLimit is how long a destination may keep the others waiting before it is given up; 0 is the pipeline's own.
	StallLimit time.Duration
	// Decryption reads encrypted artifacts back; nil when there are no identities: then their stored bytes alone are compared.
	Decryption providers.Decryption
	// By is who deploys, for people: "ana@laptop".
	By string
	// AllowNoRollback lets deploys be made that nothing could be gone back to from.
	AllowNoRollback bool
	// Environment is what restoring providers may use when data goes back with a deploy.
	Environment providers.Environment
	// SlowLimit is how long one slow destination may hold a source up; 0 is the pipeline's own.
	SlowLimit time.Duration
	// Reporter hears what happens; nil for nobody.
	Reporter Reporter
}

// Run carries out the plan and returns what became of each action. The report is complete also when ctx ends: then
// nothing new is begun, what runs is aborted cleanly, and the report says so. The error is for what makes the whole run
// impossible; a failed action is no such thing.
func (e *Executor) Run(ctx context.Context, plan *planner.Plan) (*Report, error) {
	run, err := e.newRun()
	if err != nil {
		return nil, err
	}
	report := run.walk(ctx, plan.Actions)
	if err := run.settle(context.WithoutCancel(ctx), report); err != nil {
		return report, err
	}
	return report, nil
}

// run is one call of Run.
type run struct {
	*Executor
	// id names the run in intents and in the outside world.
	id       string
	reporter Reporter
	// before are the intents that earlier runs left open.
	before []*state.Intent
	// taken are the ids of the artifacts that this run took, by the address of their backup.
	taken sync.Map
	// settled are the scratch places of earlier drills that nothing is left of, or that are told.
	settled sync.Map
	// moves say where addresses that were given up lead to.
	moves map[string]string
}

func (e *Executor) newRun() (*run, error) {
	suffix, err := e.randomHex(4)
	if err != nil {
		return nil, err
	}
	reporter := e.Reporter
	if reporter == nil {
		reporter = silent{}
	}
	return &run{
		Executor: e,
		id:       e.Clock.Now().UTC().Format(compactTime) + "-" + suffix,
		reporter: reporter,
		before:   e.Session.Document().Intents,
		moves:    planner.Moves(e.Spec),
	}, nil
}

// compactTime is the form of times in names: it sorts, and is legal everywhere.
const compactTime = "20060102T150405Z"

// randomHex returns n random bytes in hexadecimal.
func (e *Executor) randomHex(n int) (string, error) {
	source := e.Random
	if source == nil {
		source = rand.Reader
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(source, data); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return hex.EncodeToString(data), nil
}

// now is the time as it is recorded.
func (e *Executor) now() time.Time { return e.Clock.Now().UTC().Truncate(time.Millisecond) }

// destination finds a destination of the specification by address.
func (e *Executor) destination(address string) (providers.Destination, error) {
	destination, ok := e.World.Destinations[address]
	if !ok {
		return nil, fmt.Errorf("%s is not in the specification", address)
	}
	return destination, nil
}

// artifact finds an artifact in the state as it is now.
func (e *Executor) artifact(id string) (*state.Artifact, error) {
	artifact := e.Session.Document().Find(id)
	if artifact == nil {
		return nil, fmt.Errorf("artifact %s is not in the state any more", id)
	}
	return artifact, nil
}

// codec makes the codec that an artifact is read with.
func (e *Executor) codec(artifact *state.Artifact) (providers.Codec, error) {
	codec, err := e.Registry.Codec(artifact.Method, artifact.Level)
	if err != nil {
		return nil, fmt.Errorf("artifact %s: %w", artifact.ID, err)
	}
	return codec, nil
}

// errDegraded marks an action that met its promise but not all that was declared.
var errDegraded = errors.New("degraded")
