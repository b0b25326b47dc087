package planner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Limits of an observation that is not told otherwise.
const (
	// DefaultParallelism is how many calls to the outside run at once.
	DefaultParallelism = 10
	// DefaultCallTimeout is how long one call to a source or a destination may take.
	DefaultCallTimeout = 30 * time.Second
)

// ObserveOptions bound an observation. The zero value is good.
type ObserveOptions struct {
	// Parallelism is how many calls to the outside run at once; 0 is DefaultParallelism.
	Parallelism int
	// CallTimeout is how long one call may take before the destination or source counts as unreachable; 0 is
	// DefaultCallTimeout.
	CallTimeout time.Duration
	// SkipChecks leaves the checks alone.
	SkipChecks bool
}

// Observe looks at reality: at every destination that a backup uses its condition, what lies under the prefixes of its
// backups, what interrupted uploads left, and the manifests that the state does not know; then at the sources of the
// backups that are due. All the while the checks are asked and the cleanups looked at, each once. It changes nothing. What cannot be seen is said in the view concerned; the error is for the end
// of ctx only. All its goroutines have ended when it returns.
func Observe(ctx context.Context, specification *spec.Spec, document *state.Document, world *World, clock clock.Clock, options ObserveOptions) (*Observed, error) {
	o := newObservation(specification, world, clock, options)
	observed := &Observed{
		Destinations: make(map[string]*DestinationView),
		Sources:      make(map[string]*SourceView),
		Compressors:  make(map[string]string),
		Deploys:      make(map[string]*providers.DeployInspection),
	}
	checks := make(chan map[string]providers.Finding, 1)
	go func() {
		defer close(checks)
		if !options.SkipChecks {
			checks <- o.askChecks(ctx, document)
		}
	}()
	cleanups := make(chan map[string]*CleanupView, 1)
	go func() {
		defer close(cleanups)
		cleanups <- o.inspectCleanups(ctx, recordsOf(specification, document).document)
	}()
	err := o.observe(ctx, document, observed)
	observed.Checks, observed.Cleanups = <-checks, <-cleanups
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("asking the checks and looking at the cleanups: %w", ctx.Err())
	}
	if err != nil {
		return nil, err
	}
	return observed, nil
}

// observe looks at all but the checks and the cleanups.
func (o *observation) observe(ctx context.Context, document *state.Document, observed *Observed) error {
	specification := o.specification
	lookouts := o.lookouts(recordsOf(specification, document).document)
	for _, lookout := range lookouts {
		observed.Destinations[lookout.address] = lookout.view
	}
	o.lookAtAll(ctx, lookouts, observed)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("looking at the destinations: %w", err)
	}

	sources := dueSources(specification, document, observed, o.clock.Now())
	views := make([]*SourceView, len(sources))
	o.each(ctx, len(sources), func(ctx context.Context, i int) { views[i] = o.inspect(ctx, sources[i]) })
	for i, view := range views {
		observed.Sources[sources[i]] = view
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("looking at the sources: %w", err)
	}
	for _, backup := range specification.Backups {
		if codec, ok := backup.Codec.(providers.Implemented); ok && observed.Sources[backup.Source] != nil && backup.Codec.Method() != "gzip" {
			observed.Compressors[backup.Compression] = codec.Implementation()
		}
	}
	return nil
}

// observation is one call of Observe.
type observation struct {
	specification *spec.Spec
	world         *World
	clock         clock.Clock
	options       ObserveOptions
}

// newObservation fills in what the options leave out.
func newObservation(specification *spec.Spec, world *World, clock clock.Clock, options ObserveOptions) *observation {
	if options.Parallelism <= 0 {
		options.Parallelism = DefaultParallelism
	}
	if options.CallTimeout <= 0 {
		options.CallTimeout = DefaultCallTimeout
	}
	return &observation{specification: specification, world: world, clock: clock, options: options}
}

// each calls look for 0 to n-1, a bounded number at once, and waits for all of them.
func (o *observation) each(ctx context.Context, n int, look func(ctx context.Context, i int)) {
	var group errgroup.Group
	group.SetLimit(o.options.Parallelism)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			look(ctx, i)
			return nil
		})
	}
	// The functions report into views, never here.
	_ = group.Wait()
}

// errSlow is what a call ends with that did not answer in time.
var errSlow = errors.New("no answer in time")

// call runs one call to the outside with the time limit. What it says when it fails has no secret of the specification in it: it
// becomes a part of plans.
func (o *observation) call(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, o.options.CallTimeout, errSlow)
	defer cancel()
	err := o.specification.RedactError(do(limited))
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errSlow) {
		return fmt.Errorf("no answer within %s: %w", o.options.CallTimeout, err)
	}
	return err
}

// inspect looks at one source.
func (o *observation) inspect(ctx context.Context, address string) *SourceView {
	source, ok := o.world.Sources[address]
	if !ok {
		return &SourceView{Err: fmt.Errorf("%s is not in the specification", address)}
	}
	view := new(SourceView)
	view.Err = o.call(ctx, func(ctx context.Context) (err error) {
		view.Inspection, err = source.Inspect(ctx)
		return err
	})
	return view
}

// lookouts makes one for every destination that a backup uses, in the order of their first use.
func (o *observation) lookouts(document *state.Document) []*lookout {
	var ordered []*lookout
	byAddress, byBackup := make(map[string]*lookout), make(map[string][]*lookout)
	for _, backup := range o.specification.Backups {
		for _, address := range backup.To {
			if o.world.Destinations[address] == nil {
				// What is not built yet cannot be looked at.
				continue
			}
			at, ok := byAddress[address]
			if !ok {
				at = o.lookout(address)
				byAddress[address] = at
				ordered = append(ordered, at)
			}
			at.lists(prefix(backup))
			byBackup[backup.Address] = append(byBackup[backup.Address], at)
		}
	}
	for _, artifact := range document.Artifacts {
		for _, at := range byBackup[artifact.Backup] {
			at.lists(folderOf(artifact.Key))
		}
		for i := range artifact.Replicas {
			if at, ok := byAddress[artifact.Replicas[i].Destination]; ok {
				at.known[artifact.Key] = true
				at.expected[folderOf(artifact.Key)] += 2 // the bytes and their manifest
			}
		}
	}
	for _, intent := range document.Intents {
		for _, at := range byBackup[intent.Backup] {
			if intent.Key != "" {
				at.lists(folderOf(intent.Key))
			}
		}
	}
	for _, adoption := range o.specification.Imports {
		for _, at := range byBackup[adoption.To] {
			if sought := importPrefix(adoption.ID); sought != "" && !at.listed[folderOf(sought)] {
				at.lists(sought)
			}
		}
	}
	return ordered
}

// visit is one listing at one destination.
type visit struct {
	lookout *lookout
	group   group
}

// visitsOf lists what is to be listed. It takes the destinations in turns, so that a slow one does not hold all workers.
func visitsOf(lookouts []*lookout) []visit {
	var visits []visit
	groups := make([][]group, len(lookouts))
	for i, at := range lookouts {
		groups[i] = groupsOf(at.prefixes, at.expected)
	}
	for round := 0; ; round++ {
		before := len(visits)
		for i, at := range lookouts {
			if round < len(groups[i]) {
				visits = append(visits, visit{lookout: at, group: groups[i][round]})
			}
		}
		if len(visits) == before {
			return visits
		}
	}
}

// lookout watches one destination. ask comes first and alone; visit is called from several goroutines.
type lookout struct {
	*observation
	address     string
	destination providers.Destination
	// prefixes are what is listed, each once: the folders of the destination's backups under the names that they have and had.
	prefixes []string
	listed   map[string]bool
	// expected is how many objects each of them has, as far as the state knows.
	expected map[string]int
	// known are the keys of the copies that the state has here.
	known map[string]bool

	mu   sync.Mutex
	view *DestinationView
	// gaveUp ends the other calls to a destination that failed one.
	gaveUp context.CancelFunc
	alive  context.Context
}

// lists adds a prefix to what is listed.
func (l *lookout) lists(prefix string) {
	if !l.listed[prefix] {
		l.listed[prefix] = true
		l.prefixes = append(l.prefixes, prefix)
	}
}
