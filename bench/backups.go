package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// competitor is one way of backing the database up. prepare makes a fresh place for it, which is not timed; run is timed;
// stored is how many bytes it left, per copy.
type competitor struct {
	name    string
	prepare func(ctx context.Context, folder string) error
	run     func(ctx context.Context, folder string) (usage, error)
	stored  func(folder string) (int64, error)
	// missing says why it cannot run here, if so.
	missing string

	wall, peak, childPeak, size series
}

// measureBackups compares imsctl with pg_dump alone, with gzip and with restic.
func measureBackups(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	server, err := startFilledServer(ctx, s.scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	dump, err := dumpSize(ctx, server)
	if err != nil {
		return err
	}
	r.fact("%s; dump of %s (%d bytes)", versionOf(ctx, server.pgDump, "--version"), size(float64(dump)), dump)

	ours := imsctl(program, server)
	null := pgDumpAlone(server)
	zipped := pgDumpGzip(server)
	restic := resticBackup(ctx, server, r)
	all := []*competitor{ours, null, zipped, restic}
	for round := range s.runs + 1 {
		for _, c := range all {
			if c.missing != "" {
				continue
			}
			note("round %d of %d: %s", round, s.runs, c.name)
			if err := c.turn(ctx, filepath.Join(folder, "turn"), round > 0); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	describe(r, ours, null, zipped, restic)
	return nil
}

// turn runs a competitor once in a fresh folder, which is gone afterwards. The round that warms up does not count.
func (c *competitor) turn(ctx context.Context, folder string, counts bool) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := c.prepare(ctx, folder); err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	took, err := c.run(ctx, folder)
	if err != nil {
		return err
	}
	stored, err := c.stored(folder)
	if err != nil {
		return fmt.Errorf("measuring what was stored: %w", err)
	}
	if counts {
		c.wall = append(c.wall, took.wall.Seconds())
		c.peak = append(c.peak, float64(took.peak))
		c.childPeak = append(c.childPeak, float64(took.childPeak))
		c.size = append(c.size, float64(stored))
	}
	return nil
}

// describe adds the rows of the table.
func describe(r *report, ours, null, zipped, restic *competitor) {
	for _, c := range []*competitor{ours, null, zipped, restic} {
		if c.missing != "" {
			r.missing(c.name, c.missing)
			continue
		}
		r.row(c.name+": wall", c.wall, seconds)
	}
	for _, c := range []*competitor{null, zipped, restic} {
		if c.missing == "" && ours.missing == "" {
			r.row("ratio of wall: imsctl / "+c.name, ratios(ours.wall, c.wall), ratio)
		}
	}
	r.row(ours.name+": peak RSS (wait4)", ours.peak, size)
	r.row(ours.name+": peak RSS of its largest child (sampled)", ours.childPeak, size)
	if restic.missing == "" {
		r.row(restic.name+": peak RSS (wait4)", restic.peak, size)
	}
	r.row(ours.name+": stored, each copy", ours.size, size)
	for _, c := range []*competitor{zipped, restic} {
		if c.missing == "" {
			r.row(c.name+": stored", c.size, size)
			r.row("ratio of size: imsctl / "+c.name, ratios(ours.size, c.size), ratio)
		}
	}
}

const backupSpec = `
imsctl {
  state "local" {
    path = "state.json"
  }
}
source "postgres" "db" {
  url = %q
}
destination "local" "a" {
  path = "a"
}
destination "local" "b" {
  path = "b"
}
compression "z" {
  method = "zstd"
}
backup "db" {
  source      = source.postgres.db
  compression = compression.z
  to          = [destination.local.a, destination.local.b]
  min_copies  = 2
  every       = "1ms"
}
`

// imsctl is a whole apply: plan, dump, proof, two copies, state.
func imsctl(program string, server *server) *competitor {
	return &competitor{
		name: "imsctl apply (zstd, 2 copies, verified)",
		prepare: func(_ context.Context, folder string) error {
			return os.WriteFile(filepath.Join(folder, "bench.hcl"), fmt.Appendf(nil, backupSpec, server.url), 0o600)
		},
		run: func(ctx context.Context, folder string) (usage, error) {
			command := newCommand(ctx, program, "apply", "-auto-approve", folder)
			command.Env = server.environment()
			return measure(ctx, command)
		},
		stored: func(folder string) (int64, error) { return folderSize(filepath.Join(folder, "a")) },
	}
}

// pgDumpAlone is the least that a dump can take.
func pgDumpAlone(server *server) *competitor {
	return &competitor{
		name:    "pg_dump > /dev/null",
		prepare: nothing,
		run: func(ctx context.Context, _ string) (usage, error) {
			return measure(ctx, server.dump(ctx))
		},
		stored: func(string) (int64, error) { return 0, nil },
	}
}

// pgDumpGzip is what most scripts do.
func pgDumpGzip(server *server) *competitor {
	c := &competitor{
		name:    "pg_dump | gzip -9",
		prepare: nothing,
		run: func(ctx context.Context, folder string) (took usage, err error) {
			file, err := os.Create(filepath.Join(folder, "dump.sql.gz"))
			if err != nil {
				return usage{}, err
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			gzip := newCommand(ctx, "gzip", "-9")
			gzip.Stdout = file
			return measure(ctx, server.dump(ctx), gzip)
		},
		stored: folderSize,
	}
	if _, err := exec.LookPath("gzip"); err != nil {
		c.missing = "gzip is not installed"
	}
	return c
}

// resticBackup is restic into a new local repository.
func resticBackup(ctx context.Context, server *server, r *report) *competitor {
	c := &competitor{name: "restic backup"}
	restic, err := exec.LookPath("restic")
	if err != nil {
		c.missing = "restic is not installed"
		return c
	}
	r.fact("%s", versionOf(ctx, restic, "version"))
	help, err := say(ctx, restic, "backup", "--help")
	fromCommand := err == nil && strings.Contains(help, "--stdin-from-command")
	command := func(ctx context.Context, folder string, arguments ...string) *exec.Cmd {
		command := newCommand(ctx, restic, arguments...)
		command.Env = append(server.environment(), "RESTIC_PASSWORD=bench", "RESTIC_REPOSITORY="+filepath.Join(folder, "repository"),
			"RESTIC_CACHE_DIR="+filepath.Join(folder, "cache"))
		return command
	}
	c.name = "pg_dump | restic backup --stdin"
	if fromCommand {
		c.name = "restic backup --stdin-from-command"
	}
	c.prepare = func(ctx context.Context, folder string) error { return runQuietly(command(ctx, folder, "init")) }
	c.run = func(ctx context.Context, folder string) (usage, error) {
		dump := server.dump(ctx)
		if fromCommand {
			return measure(ctx, command(ctx, folder, append([]string{"backup", "--stdin-from-command", "--"}, dump.Args...)...))
		}
		return measure(ctx, dump, command(ctx, folder, "backup", "--stdin"))
	}
	c.stored = func(folder string) (int64, error) { return folderSize(filepath.Join(folder, "repository")) }
	return c
}

func nothing(context.Context, string) error { return nil }

// folderSize adds up the files of a folder.
func folderSize(folder string) (int64, error) {
	var total int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

// counter counts what is written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// dumpSize is how many bytes a dump has.
func dumpSize(ctx context.Context, server *server) (int64, error) {
	var size counter
	command := server.dump(ctx)
	command.Stdout = &size
	err := runQuietly(command)
	return int64(size), err
}
