package main

import (
	"os"
	"slices"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv/release"
)

// allVariable has all cells of the tables of deploys run, and not only a few of each kind.
const allVariable = "IMSCTL_RELIABILITY_ALL"

// deployFault is something that breaks while a deploy is held up.
type deployFault struct {
	name string
	// cause breaks it, mend mends it when the deploy has ended.
	cause func(*shop, *running)
	mend  func(*shop)
}

// deployFaults are the rows of the table.
var deployFaults = []deployFault{
	{name: diskFull, cause: func(s *shop, _ *running) { s.project.Fill(s.t) }, mend: func(s *shop) { s.project.Free(s.t) }},
	{name: "remote down", cause: func(s *shop, _ *running) { s.project.Remote.Down() }, mend: func(s *shop) { s.project.Remote.Up() }},
	{name: "host down", cause: func(s *shop, _ *running) { s.project.Machine.PowerOff(s.t) }, mend: func(s *shop) { s.project.Machine.PowerOn(s.t) }},
	{name: "host reboot", cause: func(s *shop, _ *running) { s.project.Machine.Reboot(s.t) }},
	{name: "SSH cut", cause: func(s *shop, _ *running) { s.project.Machine.SSH.Cut() }},
	{name: "kill -9", cause: func(_ *shop, r *running) { r.kill() }},
}

// diskFull needs a small disk, which does not survive a loss of power: it comes first.
const diskFull = "disk full"

// deployPlaces are the columns.
var deployPlaces = []string{whileBackingUp, whileChecking, whileStaged, whileActivating, whileVerifying, whileRollingBack}

// deployStrategies have a table each.
var deployStrategies = []string{"hybrid", "github", "vm", "local"}

// fewFaults are the cells that are always run, by their strategies and faults.
var fewFaults = map[string]map[string][]string{
	"hybrid": {diskFull: {whileVerifying}, "host down": {whileActivating}},
	"github": {"remote down": {whileChecking}},
	"vm":     {"host reboot": {whileStaged}, "kill -9": {whileVerifying}},
	"local":  {"SSH cut": {whileRollingBack}},
}

// TestDeployFaults lets everything go wrong while a deploy is held up at each place, and holds what is there after the next applies
// against what is promised. docs/reliability.md has the tables that come out of it.
func TestDeployFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and many deploys")
	}
	machine := deployMachine.Machine(t)
	small, usual := newShop(t, machine, "hybrid", release.Options{Disk: 400 << 20}), newShop(t, machine, "hybrid", release.Options{})
	for _, s := range []*shop{small, usual} {
		s.revise(nil)
		s.open()
	}
	run := make(map[tableCell]string)
	// What needs the small disk comes first, for all strategies.
	for _, fault := range deployFaults {
		s := usual
		if fault.name == diskFull {
			s = small
		}
		for _, strategy := range deployStrategies {
			t.Run(strategy+"/"+fault.name, func(t *testing.T) {
				for _, place := range deployPlaces {
					if os.Getenv(allVariable) == "" && !slices.Contains(fewFaults[strategy][fault.name], place) {
						continue
					}
					entry := ""
					if strategy == "local" && place == whileStaged {
						entry = notThere
					} else if !t.Run(place, func(t *testing.T) { entry = s.on(t).suffer(strategy, fault, place) }) || entry == "" {
						continue // it failed, or was not asked for with -run
					}
					run[tableCell{strategy, fault.name, place}] = entry
				}
				if os.Getenv(allVariable) != "" {
					mergeTables(t, "TestDeployFaults", faultGrids(), run)
				}
			})
		}
	}
}

// faultGrids are the tables, one for each strategy.
func faultGrids() []grid {
	var grids []grid
	for _, strategy := range deployStrategies {
		g := grid{corner: strategy, columns: deployPlaces}
		for _, fault := range deployFaults {
			g.rows = append(g.rows, fault.name)
		}
		grids = append(grids, g)
	}
	return grids
}

// notThere is the entry for a place that a deploy does not come to.
const notThere = "—"

// suffer makes one more deploy by a strategy and lets it suffer. It returns what the table says: how the deploy ended, and after an
// arrow how the next applies ended it where that is something else.
func (s *shop) suffer(strategy string, fault deployFault, place string) string {
	s.t.Helper()
	s.declare(strategy)
	poll := s.project.Poll(s.t)
	poll.Await(s.t, s.answers())
	before := s.newest()
	revision := s.occasion(place)
	s.hold(place)
	r := s.start("apply", "-auto-approve")
	s.await(place, revision, r)
	if strategy == "local" && place == whileRollingBack {
		s.removeData("bad")
	}
	fault.cause(s, r)
	s.letGo(place)
	r.wait()
	first := s.phase(before)
	if fault.mend != nil {
		fault.mend(s)
	}
	said := s.settle(s.project.Commit(revision))
	s.t.Log(poll.Stop())
	if s.t.Failed() {
		s.t.Logf("the apply that suffers it: %s\n-----\n%s", r.output.String(), said)
	}
	if strategy != "local" && place == whileRollingBack {
		s.project.Git(s.t, "revert", "--no-edit", "HEAD")
	}
	ended := first
	if last := s.phase(before); last != first {
		ended += " → " + last
	}
	s.t.Log(ended)
	return ended
}

// occasion makes that there is something to deploy, and returns the revision: a new one, which never gets healthy where it is to be rolled
// back; or, as local brings none, the one that runs, without one of its containers, which is not taken for well where it is to be rolled back.
func (s *shop) occasion(place string) string {
	s.t.Helper()
	if s.strategy != "local" {
		var others map[string]string
		if place == whileRollingBack {
			others = map[string]string{"web/health": "answer '503 Service Unavailable' '{\"status\":\"no database\"}'\n"}
		}
		return s.revise(others)
	}
	runs := s.answers()
	if s.project.Commit(runs) != s.project.Git(s.t, "rev-parse", "HEAD") {
		s.declare("hybrid")
		runs = s.revise(nil)
		if code, said := s.apply(); code != exitDone {
			s.t.Fatal(said)
		}
		s.declare("local")
	}
	if place == whileRollingBack {
		if err := os.WriteFile(s.data("bad"), nil, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	s.project.Machine.Run(s.t, "docker rm --force "+s.project.Containers(s.t)["web"].ID)
	return runs
}
