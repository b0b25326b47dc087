package hosttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
)

// shell is a command that runs a script.
func shell(script string) providers.Command {
	return providers.Command{Arguments: []string{"sh", "-c", script}}
}

func testStreams(t *testing.T, s *suite) {
	var stdout, stderr bytes.Buffer
	directory := t.TempDir()
	command := shell(`cat; echo "$SECRET" >&2; pwd`)
	command.Environment = []string{"SECRET=open sesame"}
	command.Directory = directory
	command.Stdin = strings.NewReader("fed\n")
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if want := "fed\n" + directory + "\n"; stdout.String() != want {
		t.Errorf("standard output is %q, want %q", stdout.String(), want)
	}
	if stderr.String() != "open sesame\n" {
		t.Errorf("standard error is %q", stderr.String())
	}
}

func testEnding(t *testing.T, s *suite) {
	for _, test := range []struct {
		name, script string
		want         providers.ExitError
	}{
		{"status", "exit 3", providers.ExitError{Program: "sh", Code: 3}},
		{"high status", "exit 137", providers.ExitError{Program: "sh", Code: 137}},
		{"words", "echo no such table >&2; exit 1", providers.ExitError{Program: "sh", Code: 1, Stderr: "no such table\n"}},
		{"signal", "kill -KILL $$", providers.ExitError{Program: "sh", Code: -1, Signal: "SIGKILL"}},
		{"terminated", "kill -TERM $$", providers.ExitError{Program: "sh", Code: -1, Signal: "SIGTERM"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var exit *providers.ExitError
			if err := s.runner.Run(t.Context(), shell(test.script)); !errors.As(err, &exit) {
				t.Fatalf("got %v, want an exit error", err)
			}
			if test.want.Signal != "" && !s.signals {
				test.want.Code, test.want.Signal = 128+int(unix.SignalNum(test.want.Signal)), ""
			}
			if *exit != test.want {
				t.Errorf("got %+v, want %+v", *exit, test.want)
			}
		})
	}
}

func testLastWords(t *testing.T, s *suite) {
	var all bytes.Buffer
	command := shell(`i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done >&2; exit 1`)
	command.Stderr = &all
	var exit *providers.ExitError
	if err := s.runner.Run(t.Context(), command); !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(exit.Stderr) != 4<<10 || !strings.HasSuffix(all.String(), exit.Stderr) {
		t.Errorf("kept %d bytes, want the last 4 KiB of %d", len(exit.Stderr), all.Len())
	}
}

func testRefused(t *testing.T, s *suite) {
	if err := s.runner.Run(t.Context(), providers.Command{}); err == nil {
		t.Error("no program at all was accepted")
	}
	missing := providers.Command{Arguments: []string{"imsctl-no-such-program"}, Stdin: strings.NewReader("x"), Stdout: io.Discard}
	if err := s.runner.Run(t.Context(), missing); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a missing program gives %v", err)
	}
	nowhere := shell("true")
	nowhere.Directory = filepath.Join(t.TempDir(), "nowhere")
	if err := s.runner.Run(t.Context(), nowhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.runner.Run(ended, shell("true")); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
}

func testLookPath(t *testing.T, s *suite) {
	if _, err := s.runner.LookPath(t.Context(), "imsctl-no-such-program"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if path, err := s.runner.LookPath(t.Context(), "sh"); err != nil || !strings.HasSuffix(path, "/sh") {
		t.Errorf("got %q, %v", path, err)
	}
	program := filepath.Join(t.TempDir(), "a program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho run\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if path, err := s.runner.LookPath(t.Context(), program); err != nil || path != program {
		t.Errorf("got %q, %v", path, err)
	}
	if _, err := s.runner.LookPath(t.Context(), program+"s"); err == nil {
		t.Error("a path with nothing at its end was found")
	}
	var out bytes.Buffer
	if err := s.runner.Run(t.Context(), providers.Command{Arguments: []string{program}, Stdout: &out}); err != nil || out.String() != "run\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// odd is what shells like to act on.
const odd = " 'single' \"double\" $HOME ${x} `date` $(date) \\ \\n * ? [a] ~ ! # ; & | < > ( ) { } = %s é ☃ \t\n\nend\n"

func testOddCharacters(t *testing.T, s *suite) {
	directory := filepath.Join(t.TempDir(), "it's a $HOME\nfolder")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := s.runner.Run(t.Context(), providers.Command{
		Arguments:   []string{"sh", "-c", `printf '%s|' "$ODD" "$_x1" "$IFS" "$@"; pwd`, "sh", odd, "", "-n", "--"},
		Environment: []string{"ODD=" + odd, "_x1=a=b", "IFS=x"},
		Directory:   directory,
		Stdout:      &out,
	})
	// A shell takes no separator from its environment.
	if want := odd + "|a=b| \t\n|" + odd + "||-n|--|" + directory + "\n"; err != nil || out.String() != want {
		t.Errorf("got  %q, %v\nwant %q", out.String(), err, want)
	}
}

func testSecretsAreNotShown(t *testing.T, s *suite) {
	var out bytes.Buffer
	command := shell(`for p in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$p"; echo; done 2>/dev/null; [ "$SECRET" = xyzzy-plugh ]`)
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		command = shell(`ps -A -o args; [ "$SECRET" = xyzzy-plugh ]`)
	}
	command.Arguments[2] = strings.ReplaceAll(command.Arguments[2], "xyzzy-plugh", `xyzzy-plu"gh"`)
	command.Environment = []string{"SECRET=xyzzy-plugh"}
	command.Stdout = &out
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Error(err)
	}
	if out.Len() == 0 || strings.Contains(out.String(), "xyzzy-plugh") {
		t.Errorf("the process list shows a variable, or nothing: %q", out.String())
	}
}

func testEveryByte(t *testing.T, s *suite) {
	const size = 20 << 20
	var out counter
	command := shell("cat; head -c 1000 /dev/zero")
	command.Stdin = io.LimitReader(endless{}, size)
	command.Stdout = &out
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if out.n != size+1000 {
		t.Errorf("got %d bytes, want %d", out.n, size+1000)
	}
}

func testStopsReading(t *testing.T, s *suite) {
	command := providers.Command{Arguments: []string{"head", "-c", "10"}, Stdin: endless{}}
	var out bytes.Buffer
	command.Stdout = &out
	if err := s.runner.Run(t.Context(), command); err != nil || out.Len() != 10 {
		t.Errorf("got %d bytes and %v", out.Len(), err)
	}
}

func testCombined(t *testing.T, s *suite) {
	var both bytes.Buffer
	command := shell(`i=0; while [ $i -lt 500 ]; do echo out; echo err >&2; i=$((i+1)); done`)
	command.Stdout, command.Stderr = &both, &both
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	if both.Len() != 500*8 {
		t.Errorf("got %d bytes, want %d", both.Len(), 500*8)
	}
}

func testConcurrent(t *testing.T, s *suite) {
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			var out bytes.Buffer
			command := shell("cat; exit " + fmt.Sprint(i%3))
			command.Stdin, command.Stdout = strings.NewReader(fmt.Sprint(i)), &out
			err := s.runner.Run(t.Context(), command)
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
