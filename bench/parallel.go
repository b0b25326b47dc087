package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// parallelSessions is how many sessions copy tables in the benchmark. One is pg_dump alone.
var parallelSessions = []int{1, 2}

const parallelSpec = `
imsctl {
  state "local" {
    path = "state.json"
  }
}
source "postgres" "db" {
  url = %q
%s}
destination "local" "a" {
  path = "a"
}
compression "z" {
  method = "zstd"
}
backup "db" {
  source      = source.postgres.db
  compression = compression.z
  to          = [destination.local.a]
  every       = "1000d"
}
`

// measureParallel compares a dump by one session with one whose tables are copied by several at once.
func measureParallel(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	server, err := startFilledServer(ctx, s.scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	var all []*competitor
	for _, sessions := range parallelSessions {
		all = append(all, parallelBackup(program, server, sessions))
	}
	for round := range s.runs + 1 {
		for _, c := range all {
			note("round %d of %d: %s", round, s.runs, c.name)
			if err := c.turn(ctx, filepath.Join(folder, "turn"), round > 0); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, c := range all {
		r.row(c.name+": wall", c.wall, seconds)
		r.row(c.name+": peak RSS (wait4)", c.peak, size)
	}
	for _, c := range all[1:] {
		r.row("ratio of wall: "+c.name+" / "+all[0].name, ratios(c.wall, all[0].wall), ratio)
	}
	return nil
}

// parallelBackup is an apply with one copy.
func parallelBackup(program string, server *server, sessions int) *competitor {
	attribute := ""
	if sessions > 1 {
		attribute = fmt.Sprintf("  parallel = %d\n", sessions)
	}
	return &competitor{
		name: fmt.Sprintf("imsctl apply, parallel %d", sessions),
		prepare: func(_ context.Context, folder string) error {
			return os.WriteFile(filepath.Join(folder, "bench.hcl"), fmt.Appendf(nil, parallelSpec, server.url, attribute), 0o600)
		},
		run: func(ctx context.Context, folder string) (usage, error) {
			command := newCommand(ctx, program, "apply", "-auto-approve", folder)
			command.Env = server.environment()
			return measure(ctx, command)
		},
		stored: func(folder string) (int64, error) { return folderSize(filepath.Join(folder, "a")) },
	}
}
