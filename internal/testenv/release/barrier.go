package release

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Barrier holds up a command, wherever it runs, so that a test can do something meanwhile.
type Barrier struct{ folder string }

// NewBarrier makes a closed barrier. Whoever waits at it goes on when the test ends.
func NewBarrier(t testing.TB) *Barrier {
	t.Helper()
	return &Barrier{t.TempDir()}
}

// Script is text for the shell that waits at the barrier, here or on the machine.
func (b *Barrier) Script() string {
	return fmt.Sprintf(`barrier='%s'; echo >>"$barrier/arrived"; while [ -d "$barrier" ] && [ ! -e "$barrier/open" ]; do sleep 0.05; done`, b.folder)
}

// Command is a program with its arguments that does it and then succeeds.
func (b *Barrier) Command() []string { return []string{"sh", "-c", b.Script()} }

// Await waits until so many have arrived, since the barrier was made. The test fails after two minutes, or when what it waits for has
// ended, which is nil where nothing can.
func (b *Barrier) Await(t testing.TB, count int, ended <-chan struct{}) {
	t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for b.Arrived(t) < count {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ended:
			if b.Arrived(t) < count {
				t.Fatal("it ended before it came to the barrier")
			}
		case <-limit.C:
			t.Fatal("nobody comes to the barrier")
		}
	}
}

// Arrived is how many have arrived.
func (b *Barrier) Arrived(t testing.TB) int {
	t.Helper()
	arrived, err := os.ReadFile(filepath.Join(b.folder, "arrived"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(arrived, []byte("\n"))
}

// Open lets everybody pass, until Shut.
func (b *Barrier) Open(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.folder, "open"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Shut holds up who comes from now on.
func (b *Barrier) Shut(t testing.TB) {
	t.Helper()
	if err := os.Remove(filepath.Join(b.folder, "open")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
