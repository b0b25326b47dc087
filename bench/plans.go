package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The sizes of the plans: how many backups, each with a source of its own and so many artifacts in the state.
var planSizes = []int{1_000, 5_000, 20_000}

const artifactsPerBackup = 10

// One backup in so many is due.
const dueEvery = 10

// planned is one size of plan.
type planned struct {
	backups    int
	folder     string
	wall, peak series
}

// measurePlans plans specifications of several sizes against states of the same size, without looking at reality.
func measurePlans(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	var all []*planned
	for i, backups := range planSizes {
		p := &planned{backups: max(10, int(float64(backups)*s.scale)), folder: filepath.Join(folder, "plan"+strconv.Itoa(i))}
		all = append(all, p)
		if err := os.Mkdir(p.folder, 0o700); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(p.folder)) }()
		note("writing a specification and a state of %d backups", p.backups)
		if err := os.WriteFile(filepath.Join(p.folder, "bench.hcl"), specification(p.backups), 0o600); err != nil {
			return err
		}
		if err := writeStateElsewhere(ctx, p); err != nil {
			return err
		}
	}
	for round := range s.runs + 1 {
		for _, p := range all {
			note("round %d of %d: plan of %d backups", round, s.runs, p.backups)
			took, err := p.plan(ctx, program)
			if err != nil {
				return fmt.Errorf("plan of %d backups: %w", p.backups, err)
			}
			if round > 0 {
				p.wall = append(p.wall, took.wall.Seconds())
				p.peak = append(p.peak, float64(took.peak))
			}
		}
	}
	for _, p := range all {
		r.row(p.name()+": wall", p.wall, seconds)
		r.row(p.name()+": peak RSS (wait4)", p.peak, size)
	}
	for _, p := range all[1:] {
		perBackup := ratios(p.wall, all[0].wall)
		for i := range perBackup {
			perBackup[i] /= float64(p.backups) / float64(all[0].backups)
		}
		r.row(fmt.Sprintf("ratio of wall per backup: %d / %d backups", p.backups, all[0].backups), perBackup, ratio)
	}
	return nil
}

func (p *planned) name() string {
	return fmt.Sprintf("imsctl plan -refresh=false, %d backups × %d artifacts", p.backups, artifactsPerBackup)
}

// plan plans once and checks that the plan is the expected one.
func (p *planned) plan(ctx context.Context, program string) (usage, error) {
	var output counterWithTail
	command := newCommand(ctx, program, "plan", "-refresh=false", p.folder)
	command.Stdout = &output
	took, err := measure(ctx, command)
	if err != nil {
		return usage{}, err
	}
	due := (p.backups + dueEvery - 1) / dueEvery
	if want := fmt.Sprintf("Plan: %d to back up", due); !strings.Contains(string(output.tail), want) {
		return usage{}, fmt.Errorf("the plan does not end with %q but with %q", want, output.tail)
	}
	return took, nil
}

// counterWithTail keeps the end of what is written to it.
type counterWithTail struct{ tail []byte }

// Write implements io.Writer.
func (c *counterWithTail) Write(p []byte) (int, error) {
	const kept = 1000
	c.tail = append(c.tail, p...)
	c.tail = c.tail[max(0, len(c.tail)-kept):]
	return len(p), nil
}

// specification declares so many backups.
func specification(backups int) []byte {
	var b strings.Builder
	b.WriteString(`imsctl {
  state "local" {
    path = "state.json"
  }
}
retention "ten" {
  keep_last = 10
}
destination "local" "a" {
  path      = "a"
  retention = retention.ten
}
destination "local" "b" {
  path      = "b"
  retention = retention.ten
}
`)
	for i := range backups {
		fmt.Fprintf(&b, `source "command" %[1]q {
  command   = ["true"]
  extension = ".txt"
}
backup %[1]q {
  source      = source.command.%[1]s
  compression = compression.fast
  to          = [destination.local.a, destination.local.b]
  every       = "24h"
  min_copies  = 2
}
`, backupName(i))
	}
	return []byte(b.String())
}

func backupName(i int) string { return fmt.Sprintf("b%06d", i) }

// writeStateElsewhere writes the state in a process of its own: what this process once needed would count as the peak of
// everything that it starts later, because a new process begins with the memory of the one that forks.
func writeStateElsewhere(ctx context.Context, p *planned) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	newest := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
	return runQuietly(newCommand(ctx, self, writeStateCommand, filepath.Join(p.folder, "state.json"), strconv.Itoa(p.backups), newest))
}
