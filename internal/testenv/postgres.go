package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a PostgreSQL cluster of its own in a temporary folder.
type PostgresServer struct {
	binaries string
	folder   string
	port     int
	password string
	owner    *syscall.Credential
	process  *exec.Cmd
	exited   <-chan struct{}
}

// Postgres starts a server that is stopped when the test ends.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	server, err := StartPostgres(context.Background())
	if errors.Is(err, exec.ErrNotFound) {
		Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// StartPostgres makes a cluster in a temporary folder and starts it on a free port of 127.0.0.1 and on a socket. Passwords
// are asked for. Close stops it and removes the folder.
func StartPostgres(ctx context.Context) (*PostgresServer, error) {
	binaries, err := findPostgres()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "imsctl-postgres-")
	if err != nil {
		return nil, err
	}
	s := &PostgresServer{binaries: binaries, folder: folder, password: "secret-" + rand.Text()[:8]}
	if err := s.initialise(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// findPostgres returns the folder of the newest server programs.
func findPostgres() (string, error) {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.SortFunc(installed, func(a, b string) int { return versionOf(a) - versionOf(b) })
	if len(installed) > 0 {
		return filepath.Dir(installed[len(installed)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("a PostgreSQL server: %w", exec.ErrNotFound)
	}
	return filepath.Dir(path), nil
}

func versionOf(path string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return version
}

// initialise makes the cluster. PostgreSQL refuses to run as root: then it belongs to an ordinary user.
func (s *PostgresServer) initialise(ctx context.Context) error {
	if os.Getuid() == 0 {
		owner, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.folder, uid, gid); err != nil {
			return err
		}
	}
	if err := os.Chmod(s.folder, 0o755); err != nil {
		return err
	}
	secret := filepath.Join(s.folder, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o644); err != nil {
		return err
	}
	command := s.command(ctx, "initdb", "-D", filepath.Join(s.folder, "data"), "-U", "postgres", "--pwfile", secret,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

// command runs one of the server's programs as its owner.
func (s *PostgresServer) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(s.binaries, name), arguments...)
	command.Dir = s.folder
	command.SysProcAttr = dyingWithParent()
	command.SysProcAttr.Credential = s.owner
	return command
}

// Start starts the server and waits until it answers.
func (s *PostgresServer) Start(ctx context.Context) error {
	if s.port == 0 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.port = listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return err
		}
	}
	s.process = s.command(context.WithoutCancel(ctx), "postgres", "-D", filepath.Join(s.folder, "data"), "-p", strconv.Itoa(s.port), "-k", s.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=50")
	var err error
	if s.exited, err = launch(s.process); err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		connection, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return connection.Close(ctx)
		}
		select {
		case <-s.exited:
			return errors.New("the PostgreSQL server ended at once")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the PostgreSQL server does not answer: %w", err)
		}
	}
}

// launch starts a process and waits for it in a goroutine that keeps its thread: the thread's end would end the process.
func launch(process *exec.Cmd) (exited <-chan struct{}, err error) {
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := process.Start()
		started <- err
		if err == nil {
			_ = process.Wait()
		}
	}()
	return ended, <-started
}

// Stop ends the server at once, as a crash would.
func (s *PostgresServer) Stop() error {
	if s.process == nil || s.process.Process == nil {
		return nil
	}
	if err := s.process.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.exited
	return nil
}

// Close stops the server and removes its folder.
func (s *PostgresServer) Close() error {
	return errors.Join(s.Stop(), os.RemoveAll(s.folder))
}

// URL is how to connect to a database as the superuser, with the password.
func (s *PostgresServer) URL(database string) string {
	address := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", s.password),
		Host: "127.0.0.1:" + strconv.Itoa(s.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return address.String()
}

// SocketURL is URL over the server's socket instead of TCP.
func (s *PostgresServer) SocketURL(database string) string {
	query := "host=" + url.PathEscape(s.folder) + "&port=" + strconv.Itoa(s.port)
	address := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", s.password), Path: "/" + database, RawQuery: query}
	return address.String()
}

// CreateDatabase makes an empty database.
func (s *PostgresServer) CreateDatabase(t testing.TB, name string) {
	t.Helper()
	s.Exec(t, "postgres", "create database "+pgx.Identifier{name}.Sanitize())
}

// Exec runs SQL in a database.
func (s *PostgresServer) Exec(t testing.TB, database, sql string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(t.Context()))
	if _, err := connection.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
