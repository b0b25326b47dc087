package executor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// step makes an action for the walker: what it does is of no interest here.
func step(address string, after ...string) planner.Action {
	return &planner.Forget{Meta: planner.Meta{Address: address, After: after}}
}

// drain runs the walker with one worker and returns the order, failing the addresses that are named.
func drain(w *walker, failing ...string) []string {
	var order []string
	for {
		index, ok := w.next()
		if !ok {
			return order
		}
		address := w.entries[index].Action.Common().Address
		order = append(order, address)
		status := Done
		if slices.Contains(failing, address) {
			status = Failed
		}
		w.finish(index, Entry{Action: w.entries[index].Action, Status: status})
	}
}

func TestWalkFollowsDependenciesAndThenThePlan(t *testing.T) {
	w := newWalker([]planner.Action{step("a", "c"), step("b"), step("c"), step("d", "a", "b")})
	if got := strings.Join(drain(w), " "); got != "b c a d" {
		t.Errorf("order %q", got)
	}
}

func TestWalkSkipsWhatWaitsForAFailure(t *testing.T) {
	w := newWalker([]planner.Action{step("a"), step("b", "a"), step("c", "b"), step("d")})
	if got := strings.Join(drain(w, "a"), " "); got != "a d" {
		t.Errorf("order %q", got)
	}
	for i, want := range []Status{Failed, Skipped, Skipped, Done} {
		if got := w.entries[i].Status; got != want {
			t.Errorf("%s: %s, want %s", w.entries[i].Action.Common().Address, got, want)
		}
	}
}

func TestWalkStartsNothingAfterAnInterrupt(t *testing.T) {
	w := newWalker([]planner.Action{step("a"), step("b")})
	first, _ := w.next()
	w.interrupt()
	if _, ok := w.next(); ok {
		t.Error("an action started after the interrupt")
	}
	w.finish(first, Entry{Action: w.entries[first].Action, Status: Done})
	if got := w.entries[1].Status; got != NotStarted {
		t.Errorf("second action: %s", got)
	}
}

func TestWalkReadsASourceOnceAtATime(t *testing.T) {
	backup := func(address, source string) planner.Action {
		return &planner.Backup{Meta: planner.Meta{Address: address}, Source: source}
	}
	w := newWalker([]planner.Action{backup("a", "s"), backup("b", "s"), backup("c", "other")})
	first, _ := w.next()
	second, _ := w.next()
	if first != 0 || second != 2 {
		t.Fatalf("started %d and %d, want 0 and 2", first, second)
	}
	w.finish(first, Entry{Status: Done})
	if third, ok := w.next(); !ok || third != 1 {
		t.Errorf("then %d, %v; want 1", third, ok)
	}
}

// limitedHost is the configuration of a host with a limit.
type limitedHost struct{ providers.HostConfig }

func (limitedHost) Parallel() int { return 2 }

func TestWalkKeepsToTheLimitOfAHost(t *testing.T) {
	specification := &spec.Spec{
		Hosts:      []*spec.Host{{Address: "host.ssh.vm", Config: limitedHost{}}},
		References: map[string][]string{"1": {"host.ssh.vm"}, "2": {"host.ssh.vm"}, "3": {"host.ssh.vm"}, "4": {"host.local"}},
	}
	var actions []planner.Action
	for _, source := range []string{"1", "2", "3", "4"} {
		actions = append(actions, &planner.Backup{Meta: planner.Meta{Address: source}, Source: source})
	}
	w := newWalker(actions)
	w.limit(specification)
	var started []int
	for range 3 {
		index, _ := w.next()
		started = append(started, index)
	}
	if !slices.Equal(started, []int{0, 1, 3}) {
		t.Fatalf("started %v", started)
	}
	w.finish(1, Entry{Status: Failed})
	if next, ok := w.next(); !ok || next != 2 {
		t.Errorf("then %d, %v; want 2", next, ok)
	}
}

// TestWalkRandomGraphs runs random graphs with several workers and random failures: an action runs only after all that
// it waits for succeeded, runs at most once, and is skipped exactly when something it waits for did not succeed.
func TestWalkRandomGraphs(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 7))
		actions := make([]planner.Action, 1+random.IntN(40))
		for i := range actions {
			var after []string
			for j := range i {
				if random.IntN(6) == 0 {
					after = append(after, fmt.Sprint(j))
				}
			}
			actions[i] = step(fmt.Sprint(i), after...)
		}
		fails := make([]bool, len(actions))
		for i := range fails {
			fails[i] = random.IntN(5) == 0
		}
		w := newWalker(actions)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for {
					index, ok := w.next()
					if !ok {
						return
					}
					status := Done
					if fails[index] {
						status = Failed
					}
					w.finish(index, Entry{Action: actions[index], Status: status})
				}
			})
		}
		group.Wait()
		checkWalk(t, seed, w, fails)
	}
}

func checkWalk(t *testing.T, seed uint64, w *walker, fails []bool) {
	t.Helper()
	expected := make(map[string]Status)
	for i, entry := range w.entries {
		meta := entry.Action.Common()
		want := Done
		if fails[i] {
			want = Failed
		}
		for _, dependency := range meta.After {
			if expected[dependency] != Done {
				want = Skipped
			}
		}
		expected[meta.Address] = want
		if entry.Status != want {
			t.Fatalf("seed %d: action %s is %s, want %s", seed, meta.Address, entry.Status, want)
		}
	}
}

// TestWalkWithClassesAndHosts: whatever waits for what, everything runs once, never two of a class or more on a host than it allows,
// and what waits for a host is not looked at whenever something ends.
func TestWalkWithClassesAndHosts(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 8))
		specification := &spec.Spec{Hosts: []*spec.Host{{Address: "host.ssh.a", Config: limitedHost{}}, {Address: "host.ssh.b", Config: limitedHost{}}},
			References: make(map[string][]string)}
		actions := make([]planner.Action, 1+random.IntN(60))
		for i := range actions {
			source := fmt.Sprint("s", random.IntN(1+len(actions)/2))
			meta := planner.Meta{Address: fmt.Sprint(i), Rank: random.IntN(3)}
			if i > 0 && random.IntN(4) == 0 {
				meta.After = []string{fmt.Sprint(random.IntN(i))}
			}
			actions[i] = &planner.Backup{Meta: meta, Source: source}
			specification.References[source] = []string{[]string{"host.ssh.a", "host.ssh.b", "host.local"}[random.IntN(3)]}
		}
		w := newWalker(actions)
		w.limit(specification)
		var running []int
		for done := 0; done < len(actions); {
			for len(running) < 4 && w.canStart() {
				index, ok := w.next()
				if !ok {
					t.Fatalf("seed %d: nothing runs after %d of %d", seed, done, len(actions))
				}
				running = append(running, index)
			}
			if len(running) == 0 {
				t.Fatalf("seed %d: %d of %d wait for ever", seed, len(actions)-done, len(actions))
			}
			sources, hosts := make(map[string]int), make(map[string]int)
			for _, index := range running {
				sources[w.class[index]]++
				hosts[w.host[index]]++
				if sources[w.class[index]] > 1 || w.host[index] != "" && hosts[w.host[index]] > 2 {
					t.Fatalf("seed %d: together: %v", seed, running)
				}
			}
			ended := random.IntN(len(running))
			w.finish(running[ended], Entry{Action: actions[running[ended]], Status: Done})
			running = slices.Delete(running, ended, ended+1)
			done++
		}
	}
}

// canStart reports whether an action can start now, by looking at all of them.
func (w *walker) canStart() bool {
	for i := range w.entries {
		ready := slices.Contains(w.ready.indexes, i)
		for _, parked := range w.parked {
			ready = ready || slices.Contains(parked.indexes, i)
		}
		if needs := w.needs(i); ready && !w.isFull(needs[0]) && !w.isFull(needs[1]) {
			return true
		}
	}
	return false
}
