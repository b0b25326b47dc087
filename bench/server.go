package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// server is a PostgreSQL server of the benchmark's own, and the program that dumps it.
type server struct {
	url, pgDump string
	stop        func() error
}

// startServer starts a server on a cluster in a temporary folder. It must be stopped.
func startServer(ctx context.Context) (*server, error) {
	note("starting PostgreSQL")
	pgDump, err := findPgDump()
	if err != nil {
		return nil, err
	}
	cluster, err := testenv.StartPostgres(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting PostgreSQL (scripts/test installs it where it can): %w", err)
	}
	return &server{url: cluster.URL("postgres"), pgDump: pgDump, stop: cluster.Close}, nil
}

// startFilledServer is startServer with the database that is measured in it.
func startFilledServer(ctx context.Context, scale float64) (*server, error) {
	server, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	note("filling the database")
	if err := fill(ctx, server.url, scale); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	return server, nil
}

// dump is a plain dump to standard output.
func (s *server) dump(ctx context.Context) *exec.Cmd {
	return newCommand(ctx, s.pgDump, "--no-password", "--dbname="+s.url)
}

// environment is what imsctl and restic run in: this one, with the folder of pg_dump first on the PATH, so that all
// competitors run the same one.
func (s *server) environment() []string {
	return append(os.Environ(), "PATH="+filepath.Dir(s.pgDump)+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// findPgDump finds pg_dump: Debian's newest, because what is on the PATH there is a script that looks for it, or else the
// one on the PATH.
func findPgDump() (string, error) {
	version := func(path string) int {
		// What is not a number is older than everything.
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return number
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err == nil && len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
	}
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		return "", errors.New("PostgreSQL's programs are not installed: put pg_dump and initdb on the PATH, or run scripts/test once, which installs them where it can")
	}
	return path, nil
}
