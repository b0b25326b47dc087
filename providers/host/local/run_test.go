package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// shell is a command that runs a script.
func shell(script string) providers.Command {
	return providers.Command{Arguments: []string{"sh", "-c", script}}
}

func TestRunPassesStreamsEnvironmentAndDirectory(t *testing.T) {
	var stdout, stderr bytes.Buffer
	directory := t.TempDir()
	command := shell(`cat; echo "$SECRET" >&2; pwd`)
	command.Environment = []string{"SECRET=open sesame"}
	command.Directory = directory
	command.Stdin = strings.NewReader("fed\n")
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := local.New().Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if want := "fed\n" + directory + "\n"; stdout.String() != want {
		t.Errorf("standard output is %q, want %q", stdout.String(), want)
	}
	if stderr.String() != "open sesame\n" {
		t.Errorf("standard error is %q", stderr.String())
	}
}

func TestRunTellsHowACommandEnded(t *testing.T) {
	for _, test := range []struct {
		name, script string
		want         providers.ExitError
	}{
		{"status", "exit 3", providers.ExitError{Program: "sh", Code: 3}},
		{"words", "echo no such table >&2; exit 1", providers.ExitError{Program: "sh", Code: 1, Stderr: "no such table\n"}},
		{"signal", "kill -KILL $$", providers.ExitError{Program: "sh", Code: -1, Signal: "SIGKILL"}},
		{"terminated", "kill -TERM $$", providers.ExitError{Program: "sh", Code: -1, Signal: "SIGTERM"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var exit *providers.ExitError
			if err := local.New().Run(t.Context(), shell(test.script)); !errors.As(err, &exit) {
				t.Fatalf("got %v, want an exit error", err)
			}
			if *exit != test.want {
				t.Errorf("got %+v, want %+v", *exit, test.want)
			}
		})
	}
}

func TestRunKeepsTheLastWordsOnly(t *testing.T) {
	var all bytes.Buffer
	command := shell(`i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done >&2; exit 1`)
	command.Stderr = &all
	var exit *providers.ExitError
	if err := local.New().Run(t.Context(), command); !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(exit.Stderr) != 4<<10 || !strings.HasSuffix(all.String(), exit.Stderr) {
		t.Errorf("kept %d bytes, want the last 4 KiB of %d", len(exit.Stderr), all.Len())
	}
}

func TestRunRefusesWhatCannotStart(t *testing.T) {
	host := local.New()
	if err := host.Run(t.Context(), providers.Command{}); err == nil {
		t.Error("no program at all was accepted")
	}
	missing := providers.Command{Arguments: []string{"imsctl-no-such-program"}, Stdin: strings.NewReader("x"), Stdout: io.Discard}
	if err := host.Run(t.Context(), missing); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a missing program gives %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := host.Run(ended, shell("true")); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
	if _, err := host.LookPath(t.Context(), "imsctl-no-such-program"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("LookPath gives %v", err)
	}
	if path, err := host.LookPath(t.Context(), "sh"); err != nil || !strings.HasSuffix(path, "/sh") {
		t.Errorf("LookPath gives %q, %v", path, err)
	}
}

func TestRunPassesOnEveryByte(t *testing.T) {
	const size = 20 << 20
	var out counter
	command := shell("cat; head -c 1000 /dev/zero")
	command.Stdin = io.LimitReader(endless{}, size)
	command.Stdout = &out
	if err := local.New().Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if out.n != size+1000 {
		t.Errorf("got %d bytes, want %d", out.n, size+1000)
	}
}

func TestRunAcceptsACommandThatStopsReading(t *testing.T) {
	command := providers.Command{Arguments: []string{"head", "-c", "10"}, Stdin: endless{}}
	var out bytes.Buffer
	command.Stdout = &out
	if err := local.New().Run(t.Context(), command); err != nil || out.Len() != 10 {
		t.Errorf("got %d bytes and %v", out.Len(), err)
	}
}

func TestRunCombinesBothOutputsInOneWriter(t *testing.T) {
	var both bytes.Buffer
	command := shell(`i=0; while [ $i -lt 500 ]; do echo out; echo err >&2; i=$((i+1)); done`)
	command.Stdout, command.Stderr = &both, &both
	if err := local.New().Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if both.Len() != 500*8 {
		t.Errorf("got %d bytes, want %d", both.Len(), 500*8)
	}
}

func TestRunIsSafeForConcurrentUse(t *testing.T) {
	host := local.New()
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			var out bytes.Buffer
			command := shell("cat; exit " + fmt.Sprint(i%3))
			command.Stdin, command.Stdout = strings.NewReader(fmt.Sprint(i)), &out
			err := host.Run(t.Context(), command)
			var exit *providers.ExitError
			if errors.As(err, &exit) != (i%3 != 0) || out.String() != fmt.Sprint(i) {
				t.Errorf("run %d: %q, %v", i, out.String(), err)
			}
		})
	}
	group.Wait()
}

// counter counts what is written to it.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// alive reports whether a process exists and is not a zombie.
func alive(t *testing.T, pid int) bool {
	t.Helper()
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}
