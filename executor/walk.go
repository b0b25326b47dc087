package executor

import (
	"cmp"
	"container/heap"
	"context"
	"sync"

	"github.com/castrolanda/imsctl/planner"
)

// walk runs the actions with a fixed number of workers. An action is ready when all it waits for succeeded; of the
// ready ones the first in the plan's order goes first (of those with the lowest rank), and two of the same class never run together.
func (r *run) walk(ctx context.Context, actions []planner.Action) *Report {
	w := newWalker(actions)
	w.limit(r.Spec)
	workers := r.Parallelism
	if workers <= 0 {
		workers = DefaultParallelism
	}
	stop := context.AfterFunc(ctx, w.interrupt)
	defer stop()

	var group sync.WaitGroup
	for range min(workers, len(actions)) {
		group.Go(func() {
			for {
				index, ok := w.next()
				if !ok {
					return
				}
				w.finish(index, r.perform(ctx, actions[index]))
			}
		})
	}
	group.Wait()

	report := &Report{Entries: w.entries, Interrupted: ctx.Err() != nil}
	for _, entry := range report.Entries {
		if entry.Status == Skipped || entry.Status == NotStarted || entry.Status == Blocked {
			r.reporter.Ended(entry)
		}
	}
	return report
}

// walker hands out actions in the order of their dependencies. Its methods are safe for concurrent use.
type walker struct {
	mu      sync.Mutex
	changed *sync.Cond
	// waiting counts, per action, the dependencies that have not ended; dependants lists who waits for it.
	waiting    []int
	dependants [][]int
	ready      turns
	// class is what must not run twice at once ("" for none), busy are the classes that run now.
	class []string
	busy  map[string]bool
	// host is what an action reads from where that has a limit ("" for none), limits are those, and reading is how many do now.
	host    []string
	limits  map[string]int
	reading map[string]int
	// parked are the ready ones that wait for a class or a host, each by what it waits for: thousands that wait are not looked at again
	// whenever something ends.
	parked  map[resource]*turns
	running int
	stopped bool
	entries []Entry
}

func newWalker(actions []planner.Action) *walker {
	w := &walker{
		waiting:    make([]int, len(actions)),
		dependants: make([][]int, len(actions)),
		class:      make([]string, len(actions)),
		busy:       make(map[string]bool),
		host:       make([]string, len(actions)),
		reading:    make(map[string]int),
		parked:     make(map[resource]*turns),
		entries:    make([]Entry, len(actions)),
		ready:      turns{actions: actions},
	}
	w.changed = sync.NewCond(&w.mu)
	indexes := make(map[string]int, len(actions))
	for i, action := range actions {
		indexes[action.Common().Address] = i
		w.entries[i] = Entry{Action: action, Status: NotStarted}
		w.class[i] = class(action)
	}
	for i, action := range actions {
		for _, address := range action.Common().After {
			if dependency, ok := indexes[address]; ok {
				w.waiting[i]++
				w.dependants[dependency] = append(w.dependants[dependency], i)
			}
		}
	}
	for i := range actions {
		if w.waiting[i] == 0 {
			heap.Push(&w.ready, i)
		}
	}
	return w
}

// class names what an action must have for itself: a backup its source, an adoption the artifact's place in the state,
// because the first of several copies to be adopted records the artifact.
func class(action planner.Action) string {
	switch action := action.(type) {
	case *planner.Backup:
		return action.Source
	case *planner.Adopt:
		return action.Artifact
	case *planner.Verify:
		if action.Adopt != "" {
			return action.Artifact
		}
	}
	return ""
}

// next waits for an action that can run. It returns false when there will be none.
func (w *walker) next() (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.stopped {
			return 0, false
		}
		if index, ok := w.takeReady(); ok {
			w.running++
			return index, true
		}
		if w.running == 0 {
			return 0, false
		}
		w.changed.Wait()
	}
}

// resource is what ready actions wait for: a class that must not run twice, or room on a host.
type resource struct {
	isHost bool
	name   string
}

// needs are the resources of an action.
func (w *walker) needs(index int) [2]resource {
	return [2]resource{{false, w.class[index]}, {true, w.host[index]}}
}

// isFull reports whether an action that needs the resource has to wait. The one without a name never is.
func (w *walker) isFull(needed resource) bool {
	switch {
	case needed.name == "":
		return false
	case needed.isHost:
		return w.reading[needed.name] >= w.limits[needed.name]
	}
	return w.busy[needed.name]
}

// takeReady removes the first ready action whose class is free and whose host has room.
func (w *walker) takeReady() (int, bool) {
	for w.ready.Len() > 0 {
		index := heap.Pop(&w.ready).(int)
		if w.park(index) {
			continue
		}
		if name := w.class[index]; name != "" {
			w.busy[name] = true
		}
		w.reading[w.host[index]]++
		return index, true
	}
	return 0, false
}

// park puts an action aside that has to wait for a resource, and reports whether it does. Its turn at the other one is the next one's.
func (w *walker) park(index int) bool {
	for _, needed := range w.needs(index) {
		if !w.isFull(needed) {
			continue
		}
		waiting := w.parked[needed]
		if waiting == nil {
			waiting = &turns{actions: w.ready.actions}
			w.parked[needed] = waiting
		}
		heap.Push(waiting, index)
		w.unpark(index)
		return true
	}
	return false
}

// unpark makes the first of those ready that wait for a resource of an action, where it has room.
func (w *walker) unpark(index int) {
	for _, freed := range w.needs(index) {
		if waiting := w.parked[freed]; waiting != nil && waiting.Len() > 0 && !w.isFull(freed) {
			heap.Push(&w.ready, heap.Pop(waiting))
		}
	}
}

// finish records how an action ended and releases or skips what waits for it.
func (w *walker) finish(index int, entry Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.entries[index] = entry
	delete(w.busy, w.class[index])
	w.reading[w.host[index]]--
	w.unpark(index)
	if entry.Status == Done || entry.Status == Degraded {
		for _, dependant := range w.dependants[index] {
			if w.waiting[dependant]--; w.waiting[dependant] == 0 && w.entries[dependant].Status == NotStarted {
				heap.Push(&w.ready, dependant)
			}
		}
	} else {
		w.skipDependants(index)
	}
	w.changed.Broadcast()
}

// skipDependants marks everything that waits for index, directly or not.
func (w *walker) skipDependants(index int) {
	for _, dependant := range w.dependants[index] {
		if w.entries[dependant].Status == NotStarted {
			w.entries[dependant].Status = Skipped
			w.skipDependants(dependant)
		}
	}
}

// interrupt lets no further action start.
func (w *walker) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.changed.Broadcast()
}

// turns is a heap of positions in the plan: the lowest rank first, then the plan's order.
type turns struct {
	actions []planner.Action
	indexes []int
}

func (h *turns) Len() int { return len(h.indexes) }
func (h *turns) Less(i, j int) bool {
	a, b := h.indexes[i], h.indexes[j]
	return cmp.Or(cmp.Compare(h.actions[a].Common().Rank, h.actions[b].Common().Rank), cmp.Compare(a, b)) < 0
}
func (h *turns) Swap(i, j int) { h.indexes[i], h.indexes[j] = h.indexes[j], h.indexes[i] }
func (h *turns) Push(x any)    { h.indexes = append(h.indexes, x.(int)) }
func (h *turns) Pop() any {
	last := h.indexes[len(h.indexes)-1]
	h.indexes = h.indexes[:len(h.indexes)-1]
	return last
}
