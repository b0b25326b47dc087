package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/planner"
)

// The rows and columns of the matrix.
var (
	matrixFaults  = []string{"exit≠0", "killed", "stalled", "short read", "disk full", "503", "reset mid-chunk", "412", "403", "slow", "lost response", "clock skew", "kill -9"}
	matrixTargets = []string{"source", "codec", "local", "gcs", "azblob", "strict", "manifest write", "state write"}
)

// cell is what one fault does at one place.
type cell struct {
	// none says why there is no such thing; all else is then empty.
	none string
	// to are the destinations, method is the compression.
	to     []string
	method string
	// database makes it the source.
	database bool
	// arm lets something go wrong from now on.
	arm func(*site)
	// do is the apply that suffers it, s.suffer when nil. It returns what became of the backup.
	do func(*site) string
	// doubted: some clock was wrong when the backup was stored, so that stores with a clock keep the one before it too.
	doubted bool
	// size is about how many bytes the source gives then, 0 for as many as before.
	size int
}

// Outcomes of the backup in the apply that suffers a fault.
const (
	interrupted = "interrupted"
	killed      = "killed"
)

// TestFaultMatrix lets everything go wrong everywhere, once each, holds what is left against what is promised, and mends it with
// the next apply. docs/reliability.md has the table that comes out of it.
func TestFaultMatrix(t *testing.T) {
	c, server := startClouds(t), testenv.Postgres(t)
	cells := matrix(t)
	table := make(map[[2]string]string)
	for _, target := range matrixTargets {
		for _, fault := range matrixFaults {
			list := cells[[2]string{fault, target}]
			if len(list) == 0 {
				t.Errorf("nothing says what %s does to %s", fault, target)
			}
			var results []string
			for i, suffered := range list {
				if suffered.none != "" {
					results = append(results, "—: "+suffered.none)
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", target, fault, i), func(t *testing.T) {
					database := ""
					if suffered.database {
						name := fmt.Sprintf("d%d", len(table))
						server.CreateDatabase(t, name)
						// What is dumped last is asked for when all the rest is written.
						server.Exec(t, name, "create table rows as select n, md5(n::text) as text from generate_series(1, 10000) n; create table zeros as select 0 as n")
						database = server.URL(name)
					}
					results = append(results, suffered.run(t, c, database))
				})
			}
			table[[2]string{fault, target}] = strings.Join(slices.Compact(results), " / ")
		}
	}
	if !t.Failed() {
		compareMatrix(t, table)
	}
}

// run takes a backup, lets the fault happen to the next one, and mends what is left. It returns what the table says.
func (c cell) run(t *testing.T, shared *clouds, database string) string {
	method := c.method
	if method == "" {
		method = "fast"
	}
	s := newSite(t, shared, method, database, c.to...)
	defer s.heal()
	s.healthy("due.hcl")
	before := s.check(nil)
	s.change(max(20_000, c.size))
	if c.arm != nil {
		c.arm(s)
	}
	do := c.do
	if do == nil {
		do = (*site).suffer
	}
	outcome := do(s)
	s.heal()
	s.check(before)
	// A backup that was not taken is taken now, because its file says that it is due; nothing else is due for a day.
	file := "due.hcl"
	if outcome == string(executor.Done) || outcome == string(executor.Degraded) || s.lost != "" {
		file = "calm.hcl"
	}
	repair := kinds(s.plan(file))
	s.mend(file)
	after := s.check(nil)
	for _, address := range c.to {
		want := 1
		if c.doubted && address != atDisk {
			// By its own clock the one that is recorded as the older may be the newer.
			want = 2
		}
		if len(after[address]) != want {
			t.Errorf("%s has %q at the end", address, after[address])
		}
	}
	if database != "" {
		s.restoreDatabase()
	}
	if len(repair) == 0 {
		return outcome
	}
	return outcome + " → " + strings.Join(repair, ", ")
}

// suffer applies although something goes wrong, and returns what became of the backup.
func (s *site) suffer() string {
	report, err := s.apply(s.t.Context(), "due.hcl")
	if report == nil {
		s.t.Logf("nothing was done: %v", err)
		return "refused"
	}
	return s.outcome(report)
}

// outcome is what became of the backup.
func (s *site) outcome(report *executor.Report) string {
	for _, entry := range report.Entries {
		s.t.Logf("%s: %s %v", entry.Action.Common().Address, entry.Status, entry.Err)
	}
	for _, entry := range report.Entries {
		if entry.Action.Kind() == planner.KindBackup {
			return string(entry.Status)
		}
	}
	s.t.Error("there was no backup in the plan")
	return ""
}

// interrupt applies, and ends that when it has come to something.
func interrupt(s *site, reached <-chan struct{}) string {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	go func() {
		select {
		case <-reached:
			cancel()
		case <-ctx.Done():
		}
	}()
	report, err := s.apply(ctx, "due.hcl")
	if report == nil || !report.Interrupted {
		s.t.Errorf("the apply was not interrupted: %+v, %v", report, err)
	}
	return interrupted
}

// kill applies in a process of its own, and kills that when it has come to something.
func kill(s *site, reached <-chan struct{}, release func()) string {
	child := s.child("due.hcl")
	if err := child.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = child.Wait()
	}()
	select {
	case <-reached:
		if err := child.Process.Kill(); err != nil {
			s.t.Error(err)
		}
	case <-ended:
		s.t.Error("the apply ended before it came to be killed")
	}
	<-ended
	release()
	return killed
}

// held runs something with a source that stops in the middle.
func held(do func(s *site, reached <-chan struct{}, release func()) string) func(*site) string {
	return func(s *site) string {
		reached, release := s.hold()
		return do(s, reached, release)
	}
}
