package hosttest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// pids reads the process ids a script prints, one a line, and calls then with them.
func pids(t *testing.T, count int, then func()) (io.Writer, func() []int) {
	t.Helper()
	read, write := io.Pipe()
	found := make(chan []int, 1)
	go func() {
		var list []int
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			pid, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Errorf("the script said %q", lines.Text())
			}
			if list = append(list, pid); len(list) == count {
				then()
			}
		}
		found <- list
	}()
	return write, func() []int {
		write.Close()
		return <-found
	}
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

func testCancel(t *testing.T, s *suite) {
	testenv.Need(t, "ps")
	for _, test := range []struct {
		name, script string
		count        int
	}{
		{"obedient", `echo $$; exec sleep 1000`, 1},
		{"deaf", `trap '' TERM; echo $$; while :; do sleep 1000; done`, 1},
		{"deaf with children", `trap '' TERM; sh -c 'echo $$; sleep 1000; sleep 1000' & sh -c 'echo $$; sleep 1001; sleep 1001' & echo $$; while :; do wait; done`, 3},
		{"deaf child of an obedient parent", `sh -c 'trap "" TERM; echo $$; while :; do sleep 1000; done' & echo $$; wait`, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			command := shell(test.script)
			stdout, found := pids(t, test.count, cancel)
			command.Stdout = stdout
			err := s.runner.Run(ctx, command)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			list := found()
			if len(list) != test.count {
				t.Fatalf("found %d processes", len(list))
			}
			for _, pid := range list {
				if s.alive(t, pid) {
					t.Errorf("process %d survived", pid)
				}
			}
		})
	}
}

func testCancelCause(t *testing.T, s *suite) {
	reason := errors.New("the operator went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	command := shell(`echo $$; sleep 1000`)
	stdout, found := pids(t, 1, func() { cancel(reason) })
	command.Stdout = stdout
	err := s.runner.Run(ctx, command)
	found()
	if !errors.Is(err, reason) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func testNoChildLeft(t *testing.T, s *suite) {
	testenv.Need(t, "ps")
	command := shell(`sleep 1000 >/dev/null 2>&1 & echo $!`)
	stdout, found := pids(t, 1, func() {})
	command.Stdout = stdout
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Error(err)
	}
	for _, pid := range found() {
		if s.alive(t, pid) {
			t.Errorf("process %d survived", pid)
		}
	}
}

func testHeldOpen(t *testing.T, s *suite) {
	t.Parallel()
	var out bytes.Buffer
	command := shell(`sleep 1000 & echo done`)
	command.Stdout = &out
	err := s.runner.Run(t.Context(), command)
	if err == nil || !strings.Contains(err.Error(), "still holds it open") {
		t.Errorf("an output that may be incomplete gives %v", err)
	}
	if out.String() != "done\n" {
		t.Errorf("got %q", out.String())
	}
	if err := s.runner.Run(t.Context(), shell(`sleep 1000 & echo done`)); err != nil {
		t.Errorf("an output that nobody wants gives %v", err)
	}
}

func testLeftTheGroup(t *testing.T, s *suite) {
	t.Parallel()
	testenv.Need(t, "setsid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	marker := filepath.Join(t.TempDir(), "stop")
	command := shell(`setsid sh -c 'while [ ! -e ` + marker + ` ]; do echo still here || exit; done' & sleep 1000`)
	t.Cleanup(func() { os.WriteFile(marker, nil, 0o600) })
	command.Stdout = writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	if err := s.runner.Run(ctx, command); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func testWriterFails(t *testing.T, s *suite) {
	full := errors.New("the disk is full")
	command := shell(`while :; do echo much output; done`)
	command.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
	if err := s.runner.Run(t.Context(), command); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	// Also when the command has succeeded by then.
	command = shell(`echo little output`)
	command.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
	if err := s.runner.Run(t.Context(), command); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func testBrokenInput(t *testing.T, s *suite) {
	broken := errors.New("checksum does not match")
	for _, test := range []struct{ name, script string }{
		{"plain", `cat >received; touch committed`},
		{"deaf to being asked", `trap '' TERM; cat >received; touch committed`},
		{"acts when asked", `trap 'touch committed' TERM; cat >received; touch committed`},
		{"reads in a child", `(cat >received; touch committed) & wait`},
	} {
		for _, before := range []int64{0, 100, 1 << 20} {
			t.Run(test.name, func(t *testing.T) {
				directory := t.TempDir()
				command := shell(`exec 3<&0; ` + strings.ReplaceAll(test.script, "cat", "cat <&3"))
				command.Directory = directory
				command.Stdin = io.MultiReader(io.LimitReader(endless{}, before), iotest.ErrReader(broken))
				if err := s.runner.Run(t.Context(), command); !errors.Is(err, broken) {
					t.Errorf("got %v", err)
				}
				if _, err := os.Stat(filepath.Join(directory, "committed")); err == nil {
					t.Error("the command saw an end of its input and committed")
				}
			})
		}
	}
}

func testWholeInput(t *testing.T, s *suite) {
	command := shell(`cat >received; touch committed`)
	command.Directory = t.TempDir()
	command.Stdin = io.LimitReader(endless{}, 1<<20)
	if err := s.runner.Run(t.Context(), command); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(command.Directory, "received"))
	if err != nil || info.Size() != 1<<20 {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(command.Directory, "committed")); err != nil {
		t.Error(err)
	}
}

func testCancelledInput(t *testing.T, s *suite) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	command := shell(`exec 3<&0; (trap '' TERM; cat <&3 >received; touch committed) & echo $$; wait`)
	command.Directory = t.TempDir()
	stdout, found := pids(t, 1, cancel)
	command.Stdout = stdout
	endlessly, feed := io.Pipe()
	defer feed.Close()
	command.Stdin = endlessly
	if err := s.runner.Run(ctx, command); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	found()
	if _, err := os.Stat(filepath.Join(command.Directory, "committed")); err == nil {
		t.Error("the command saw an end of its input and committed")
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
