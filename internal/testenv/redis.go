package testenv

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RedisServer is a Redis server of its own in a temporary folder.
type RedisServer struct {
	// Address is HOST:PORT, Socket the path of its socket, Folder where it keeps its files.
	Address, Socket, Folder string
	// Password is that of the default user.
	Password string

	lines   []string
	process *exec.Cmd
	exited  <-chan struct{}
}

// Redis starts a server that is stopped when the test ends. Lines of redis.conf may be added.
func Redis(t testing.TB, lines ...string) *RedisServer {
	t.Helper()
	Need(t, "redis-server")
	Need(t, "redis-cli")
	folder, err := os.MkdirTemp("", "imsctl-redis-")
	if err != nil {
		t.Fatal(err)
	}
	server := &RedisServer{Folder: folder, Socket: filepath.Join(folder, "socket"), Password: "secret-" + rand.Text()[:8], lines: lines}
	t.Cleanup(func() {
		if err := errors.Join(server.Stop(), os.RemoveAll(folder)); err != nil {
			t.Error(err)
		}
	})
	for range 3 {
		// Between the choice of a port and its use another process can take it.
		if err = server.Start(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		server.Address = ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Start starts the server and waits until it answers. It loads what its folder holds.
func (r *RedisServer) Start(ctx context.Context) error {
	if r.Address == "" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		r.Address = listener.Addr().String()
		if err := listener.Close(); err != nil {
			return err
		}
	}
	_, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		return err
	}
	config := append([]string{
		"bind 127.0.0.1", "port " + port, "unixsocket " + r.Socket, "dir " + r.Folder, "enable-debug-command local", "requirepass " + r.Password,
		// Nothing is written that a test did not ask for, and a replica gets its snapshot without waiting for others.
		`save ""`, "appendfsync no", "repl-diskless-sync-delay 0", "logfile " + filepath.Join(r.Folder, "log"),
	}, r.lines...)
	r.process = exec.CommandContext(context.WithoutCancel(ctx), "redis-server", "-")
	r.process.Stdin = strings.NewReader(strings.Join(config, "\n") + "\n")
	r.process.SysProcAttr = dyingWithParent()
	if r.exited, err = launch(r.process); err != nil {
		return err
	}
	return r.wait(ctx)
}

// wait waits until the server has loaded its data.
func (r *RedisServer) wait(ctx context.Context) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		answer, err := r.cli(ctx, nil, "PING")
		// A replica may have no more to say than that it has lost its master.
		if err == nil && (strings.Contains(answer, "PONG") || strings.Contains(answer, "MASTERDOWN")) {
			return nil
		}
		select {
		case <-r.exited:
			log, _ := os.ReadFile(filepath.Join(r.Folder, "log"))
			if bytes.Contains(log, []byte("Address already in use")) {
				return fmt.Errorf("the Redis server ended at once: %w", syscall.EADDRINUSE)
			}
			return fmt.Errorf("the Redis server ended at once: %s", log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the Redis server does not answer: %s (%w)", answer, err)
		}
	}
}

// Stop ends the server at once, without saving.
func (r *RedisServer) Stop() error {
	if r.process == nil || r.process.Process == nil {
		return nil
	}
	if err := r.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-r.exited
	return nil
}

// Signal sends one to the server: SIGSTOP has it hang.
func (r *RedisServer) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := r.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Port is its port on 127.0.0.1.
func (r *RedisServer) Port() int {
	_, text, _ := net.SplitHostPort(r.Address)
	port, _ := strconv.Atoi(text)
	return port
}

// cli runs redis-cli as the default user.
func (r *RedisServer) cli(ctx context.Context, stdin []byte, words ...string) (string, error) {
	command := exec.CommandContext(ctx, "redis-cli", append([]string{"-s", r.Socket, "--raw"}, words...)...)
	command.Env = append(os.Environ(), "REDISCLI_AUTH="+r.Password)
	command.Stdin = bytes.NewReader(stdin)
	output, err := command.CombinedOutput()
	return strings.TrimRight(string(output), "\n"), err
}

// Do runs a command with redis-cli, and returns what it printed.
func (r *RedisServer) Do(t testing.TB, words ...string) string {
	t.Helper()
	answer, err := r.cli(t.Context(), nil, words...)
	if err != nil {
		t.Fatalf("%q: %v: %s", words, err, answer)
	}
	return answer
}

// Fill gives the server commands, one a line, all of which must succeed.
func (r *RedisServer) Fill(t testing.TB, commands string) {
	t.Helper()
	answer, err := r.cli(t.Context(), []byte(commands), "--pipe")
	if err != nil || !strings.Contains(answer, "errors: 0") {
		t.Fatalf("filling: %v: %s", err, answer)
	}
}
