package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
)

// interruptions are what a deploy may suffer at any moment.
var interruptions = map[string]func(*shop, *running){
	"kill -9":     func(_ *shop, r *running) { r.kill() },
	"Ctrl-C":      func(_ *shop, r *running) { _ = r.command.Process.Signal(syscall.SIGINT) },
	"SSH cut":     func(s *shop, _ *running) { s.project.Machine.SSH.Cut() },
	"host reboot": func(s *shop, _ *running) { s.project.Machine.Reboot(s.t) },
}

// changes are what a revision may have beside its name.
var changes = map[string]map[string]string{
	"good":      nil,
	"service":   {"worker/work": "while :; do date >/tmp/working; sleep 3; done\n"},
	"sick":      {"web/health": "answer '503 Service Unavailable' '{\"status\":\"no database\"}'\n"},
	"migration": {"migrations/900-fails": "false\n"},
}

// TestRandomDeploys interrupts deploys of random revisions by random strategies at random moments, and holds what is there after the next
// applies against what is promised.
func TestRandomDeploys(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and many deploys")
	}
	rounds, seed := 3, uint64(time.Now().UnixNano())
	for name, set := range map[string]func(uint64){roundsVariable: func(n uint64) { rounds = int(n) }, seedVariable: func(n uint64) { seed = n }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	t.Logf("seed %d: %s=%d repeats what is chosen, though not when it happens", seed, seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(names []string) string { return names[random.IntN(len(names))] }
	s := newShop(t, deployMachine.Machine(t), "hybrid", release.Options{})
	began := time.Now()
	s.revise(nil)
	s.open()
	window, poll := time.Since(began), s.project.Poll(t)
	ends := make(map[string]int)
	for round := range rounds {
		strategy, change := pick([]string{"hybrid", "github", "vm"}), pick(slices.Sorted(maps.Keys(changes)))
		what, moment := pick(slices.Sorted(maps.Keys(interruptions))), time.Duration(random.Int64N(int64(window)))
		before := s.newest()
		s.declare(strategy)
		revision := s.revise(changes[change])
		r := s.start("apply", "-auto-approve")
		select {
		case <-r.ended:
		case <-time.After(moment):
			interruptions[what](s, r)
		}
		code := r.wait()
		first := s.phase(before)
		said := s.settle(s.project.Commit(revision))
		last := s.phase(before)
		story := fmt.Sprintf("round %d: %s of a %s revision by %s after %s: it ended with %d as %s, and then as %s", round, what, change, strategy, moment.Round(time.Millisecond), code, first, last)
		t.Log(story)
		ends[last]++
		if first != last {
			ends["taken up"]++
		}
		if last != "promoted" && last != "rolled back" {
			t.Error("it is not told how it ended")
		}
		if good := change != "sick" && change != "migration"; !good && last == "promoted" {
			t.Error("a revision that is not well was promoted")
		}
		if t.Failed() {
			t.Fatalf("%s\n%s\n-----\n%s", story, r.output.String(), said)
		}
		s.restore(change)
	}
	t.Logf("%d interrupted deploys: %d promoted, %d rolled back, of which %d were taken up by the next apply; the client saw: %s",
		rounds, ends["promoted"], ends["rolled back"], ends["taken up"], poll.Stop().Sum())
}

// restore makes what a change broke good again in the working repository, with the next revision.
func (s *shop) restore(change string) {
	s.t.Helper()
	switch change {
	case "sick":
		s.project.Git(s.t, "checkout", "--quiet", release.Good1, "--", "web/health")
	case "migration":
		s.project.Git(s.t, "rm", "--quiet", "-f", "migrations/900-fails")
	}
}
