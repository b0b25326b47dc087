package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/statetest"
)

// childState is set in the environment of a child: the path of the state that it works on until it is killed.
const childState = "IMSCTL_TEST_CHILD_STATE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childState); path != "" {
		if err := work(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	statetest.Main(m, func(place string) (state.Backend, error) { return New(place, clock.System{}, "test"), nil })
}

func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	statetest.TwoProcesses(t, path, New(path, clock.System{}, "test"))
}

// work locks the state, tells so, and makes steps in several goroutines until it is killed. It tells what it does, each
// line with one write: "ending N" before the end of step N is asked for, "ended N" after it was acknowledged.
func work(path string) error {
	b := New(path, clock.System{}, "test")
	b.journalLimit = 30_000
	s, err := b.Lock(context.Background(), state.LockInfo{Operation: "apply", Host: "child", PID: os.Getpid()}, 0)
	if err != nil {
		return err
	}
	say := func(line string) error { _, err := os.Stdout.WriteString(line + "\n"); return err }
	if err := say("locked"); err != nil {
		return err
	}
	base := int(s.Document().Serial)
	errs := make(chan error)
	for worker := range 3 {
		go func() {
			for i := base + worker; ; i += 3 {
				number := fmt.Sprintf("%d.%d", base, i)
				began := intent(i)
				began.ID = number
				one := artifact(i)
				one.ID = number
				if err := errors.Join(s.Begin(context.Background(), began), say("began "+number), say("ending "+number),
					s.End(context.Background(), number, result(state.Event{PutArtifact: one})), say("ended "+number)); err != nil {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

// TestKillAtRandomMoments kills a process that records and holds what is left against what it had said.
func TestKillAtRandomMoments(t *testing.T) {
	kills := 200
	if testing.Short() {
		kills = 20
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newBackend(t)
	said := map[string]map[string]bool{"began": {}, "ending": {}, "ended": {}}
	for kill := range kills {
		runChild(t, b.path, random.IntN(40), time.Duration(random.Int64N(int64(time.Millisecond))), said)
		document := read(t, b)
		open := make(map[string]bool)
		for _, intent := range document.Intents {
			open[intent.ID] = true
		}
		for number := range said["ended"] {
			if document.Find(number) == nil || open[number] {
				t.Fatalf("kill %d: the end of %s was acknowledged and is lost", kill, number)
			}
		}
		for number := range said["began"] {
			if !open[number] && document.Find(number) == nil {
				t.Fatalf("kill %d: the intent %s was acknowledged and is lost", kill, number)
			}
		}
		for _, artifact := range document.Artifacts {
			if !said["ending"][artifact.ID] {
				t.Fatalf("kill %d: %s is recorded as done and was not finished", kill, artifact.ID)
			}
		}
		if kill%20 == 19 {
			settle(t, b, said["ending"])
		}
	}
	t.Logf("%d steps acknowledged, %d begun", len(said["ended"]), len(said["began"]))
	if len(said["ended"]) < kills {
		t.Errorf("only %d steps in %d runs: the children were killed too early", len(said["ended"]), kills)
	}
}

// settle ends what the killed left open, as the next run does, and closes properly.
func settle(t *testing.T, b *Backend, said map[string]bool) {
	t.Helper()
	s := lock(t, b)
	for _, open := range s.Document().Intents {
		one := artifact(1)
		one.ID = open.ID
		said[open.ID] = true
		check(t, s.End(context.Background(), open.ID, state.Result{Outcome: state.Abandoned, Events: []state.Event{{PutArtifact: one}}}))
	}
	closed(t, s)
	if document := read(t, b); len(document.Intents) != 0 {
		t.Fatalf("%d intents are still open", len(document.Intents))
	}
}

// runChild starts a child, kills it some time after it has said so many lines, and adds what it said. Lines and not time alone
// decide, so that the children of a slow machine come as far as those of a fast one.
func runChild(t *testing.T, path string, after int, pause time.Duration, said map[string]map[string]bool) {
	t.Helper()
	command, lines := startChild(t, path)
	kill := func() { _ = command.Process.Kill() }
	for count := 0; ; count++ {
		if count == after {
			killer := time.AfterFunc(pause, kill)
			defer killer.Stop()
		}
		if !lines.Scan() {
			break
		}
		if kind, number, found := strings.Cut(lines.Text(), " "); found {
			said[kind][number] = true
		}
	}
	if err := command.Wait(); command.ProcessState.ExitCode() >= 0 {
		t.Fatalf("a child was not killed but ended: %v", err)
	}
}

// startChild starts a child and waits until it has the lock.
func startChild(t *testing.T, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childState+"="+path)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	lines := bufio.NewScanner(output)
	if !lines.Scan() || lines.Text() != "locked" {
		t.Fatalf("the child did not take the lock: %q, %v", lines.Text(), command.Wait())
	}
	return command, lines
}

func TestLockOfAnotherProcess(t *testing.T) {
	b := newBackend(t)
	command, _ := startChild(t, b.path)
	_, err := b.Lock(context.Background(), state.LockInfo{}, 0)
	var locked *state.LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != command.Process.Pid || locked.Location != b.path {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"locked", "imsctl apply", "on child", strconv.Itoa(command.Process.Pid), b.path} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if _, err := b.Lock(context.Background(), state.LockInfo{}, 50*time.Millisecond); !errors.As(err, &locked) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.Lock(ctx, state.LockInfo{}, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := b.Read(context.Background()); err != nil {
		t.Errorf("reading beside the holder: %v", err)
	}

	check(t, command.Process.Kill())
	s, err := b.Lock(context.Background(), state.LockInfo{Operation: "verify", PID: 7}, time.Minute)
	check(t, err)
	_ = command.Wait()
	if _, err := b.Lock(context.Background(), state.LockInfo{}, 0); !errors.As(err, &locked) || locked.Holder.PID != 7 || !locked.Holder.TakenAt.Equal(noon) {
		t.Errorf("the dead holder is still named: %v", err)
	}
	check(t, s.Close())
	if _, err := os.Stat(b.path + lockSuffix); err != nil {
		t.Errorf("the lock file is gone: %v", err)
	}
}

func TestLockPassesFromOneToTheNext(t *testing.T) {
	b := newBackend(t)
	var group sync.WaitGroup
	inside := make(chan struct{}, 1)
	for worker := range 6 {
		group.Go(func() {
			s, err := b.Lock(context.Background(), state.LockInfo{}, time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case inside <- struct{}{}:
			default:
				t.Error("two hold the lock")
			}
			if err := step(s, worker); err != nil {
				t.Error(err)
			}
			<-inside
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if document := read(t, b); len(document.Artifacts) != 6 || document.Serial != 12 {
		t.Errorf("%d artifacts at serial %d", len(document.Artifacts), document.Serial)
	}
}

// A program that the holder was starting when it was killed has the lock for a moment longer than the holder.
func TestLockOfADeadHolderIsWaitedFor(t *testing.T) {
	b := newBackend(t)
	closed(t, lock(t, b))
	file, err := os.OpenFile(b.files().lock, os.O_RDWR, fileMode)
	if err != nil {
		t.Fatal(err)
	}
	if err := flock(file, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	// No process has the highest possible number, 2^22 on Linux.
	if err := (&lockFile{file: file}).describe(state.LockInfo{ID: "x", Host: host, PID: 1 << 22}); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command("sleep", "0.3")
	orphan.ExtraFiles = []*os.File{file}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = orphan.Wait() }()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	lock(t, b)
}
