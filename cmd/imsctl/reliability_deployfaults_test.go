package main

import (
	"fmt"
	"os"
	"strings"
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

// fewFaults are the cells that are always run, by their places.
var fewFaults = map[string][]string{
	diskFull: {whileVerifying}, "remote down": {whileStaged}, "host down": {whileActivating}, "host reboot": {whileRollingBack},
	"SSH cut": {whileVerifying}, "kill -9": {whileStaged, whileActivating},
}

// TestDeployFaults lets everything go wrong while a deploy is held up at each place, and holds what is there after the next applies
// against what is promised. docs/reliability.md has the table that comes out of it.
func TestDeployFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and many deploys")
	}
	machine := release.New(t)
	usual, small := newShop(t, machine, "hybrid", release.Options{}), newShop(t, machine, "hybrid", release.Options{Disk: 400 << 20})
	usual.revise(nil)
	usual.open()
	small.revise(nil)
	small.open()
	table := make(map[string]string)
	for _, fault := range deployFaults {
		s, places := usual, deployPlaces
		if fault.name == diskFull {
			s = small
		}
		if os.Getenv(allVariable) == "" {
			places = fewFaults[fault.name]
		}
		row := []string{fault.name}
		for _, place := range places {
			t.Run(fault.name+"/"+place, func(t *testing.T) { row = append(row, s.on(t).suffer(fault, place)) })
		}
		table[fault.name] = "| " + strings.Join(row, " | ") + " |\n"
	}
	if os.Getenv(allVariable) == "" || t.Failed() {
		return
	}
	text := fmt.Sprintf("| | %s |\n|---|%s\n", strings.Join(deployPlaces, " | "), strings.Repeat("---|", len(deployPlaces)))
	for _, fault := range deployFaults {
		text += table[fault.name]
	}
	compareTable(t, "TestDeployFaults", text)
}

// suffer deploys one more revision and lets it suffer. It returns what the table says: how the deploy ended, and after an arrow how
// the next applies ended it where that is something else.
func (s *shop) suffer(fault deployFault, place string) string {
	s.t.Helper()
	var others map[string]string
	if place == whileRollingBack {
		others = map[string]string{"web/health": "answer '503 Service Unavailable' '{\"status\":\"no database\"}'\n"}
	}
	poll := s.project.Poll(s.t)
	poll.Await(s.t, s.answers())
	before := len(s.releases())
	revision := s.revise(others)
	s.hold(place)
	r := s.start("apply", "-auto-approve")
	s.await(place, revision, r)
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
	if others != nil {
		s.project.Git(s.t, "revert", "--no-edit", "HEAD")
	}
	ended := first
	if last := s.phase(before); last != first {
		ended += " → " + last
	}
	s.t.Log(ended)
	return ended
}
