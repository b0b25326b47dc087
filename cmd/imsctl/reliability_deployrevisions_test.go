package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
)

// deployRevisions are what is deployed over release.Good2, in this order: what they are called in the table, and what is said of them.
var deployRevisions = []struct{ revision, called, said string }{
	{release.Sick, "never healthy", "503"},
	{release.Flaps, "healthy and not in turns", "503"},
	{release.ML, "healthy, and its model breaks", "500"},
	{release.Migration, "its migration fails", "customers: out of range"},
	{release.Broken, "its compose file is invalid", "restart"},
	{release.Good3, "good, one file of one service changed", "web restarted"},
}

// fewRevisions are those that are always deployed, by strategy.
var fewRevisions = map[string][]string{
	"hybrid": {release.ML, release.Good3},
	"github": {release.Flaps, release.Broken},
	"vm":     {release.Migration},
}

// revisionStrategies are those that bring a revision.
var revisionStrategies = []string{"hybrid", "github", "vm"}

// downtimeRow is the row of the table of times.
const downtimeRow = "nobody answers for"

// TestDeployRevisions deploys good and faulty revisions by each strategy that brings any, with a client that asks all the time. A faulty
// one is rolled back, with the reason.
func TestDeployRevisions(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and many deploys")
	}
	machine := deployMachine.Machine(t)
	run, down := make(map[tableCell]string), make(map[tableCell]string)
	for _, strategy := range revisionStrategies {
		s := newShop(t, machine, strategy, release.Options{})
		s.project.Checkout(t, release.Good2)
		s.open()
		for _, test := range deployRevisions {
			if os.Getenv(allVariable) == "" && !slices.Contains(fewRevisions[strategy], test.revision) {
				continue
			}
			t.Run(strategy+"/"+test.revision, func(t *testing.T) {
				ended, seen := s.on(t).deployRevision(test.revision, test.said)
				if t.Failed() {
					return
				}
				run[tableCell{"", test.called, strategy}] = ended
				if test.revision == release.Good3 {
					down[tableCell{"", downtimeRow, strategy}] = seen.Longest.Round(10 * time.Millisecond).String()
				}
			})
		}
		if os.Getenv(allVariable) != "" && strategy == revisionStrategies[len(revisionStrategies)-1] {
			t.Run("local", func(t *testing.T) {
				down[tableCell{"", downtimeRow, "local"}] = s.on(t).restart().Longest.Round(10 * time.Millisecond).String()
			})
		}
	}
	t.Log(down)
	if os.Getenv(allVariable) == "" {
		return
	}
	g := grid{columns: revisionStrategies}
	for _, test := range deployRevisions {
		g.rows = append(g.rows, test.called)
	}
	mergeTables(t, "TestDeployRevisions", []grid{g}, run)
	if os.Getenv("UPDATE_TABLE") == "1" {
		// It is no promise how long somebody has to wait, so that nothing else is compared with it.
		mergeTables(t, "TestDeployRevisions, downtime", []grid{{rows: []string{downtimeRow}, columns: deployStrategies}}, down)
	}
}

// restart restarts what runs, and returns what a client saw.
func (s *shop) restart() release.Report {
	s.t.Helper()
	poll := s.project.Poll(s.t)
	poll.Await(s.t, s.answers())
	r := s.start("deploy", "-auto-approve", "-again", "-strategy", "local")
	if code := r.wait(); code != exitDone {
		s.t.Errorf("the restart ends with %d: %s", code, r.output.String())
	}
	poll.Await(s.t, s.answers())
	seen := poll.Stop()
	s.t.Log(seen)
	return seen
}

// deployRevision deploys a revision over release.Good2, and returns how that ended and what a client saw.
func (s *shop) deployRevision(revision, wanted string) (ended string, seen release.Report) {
	s.t.Helper()
	// Nobody pushes by force but a test that begins anew.
	s.project.Push(s.t, release.Good2)
	s.project.Checkout(s.t, revision)
	before, containers := s.newest(), s.project.Containers(s.t)
	poll := s.project.Poll(s.t)
	poll.Await(s.t, release.Good2)
	code, said := s.apply()
	again := s.settle(s.project.Commit(revision))
	seen = poll.Stop()
	s.t.Log(seen)
	ended = s.phase(before)
	if !strings.Contains(strings.Join(strings.Fields(said), " "), wanted) {
		s.t.Errorf("%q is not said", wanted)
	}
	switch good := revision == release.Good3; {
	case good && (code != exitDone || ended != "promoted" || s.project.Containers(s.t)["worker"] != containers["worker"]):
		s.t.Errorf("it ended with %d, as %s, with %+v", code, ended, s.project.Containers(s.t))
	case !good && (code != exitError || ended != "rolled back"):
		s.t.Errorf("it ended with %d, as %s", code, ended)
	}
	if s.t.Failed() {
		s.t.Log(said, "\n-----\n", again)
	}
	return ended, seen
}
