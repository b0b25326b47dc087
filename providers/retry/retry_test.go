package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
	"github.com/castrolanda/imsctl/providers/destination/local"
)

// folder is a local destination.
func folder(t *testing.T, path string) providers.Destination {
	t.Helper()
	made, err := (&local.Config{Path: path}).Destination(providers.Environment{Hosts: builtin.Hosts(), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// restless tries as often as it takes, without a pause.
func restless() Policy {
	policy := Default(clock.System{})
	policy.Attempts, policy.Total = 100, time.Hour
	policy.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return policy
}

// A flaky destination, wrapped, keeps the whole contract.
func TestConformance(t *testing.T) {
	roots := make(chan map[providers.Destination]string, 1)
	roots <- make(map[providers.Destination]string)
	open := func(t *testing.T, root string) providers.Destination {
		made := Destination(newFlaky(folder(t, root)), "destination.local.flaky", restless())
		known := <-roots
		known[made] = root
		roots <- known
		return made
	}
	destinationtest.Run(t, func(t *testing.T) providers.Destination { return open(t, t.TempDir()) },
		destinationtest.Reopen(func(t *testing.T, d providers.Destination) providers.Destination {
			known := <-roots
			root := known[d]
			roots <- known
			return open(t, root)
		}))
}

// calls are all calls of a destination, each of which fails.
func calls() map[string]func(context.Context, providers.Destination) error {
	return map[string]func(context.Context, providers.Destination) error{
		"create": func(ctx context.Context, d providers.Destination) error {
			_, err := d.Create(ctx, "key", providers.CreateOptions{})
			return err
		},
		"open": func(ctx context.Context, d providers.Destination) error {
			_, err := d.Open(ctx, "key")
			return err
		},
		"stat": func(ctx context.Context, d providers.Destination) error {
			_, err := d.Stat(ctx, "key")
			return err
		},
		"list": func(ctx context.Context, d providers.Destination) error {
			return d.List(ctx, "", func(providers.Object) error { return nil })
		},
		"delete": func(ctx context.Context, d providers.Destination) error { return d.Delete(ctx, "key", "1") },
		"remnants": func(ctx context.Context, d providers.Destination) error {
			_, err := d.Remnants(ctx, "")
			return err
		},
		"remove remnant": func(ctx context.Context, d providers.Destination) error {
			return d.RemoveRemnant(ctx, providers.Remnant{})
		},
		"status": func(ctx context.Context, d providers.Destination) error {
			_, err := d.Status(ctx)
			return err
		},
		"write": func(ctx context.Context, d providers.Destination) error {
			_, err := uploadOf(ctx, d).Write([]byte("x"))
			return err
		},
		"commit": func(ctx context.Context, d providers.Destination) error {
			_, err := uploadOf(ctx, d).Commit(ctx, providers.Checksums{})
			return err
		},
		"abort": func(ctx context.Context, d providers.Destination) error { return uploadOf(ctx, d).Abort(ctx) },
	}
}

func uploadOf(ctx context.Context, d providers.Destination) providers.Upload {
	wrapped := d.(*destination)
	return &upload{inner: wrapped.inner.(*failing), destination: wrapped, ctx: ctx, key: "key"}
}

// failing fails every call with the same error.
type failing struct {
	err   error
	calls int
	// partly is what a write takes all the same.
	partly int
}

func (f *failing) fail() error { f.calls++; return f.err }
func (f *failing) Create(context.Context, string, providers.CreateOptions) (providers.Upload, error) {
	return nil, f.fail()
}
func (f *failing) Open(context.Context, string) (io.ReadCloser, error) { return nil, f.fail() }
func (f *failing) Stat(context.Context, string) (providers.Object, error) {
	return providers.Object{}, f.fail()
}
func (f *failing) List(context.Context, string, func(providers.Object) error) error { return f.fail() }
func (f *failing) Delete(context.Context, string, string) error                     { return f.fail() }
func (f *failing) Remnants(context.Context, string) ([]providers.Remnant, error) {
	return nil, f.fail()
}
func (f *failing) RemoveRemnant(context.Context, providers.Remnant) error { return f.fail() }
func (f *failing) Status(context.Context) (providers.Status, error) {
	return providers.Status{}, f.fail()
}
func (f *failing) Write([]byte) (int, error) { return f.partly, f.fail() }
func (f *failing) Commit(context.Context, providers.Checksums) (providers.Object, error) {
	return providers.Object{}, f.fail()
}
func (f *failing) Abort(context.Context) error { return f.fail() }

var errBusy = fmt.Errorf("%w: the store answered 503", providers.ErrTemporary)

func TestLimits(t *testing.T) {
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				busy := &failing{err: errBusy}
				policy := Default(clock.System{})
				policy.Random = func(n int64) int64 { return n - 1 }
				begun := time.Now()
				err := call(t.Context(), Destination(busy, "a", policy))
				if !errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "tried 6 times") || busy.calls != 6 {
					t.Errorf("%d calls, %v", busy.calls, err)
				}
				if took := time.Since(begun); took != 15500*time.Millisecond {
					t.Errorf("the pauses took %s", took)
				}

				busy.calls, policy.Total = 0, 7*time.Second
				if err := call(t.Context(), Destination(busy, "a", policy)); !errors.Is(err, providers.ErrTemporary) || busy.calls != 4 {
					t.Errorf("with too little time: %d calls, %v", busy.calls, err)
				}

				broken := &failing{err: errors.New("broken")}
				if err := call(t.Context(), Destination(broken, "a", policy)); err != broken.err || broken.calls != 1 {
					t.Errorf("what is not temporary: %d calls, %v", broken.calls, err)
				}
			})
		})
	}
}

// Nothing is tried again for somebody who waits no longer.
func TestContexts(t *testing.T) {
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := Default(clock.System{})
				policy.Random = func(n int64) int64 { return n - 1 }
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				busy := &failing{err: errBusy}
				if err := call(ctx, Destination(busy, "a", policy)); err == nil || busy.calls != 1 {
					t.Errorf("cancelled before: %d calls, %v", busy.calls, err)
				}

				ctx, cancel = context.WithTimeout(t.Context(), 600*time.Millisecond)
				defer cancel()
				busy = &failing{err: errBusy}
				begun := time.Now()
				err := call(ctx, Destination(busy, "a", policy))
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, providers.ErrTemporary) || busy.calls != 2 {
					t.Errorf("ended in a pause: %d calls, %v", busy.calls, err)
				}
				if took := time.Since(begun); took != 600*time.Millisecond {
					t.Errorf("it ended after %s", took)
				}
			})
		})
	}
}

func TestPauses(t *testing.T) {
	policy := Default(clock.System{})
	policy.Random = rand.New(rand.NewPCG(1, 2)).Int64N
	bounds := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}
	for i, bound := range bounds {
		var low, high int
		for range 1000 {
			pause := policy.pause(i + 1)
			if pause < 0 || pause > bound {
				t.Fatalf("the pause after failure %d is %s, the bound is %s", i+1, pause, bound)
			}
			if pause < bound/4 {
				low++
			}
			if pause > bound-bound/4 {
				high++
			}
		}
		if low < 150 || high < 150 {
			t.Errorf("of 1000 pauses after failure %d, %d are in the first quarter and %d in the last", i+1, low, high)
		}
	}
}

func TestNeverNested(t *testing.T) {
	policy := restless()
	policy.Attempts = 3
	busy := &failing{err: errBusy}
	wrapped := Destination(Destination(busy, "a", policy), "a", policy)
	if _, err := wrapped.Stat(t.Context(), "key"); err == nil || busy.calls != 3 {
		t.Errorf("wrapped twice: %d calls, %v", busy.calls, err)
	}
}

// A write that took something and failed is not written again.
func TestPartialWrite(t *testing.T) {
	busy := &failing{err: errBusy, partly: 1}
	d := Destination(busy, "a", restless())
	if n, err := uploadOf(t.Context(), d).Write([]byte("xy")); n != 1 || err == nil || busy.calls != 1 {
		t.Errorf("%d calls, %d, %v", busy.calls, n, err)
	}
}

// What the caller's function says ends a listing, also where it looks temporary.
func TestListStopped(t *testing.T) {
	d := folder(t, t.TempDir())
	if _, err := providers.WriteObject(t.Context(), d, "a", []byte("1"), false); err != nil {
		t.Fatal(err)
	}
	times := 0
	err := Destination(d, "a", restless()).List(t.Context(), "", func(providers.Object) error { times++; return errBusy })
	if err != errBusy || times != 1 {
		t.Errorf("yielded %d times, %v", times, err)
	}
}

// replaced is a destination whose object is another one at every opening, and whose first reading breaks.
type replaced struct {
	providers.Destination
	contents []string
	opened   int
}

func (r *replaced) Open(context.Context, string) (io.ReadCloser, error) {
	content := r.contents[r.opened]
	r.opened++
	reader := &flakyReader{io.NopCloser(strings.NewReader(content)), nil}
	if r.opened < len(r.contents) {
		reader.broken = errBusy
	}
	return reader, nil
}

func TestResumedReading(t *testing.T) {
	same := strings.Repeat("0123456789", 300)
	for name, test := range map[string]struct {
		contents []string
		want     string
		fails    bool
	}{
		"the same":                   {[]string{same, same, same}, same, false},
		"longer with that beginning": {[]string{same, same + "more"}, same + "more", false},
		"another":                    {[]string{same, strings.Replace(same, "5", "6", 1)}, "", true},
		"shorter":                    {[]string{same, same[:100]}, "", true},
		"breaking too often":         {slices.Repeat([]string{same}, 8), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			policy := restless()
			policy.Attempts = 4
			reader, err := Destination(&replaced{contents: test.contents}, "a", policy).Open(t.Context(), "key")
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(reader)
			if test.fails != (err != nil) || !test.fails && string(got) != test.want {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			if _, err := reader.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("a read after Close: %v", err)
			}
		})
	}
}

func TestLog(t *testing.T) {
	var said bytes.Buffer
	policy := restless()
	policy.Attempts, policy.Log = 3, slog.New(slog.NewTextHandler(&said, nil))
	_, err := Destination(&failing{err: errBusy}, "destination.gcs.primary", policy).Stat(t.Context(), "a/b")
	if err == nil || strings.Count(said.String(), "\n") != 2 {
		t.Errorf("%v, and the log has:\n%s", err, said.String())
	}
	for _, want := range []string{"level=WARN", `msg="tried again"`, "call=stat", "destination=destination.gcs.primary", "key=a/b", "attempt=3", "answered 503"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, said.String())
		}
	}
}
