package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a PostgreSQL server of the benchmark's own, which listens on a socket in its folder and nowhere else.
type server struct {
	url, programs string
	process       *exec.Cmd
}

// startServer makes a cluster in a new folder and starts it. It must be stopped.
func startServer(ctx context.Context, folder string) (*server, error) {
	note("starting PostgreSQL")
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	if credential != nil {
		if err := os.Chown(folder, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, err
		}
		// The server's user must be able to walk to its own folder.
		if err := os.Chmod(filepath.Dir(folder), 0o711); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	initdb := newCommand(ctx, filepath.Join(programs, "initdb"), "--pgdata="+data, "--username=bench", "--auth=trust",
		"--no-sync", "--encoding=UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr.Credential = folder, credential
	if err := runQuietly(initdb); err != nil {
		return nil, err
	}
	// The context's end is for what works with the server, and only afterwards for the server itself: stop.
	process := newCommand(context.WithoutCancel(ctx), filepath.Join(programs, "postgres"), "-D", data, "-k", folder,
		"-c", "listen_addresses=", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB", "-c", "fsync=off")
	process.Dir, process.SysProcAttr.Credential = folder, credential
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	s := &server{
		url:      "postgres://bench@/postgres?host=" + url.QueryEscape(folder),
		programs: programs, process: process,
	}
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// await waits until the server answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		connection, err := pgx.Connect(ctx, s.url)
		if err == nil {
			return connection.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for PostgreSQL: %w", errors.Join(ctx.Err(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the server's sessions and the server ("fast" shutdown) and waits for it.
func (s *server) stop() error {
	if err := s.process.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stopping PostgreSQL: %w", err)
	}
	if err := s.process.Wait(); err != nil {
		return fmt.Errorf("stopping PostgreSQL: %w", err)
	}
	return nil
}

// pgDump is the path of the server's own pg_dump.
func (s *server) pgDump() string { return filepath.Join(s.programs, "pg_dump") }

// dump is a plain dump to standard output.
func (s *server) dump(ctx context.Context) *exec.Cmd {
	return newCommand(ctx, s.pgDump(), "--no-password", "--dbname="+s.url)
}

// environment is what imsctl and restic run in: this one, with the server's programs first on the PATH, so that all
// competitors run the same pg_dump.
func (s *server) environment() []string {
	return append(os.Environ(), "PATH="+s.programs+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// postgresPrograms finds the folder of PostgreSQL's programs: the one on the PATH, or Debian's newest.
func postgresPrograms() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// A link on the PATH leads to where all of them are.
		if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
			return "", fmt.Errorf("finding PostgreSQL's programs: %w", err)
		}
		return filepath.Dir(initdb), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL's server programs are not installed: put initdb on the PATH, or run scripts/test once, which installs them")
	}
	version := func(path string) int {
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return number
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged is whom the server runs as when this process is root, which PostgreSQL refuses to run as.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}
