package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/bench/fleet"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
	"github.com/castrolanda/imsctl/state/postgres"
	"github.com/castrolanda/imsctl/state/remote"
)

// fleetCommand makes this program do one thing to a fleet and end: bench fleet WHAT FOLDER SCALE TIME. It then prints a line for each
// thing that it measured: its name, a tab, seconds.
const fleetCommand = "fleet"

// The things.
const (
	fleetFill    = "fill"
	fleetPlan    = "plan"
	fleetFarPlan = "far-plan"
	fleetRecord  = "record"
)

// farLatency is how long each page of a listing and each look at a source takes in a plan of far places, and farParallelism how many at
// once.
const (
	farLatency     = 50 * time.Millisecond
	farParallelism = 50
)

// fleetRuns is how many rounds are enough: each takes long, and has many records.
const fleetRuns = 3

// fleetURL is the environment variable with the database that a state goes to.
const fleetURL = "IMSCTL_BENCH_URL"

// fleetOf is the fleet at a scale.
func fleetOf(scale float64, now time.Time) fleet.Fleet {
	return fleet.Fleet{Hosts: max(1, int(1000*scale)), Databases: max(20, int(10_000*scale)), Artifacts: 30, Now: now}
}

// fleetProcess does one thing.
func fleetProcess(arguments []string) error {
	what, folder := arguments[0], arguments[1]
	scale, err := strconv.ParseFloat(arguments[2], 64)
	if err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, arguments[3])
	if err != nil {
		return err
	}
	laps := &fleet.Laps{Note: func(what string, took time.Duration) { fmt.Printf("%s\t%g\n", what, took.Seconds()) }}
	fleet, ctx := fleetOf(scale, now), context.Background()
	var backend state.Backend = local.New(filepath.Join(folder, "state.json"), clock.System{}, "bench")
	if url := os.Getenv(fleetURL); url != "" {
		medium, err := postgres.New(postgres.Config{URL: url, Schema: "imsctl", Name: "fleet"})
		if err != nil {
			return err
		}
		backend = remote.New(medium, remote.Options{Clock: clock.System{}, Version: "bench", Folder: folder})
	}
	return fleetThing(ctx, what, folder, fleet, backend, laps)
}

// fleetThing is what fleetProcess does, for a fleet whose state is in a backend.
func fleetThing(ctx context.Context, what, folder string, simulated fleet.Fleet, backend state.Backend, laps *fleet.Laps) error {
	switch what {
	case fleetFill:
		if err := simulated.Write(folder, "  state \"local\" {\n    path = \"state.json\"\n  }\n"); err != nil {
			return err
		}
		return fleet.Fill(ctx, backend, simulated.Document(), laps)
	case fleetPlan:
		_, err := simulated.Plan(ctx, folder, backend, 0, 0, laps)
		return err
	case fleetFarPlan:
		pages, err := simulated.Plan(ctx, folder, backend, farLatency, farParallelism, laps)
		fmt.Printf("pages\t%d\n", pages)
		return err
	case fleetRecord:
		return simulated.Record(ctx, backend, laps)
	}
	return fmt.Errorf("a fleet cannot %s", what)
}

// fleetBench is the benchmark of a fleet.
type fleetBench struct {
	self, folder string
	settings     settings
	fleet        fleet.Fleet
	// url is the database with the state, empty for the state in the folder.
	url string
}

// do does one thing in a process of its own, and returns what it measured.
func (b *fleetBench) do(ctx context.Context, what string) (map[string]series, usage, error) {
	note("fleet of %d databases: %s", b.fleet.Databases, what)
	command := newCommand(ctx, b.self, fleetCommand, what, b.folder, fmt.Sprint(b.settings.scale), b.fleet.Now.Format(time.RFC3339))
	command.Env = append(os.Environ(), fleetURL+"="+b.url)
	var output bytes.Buffer
	command.Stdout = &output
	took, err := measure(ctx, command)
	if err != nil {
		return nil, usage{}, err
	}
	measured := make(map[string]series)
	for line := range strings.Lines(output.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, usage{}, fmt.Errorf("%s said %q", what, line)
		}
		measured[name] = append(measured[name], number)
	}
	return measured, took, nil
}

// measureScale measures a fleet of a thousand hosts and ten thousand databases: plans with places that are simulated, plans of the program
// that look at no place, and the records of two backends.
func measureScale(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	s.runs = min(s.runs, fleetRuns)
	b := &fleetBench{self: self, folder: filepath.Join(folder, "fleet"), settings: s, fleet: fleetOf(s.scale, time.Now().UTC().Truncate(time.Second))}
	if err := os.Mkdir(b.folder, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()
	filled, _, err := b.do(ctx, fleetFill)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(b.folder, "state.json"))
	if err != nil {
		return err
	}
	r.fact("a fleet of %d hosts and %d databases with %d artifacts at 2 or 3 destinations each; its state has %s; %d backups are due",
		b.fleet.Hosts, b.fleet.Databases, b.fleet.Databases*b.fleet.Artifacts, size(float64(info.Size())), b.fleet.Due())
	if err := b.plans(ctx, program, r); err != nil {
		return err
	}
	if err := b.records(ctx, "local", filled["snapshot"], r); err != nil {
		return err
	}
	return b.onPostgres(ctx, r)
}

// plans measures plans.
func (b *fleetBench) plans(ctx context.Context, program string, r *report) error {
	near, far := make(map[string]series), make(map[string]series)
	var commands, simulated measured
	var processor series
	for round := range b.settings.runs + 1 {
		var output counterWithTail
		command := newCommand(ctx, program, "plan", "-refresh=false", b.folder)
		command.Stdout = &output
		note("round %d of %d: plan of the program", round, b.settings.runs)
		took, err := measure(ctx, command)
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("Plan: %d to back up", b.fleet.Due()); !strings.Contains(string(output.tail), want) {
			return fmt.Errorf("the plan does not end with %q but with %q", want, output.tail)
		}
		laps, whole, err := b.do(ctx, fleetPlan)
		if err != nil {
			return err
		}
		farLaps, _, err := b.do(ctx, fleetFarPlan)
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		commands.add(took)
		processor = append(processor, took.cpu.Seconds())
		simulated.add(whole)
		addLaps(near, laps)
		addLaps(far, farLaps)
	}
	commands.rows(r, "imsctl plan -refresh=false of the fleet")
	r.row("imsctl plan -refresh=false of the fleet: processor time", processor, seconds)
	for _, step := range []string{"specification", "state", "look", "compare", "print", "whole"} {
		r.row("plan of the fleet, places answer at once: "+step, near[step], seconds)
	}
	r.row("plan of the fleet, places answer at once: peak RSS, simulation included", simulated.peak, size)
	r.row(fmt.Sprintf("plan of the fleet, %s for each answer, %d at once: look (%.0f pages)", farLatency, farParallelism, far["pages"].median()), far["look"], seconds)
	r.row(fmt.Sprintf("plan of the fleet, %s for each answer, %d at once: whole", farLatency, farParallelism), far["whole"], seconds)
	return nil
}

// addLaps adds what one process measured, and its sum.
func addLaps(all, laps map[string]series) {
	whole := 0.0
	for name, values := range laps {
		all[name] = append(all[name], values...)
		if name == "pages" {
			continue
		}
		for _, value := range values {
			whole += value
		}
	}
	all["whole"] = append(all["whole"], whole)
}

// records measures a backend that is filled already.
func (b *fleetBench) records(ctx context.Context, name string, snapshot series, r *report) error {
	all := make(map[string]series)
	for range b.settings.runs {
		laps, _, err := b.do(ctx, fleetRecord)
		if err != nil {
			return err
		}
		for lap, values := range laps {
			all[lap] = append(all[lap], values...)
		}
	}
	r.row("state "+name+": lock and load", all["lock"], seconds)
	r.row("state "+name+": one record, durable", all["record"], seconds)
	r.row("state "+name+": end of a run of one action", all["end of a run of 1"], seconds)
	end := fmt.Sprintf("end of a run of %d", fleet.Steps)
	r.row("state "+name+": "+end, all[end], seconds)
	r.row("state "+name+": a whole snapshot, which is written seldom", snapshot, seconds)
	return nil
}

// onPostgres measures the state in a database.
func (b *fleetBench) onPostgres(ctx context.Context, r *report) (err error) {
	server, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	other := *b
	other.url = server.url
	filled, _, err := other.do(ctx, fleetFill)
	if err != nil {
		return err
	}
	return other.records(ctx, "postgres", filled["snapshot"], r)
}
