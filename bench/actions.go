package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// forgotten is how many actions are carried out that touch nothing but the state.
const forgotten = 5_000

// measureActions measures what every start costs, and what every step costs: an apply that drops the records of thousands of
// copies that are gone, each intent and each result made durable.
func measureActions(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	version, err := repeat(ctx, s, "imsctl version", func() (usage, error) { return measure(ctx, newCommand(ctx, program, "version")) })
	if err != nil {
		return err
	}
	version.rows(r, "imsctl version")

	// Each artifact has two copies.
	p := &planned{backups: max(1, int(forgotten*s.scale)/artifactsPerBackup/2), folder: filepath.Join(folder, "actions")}
	defer func() { err = errors.Join(err, os.RemoveAll(p.folder)) }()
	for _, destination := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(p.folder, destination), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(p.folder, "bench.hcl"), specification(p.backups), 0o600); err != nil {
		return err
	}
	actions := p.backups * artifactsPerBackup * 2
	applied, err := repeat(ctx, s, fmt.Sprintf("apply of %d actions", actions), func() (usage, error) { return p.forget(ctx, program, actions) })
	if err != nil {
		return err
	}
	applied.rows(r, fmt.Sprintf("imsctl apply, %d actions that touch only the state", actions))
	return nil
}

// forget applies once to a fresh state whose copies are all gone, and checks that every record went.
func (p *planned) forget(ctx context.Context, program string, actions int) (usage, error) {
	for _, leftover := range []string{"state.json", "state.json.journal", "state.json.backup"} {
		if err := os.RemoveAll(filepath.Join(p.folder, leftover)); err != nil {
			return usage{}, err
		}
	}
	if err := writeStateElsewhere(ctx, p); err != nil {
		return usage{}, err
	}
	var output counterWithTail
	command := newCommand(ctx, program, "apply", "-refresh-only", "-auto-approve", p.folder)
	command.Stdout = &output
	took, err := measure(ctx, command)
	if err != nil {
		return usage{}, err
	}
	if want := fmt.Sprintf("Apply complete: %d done.", actions); !strings.Contains(string(output.tail), want) {
		return usage{}, fmt.Errorf("the apply does not end with %q but with %q", want, output.tail)
	}
	return took, nil
}

// measured are the runs of one contender.
type measured struct{ wall, peak series }

// repeat measures so many rounds after one that warms up.
func repeat(ctx context.Context, s settings, what string, once func() (usage, error)) (measured, error) {
	note("%s", what)
	var all measured
	for round := range s.runs + 1 {
		took, err := once()
		if err != nil {
			return measured{}, fmt.Errorf("%s: %w", what, err)
		}
		if round > 0 {
			all.add(took)
		}
	}
	return all, ctx.Err()
}

// add adds one round.
func (m *measured) add(took usage) {
	m.wall, m.peak = append(m.wall, took.wall.Seconds()), append(m.peak, float64(took.peak))
}

// rows adds them to the table.
func (m measured) rows(r *report, what string) {
	r.row(what+": wall", m.wall, seconds)
	r.row(what+": peak RSS (wait4)", m.peak, size)
}
