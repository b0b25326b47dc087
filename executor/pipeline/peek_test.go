package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// peek looks at the first bytes of a source.
func peek(t *testing.T, from providers.Source, size int) (*Peeked, error) {
	t.Helper()
	return Peek(t.Context(), from, "imsctl-test", size, clock.NewManual(time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)))
}

// TestPeek: whatever the sizes of the head, the stream and its pieces, a job stores the whole, and the reading began at the
// peek.
func TestPeek(t *testing.T) {
	for _, length := range []int{0, 1, 1000, chunkSize, 3 << 20} {
		data := dump(length)
		for _, size := range []int{1, 1000, len(data) - 1, len(data), len(data) + 1, 1 << 20} {
			for _, piece := range []int{333, 1 << 20} {
				if piece == 333 && len(data) > 1<<20 {
					continue
				}
				watch(t)
				peeked, err := peek(t, pieces(data, piece), size)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(peeked.Head, data[:min(size, len(data))]) || peeked.Whole && len(peeked.Head) != len(data) || size > len(data) && !peeked.Whole {
					t.Errorf("%d of %d: the head has %d bytes, whole %v", size, len(data), len(peeked.Head), peeked.Whole)
				}
				to := newMemory()
				outcome, err := Run(t.Context(), job(t, "zstd", peeked, to))
				peeked.Close()
				if err != nil {
					t.Fatal(err)
				}
				holds(t, to, codecOf(t, "zstd"), data)
				if !outcome.StartedAt.Equal(peeked.BeganAt) || outcome.Reading.Versions["run"] != "imsctl-test" {
					t.Errorf("%+v", outcome)
				}
			}
		}
	}
}

// TestPeekUnwanted: a source of which nobody wants more is stopped, and stays stopped if it writes on.
func TestPeekUnwanted(t *testing.T) {
	watch(t)
	var ended error
	stubborn := source{dumpFormat(), func(_ context.Context, w io.Writer) error {
		for range 3 {
			_, ended = w.Write(make([]byte, 100))
		}
		return ended
	}}
	peeked, err := peek(t, stubborn, 10)
	if err != nil {
		t.Fatal(err)
	}
	peeked.Close()
	peeked.Close()
	if !errors.Is(ended, errUnwanted) {
		t.Errorf("the source was told %v", ended)
	}
}

// TestPeekFails: the source's own errors are those of the peek or, behind the head, those of the job.
func TestPeekFails(t *testing.T) {
	broken := errors.New("pg_dump: exit status 1")
	failing := func(after int) source {
		return source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
			if err := writePieces(ctx, w, dump(1 << 20)[:after], 1000); err != nil {
				return err
			}
			return broken
		}}
	}
	watch(t)
	if _, err := peek(t, failing(500), 1000); !errors.Is(err, broken) {
		t.Errorf("within the head: %v", err)
	}
	peeked, err := peek(t, failing(50_000), 1000)
	if err != nil {
		t.Fatal(err)
	}
	to := newMemory()
	if _, err := Run(t.Context(), job(t, "zstd", peeked, to)); !errors.Is(err, broken) {
		t.Errorf("behind the head: %v", err)
	}
	peeked.Close()
	if len(to.objects) > 0 {
		t.Error("something was stored")
	}
}

// TestPeekInterrupted: the end of the context ends the source, while it waits and while it goes on.
func TestPeekInterrupted(t *testing.T) {
	watch(t)
	ctx, cancel := context.WithCancel(t.Context())
	endless := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
		for {
			if _, err := w.Write(dump(1000)); err != nil {
				return err
			}
		}
	}}
	peeked, err := Peek(ctx, endless, "imsctl-test", 1000, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-peeked.done
	if _, err := Run(ctx, job(t, "zstd", peeked, newMemory())); !errors.Is(err, context.Canceled) {
		t.Errorf("while it waits: %v", err)
	}
	peeked.Close()

	peeked, err = peek(t, endless, 1000)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	stopping := newMemory()
	running := job(t, "none", peeked, stopping)
	running.Progress = onRead(func(raw int64) {
		if raw > 1<<20 {
			cancel()
		}
	})
	if _, err := Run(ctx, running); !errors.Is(err, context.Canceled) {
		t.Errorf("while it goes on: %v", err)
	}
	peeked.Close()
}

// TestExtend: a head that was looked at may become longer, once or twice, up to the end of the source, and the stream stays what it is.
func TestExtend(t *testing.T) {
	data := dump(chunkSize)
	for _, sizes := range [][]int{{1, 2}, {1000, 100_000}, {1000, 1000}, {1000, 10}, {1000, len(data)}, {1000, len(data) + 1}, {10, 70_000, len(data) + 1}, {len(data), len(data) + 1}, {len(data) + 1, len(data) + 2}} {
		for _, piece := range []int{333, 1 << 20} {
			watch(t)
			peeked, err := peek(t, pieces(data, piece), sizes[0])
			if err != nil {
				t.Fatal(err)
			}
			most := sizes[0]
			for _, size := range sizes[1:] {
				if err := peeked.Extend(size); err != nil {
					t.Fatal(err)
				}
				most = max(most, size)
			}
			if !bytes.Equal(peeked.Head, data[:min(most, len(data))]) || peeked.Whole != (most > len(data)) {
				t.Errorf("%v of %d: the head has %d bytes, whole %v", sizes, len(data), len(peeked.Head), peeked.Whole)
			}
			to := newMemory()
			if _, err := Run(t.Context(), job(t, "zstd", peeked, to)); err != nil {
				t.Fatal(err)
			}
			peeked.Close()
			holds(t, to, codecOf(t, "zstd"), data)
		}
	}
}

// TestExtendFails: what a source says of itself while it is read on is the error, and one that is closed or interrupted is not waited for.
func TestExtendFails(t *testing.T) {
	watch(t)
	broken := errors.New("pg_dump: exit status 1")
	failing := source{dumpFormat(), func(_ context.Context, w io.Writer) error {
		if _, err := w.Write(dump(1000)); err != nil {
			return err
		}
		return broken
	}}
	peeked, err := peek(t, failing, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := peeked.Extend(2000); !errors.Is(err, broken) {
		t.Errorf("a source that fails: %v", err)
	}
	peeked.Close()

	if peeked, err = peek(t, failing, 10); err != nil {
		t.Fatal(err)
	}
	peeked.Close()
	if err := peeked.Extend(2000); !errors.Is(err, errUnwanted) {
		t.Errorf("after Close: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	silent := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
		if _, err := w.Write(dump(1000)); err != nil {
			return err
		}
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}
	if peeked, err = Peek(ctx, silent, "imsctl-test", 10, clock.System{}); err != nil {
		t.Fatal(err)
	}
	if err := peeked.Extend(2000); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	peeked.Close()
}

// onRead is a Progress that hears of the source only.
type onRead func(int64)

func (f onRead) Read(raw int64)              { f(raw) }
func (f onRead) Branch(string, int64, Stage) {}
