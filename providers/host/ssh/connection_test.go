package ssh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

func jumpTo(server *testenv.SSHServer) string {
	return server.User + "@127.0.0.1:" + strconv.Itoa(server.Port)
}

// shell is a command that runs a script.
func shell(script string) providers.Command {
	return providers.Command{Arguments: []string{"sh", "-c", script}}
}

func TestOneConnectionForEverything(t *testing.T) {
	server := testenv.SSH(t)
	h := reach(t, server)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if err := h.Run(t.Context(), nothing()); err != nil {
				t.Error(err)
			}
			if _, err := h.Files().Lstat("/"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := server.Connections(); n != 1 {
		t.Errorf("got %d connections", n)
	}
}

func TestBrokenConnectionIsMadeAgain(t *testing.T) {
	server := testenv.SSH(t)
	h := reach(t, server)
	directory := t.TempDir()
	command := shell("echo begun; cat")
	input, feed := io.Pipe()
	defer feed.Close()
	command.Stdin = input
	command.Stdout = writerFunc(func(p []byte) (int, error) {
		server.Cut()
		return len(p), nil
	})
	err := h.Run(t.Context(), command)
	if !errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "the SSH connection to vm broke") {
		t.Errorf("a command that was in progress gives %v", err)
	}
	if err := h.Run(t.Context(), nothing()); err != nil {
		t.Errorf("the next one gives %v", err)
	}
	file, err := h.Files().Create(filepath.Join(directory, "file"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	link, err := h.connection.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.Cut()
	<-link.done
	if _, err := file.Write([]byte("x")); !errors.Is(err, providers.ErrTemporary) {
		t.Errorf("a file that was open gives %v", err)
	}
	if err := file.Close(); err == nil {
		t.Error("a file that was open was closed")
	}
	if list, err := h.Files().ReadDir(directory); err != nil || len(list) != 1 {
		t.Errorf("the next one gives %v, %v", list, err)
	}
}

// TestCutConnectionLeavesNothingRunning holds a pipe open in what runs on the far side: it ends when that is gone.
func TestCutConnectionLeavesNothingRunning(t *testing.T) {
	for name, script := range map[string]string{
		"obedient":           `exec sleep 1000`,
		"deaf":               `trap '' TERM HUP; while :; do sleep 1000; done`,
		"deaf with children": `trap '' TERM HUP; sleep 1000 & sh -c 'sleep 1000' & while :; do wait; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.SSH(t)
			pipe := filepath.Join(t.TempDir(), "pipe")
			makePipe(t, pipe)
			command := shell(`exec 9>` + pipe + ` >/dev/null 2>&1; ` + script)
			command.Stdout = io.Discard
			running := make(chan error, 1)
			go func() { running <- reach(t, server).Run(context.Background(), command) }()
			held, err := os.Open(pipe) // returns when the command has opened it too
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			server.Cut()
			if err := <-running; !errors.Is(err, providers.ErrTemporary) {
				t.Errorf("got %v", err)
			}
			if _, err := io.ReadAll(held); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSilentMachineIsGivenUp lets a machine fall silent, as one does whose network swallows everything.
func TestSilentMachineIsGivenUp(t *testing.T) {
	server := testenv.SSH(t)
	way := newSwallower(t, server.Port)
	ticks := make(chan time.Time)
	times := still()
	times.ticker = func() (<-chan time.Time, func()) { return ticks, func() {} }
	know(t, server, strings.ReplaceAll(string(readFileOf(t, filepath.Join(server.Home, ".ssh", "known_hosts"))), strconv.Itoa(server.Port), strconv.Itoa(way.port)))
	h := newHost(Config{Address: "vm", Port: int64(way.port)}, around(server), times)
	defer h.Close()
	if err := h.Run(t.Context(), nothing()); err != nil {
		t.Fatal(err)
	}
	ticks <- time.Time{}
	reading, feed := io.Pipe()
	defer feed.Close()
	command := shell("echo begun; exec cat")
	command.Stdin = reading
	begun := make(chan struct{})
	var once sync.Once
	command.Stdout = writerFunc(func(p []byte) (int, error) {
		once.Do(func() { close(begun) })
		return len(p), nil
	})
	running := make(chan error, 1)
	go func() { running <- h.Run(t.Context(), command) }()
	<-begun
	way.swallow()
	ended := false
	var err error
	for !ended {
		select {
		case ticks <- time.Time{}:
		case err = <-running:
			ended = true
		}
	}
	if !errors.Is(err, errSilent) || !errors.Is(err, providers.ErrTemporary) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	server := testenv.SSH(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := int64(listener.Addr().(*net.TCPAddr).Port)
	times := still()
	times.dial = 100 * time.Millisecond
	h := newHost(Config{Address: "vm", Port: silent}, around(server), times)
	defer h.Close()
	_, err = h.Files().Lstat("/")
	if !errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "there was no answer within 100ms") {
		t.Errorf("somebody who says nothing gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	times.dial = time.Hour
	h = newHost(Config{Address: "vm", Port: silent}, around(server), times)
	go func() {
		if connection, err := listener.Accept(); err == nil {
			cancel()
			connection.Close()
		}
	}()
	if err := h.Run(ctx, nothing()); err == nil {
		t.Error("nobody ran a command")
	}
	listener.Close()
	if err := h.Run(t.Context(), nothing()); !errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody gives %v", err)
	}
	broken := newHost(Config{Address: "no such name.invalid"}, around(server), still())
	if err := broken.Run(t.Context(), nothing()); err == nil {
		t.Error("a name of nobody was reached")
	}
}

func TestUserWhoMayOnlyReachFiles(t *testing.T) {
	h := reach(t, testenv.SSH(t, "ForceCommand internal-sftp"))
	directory := t.TempDir()
	if err := h.Files().CheckWritable(directory); err != nil {
		t.Error(err)
	}
	if _, err := h.Files().ReadDir(directory); err != nil {
		t.Error(err)
	}
	if err := h.Run(t.Context(), nothing()); !errors.Is(err, errNoCommands) {
		t.Errorf("got %v", err)
	}
}

func TestMoreCommandsThanSessions(t *testing.T) {
	err := reach(t, testenv.SSH(t, "MaxSessions 1")).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "MaxSessions") {
		t.Errorf("got %v", err)
	}
}

// TestLoginShells sends the bootstrap through the shells that a user may have.
func TestLoginShells(t *testing.T) {
	local := reach(t, testenv.SSH(t))
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "fish", "tcsh", "ksh", "busybox"} {
		path, err := local.LookPath(t.Context(), shell)
		if err != nil {
			continue // no test: only those that are there can be tried
		}
		arguments := []string{path, "-c", bootstrap}
		if shell == "busybox" {
			arguments = []string{path, "sh", "-c", bootstrap}
		}
		script, err := commandScript(providers.Command{
			Arguments: []string{"printf", "%s|", "a'b\nc", "$x"}, Environment: []string{"x=1"}, Directory: "/", Stdin: strings.NewReader("")})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = local.Run(t.Context(), providers.Command{Arguments: arguments, Stdin: strings.NewReader("m=MARK; " + script + "\ngo\n"), Stdout: &out})
		_, rest, found := strings.Cut(out.String(), "MARK ready ")
		_, said, _ := strings.Cut(rest, "\n")
		if err != nil || !found || said != "a'b\nc|$x|" {
			t.Errorf("%s: %q, %v", shell, out.String(), err)
		}
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
