package limit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
	"github.com/castrolanda/imsctl/providers/destination/local"
)

func folder(t *testing.T, path string) providers.Destination {
	t.Helper()
	made, err := (&local.Config{Path: path}).Destination(providers.Environment{Hosts: builtin.Hosts(), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestConformance(t *testing.T) {
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		return Destination(folder(t, t.TempDir()), Limits{Rate: 1 << 40, Concurrency: 64, Clock: clock.System{}})
	}, destinationtest.Without("Crash", "what a crash leaves is up to the store"))
}

// sink is a destination that takes everything at once, and counts how much goes on.
type sink struct {
	providers.Destination
	failure            error
	uploads, readings  atomic.Int64
	most, mostReadings atomic.Int64
	written            atomic.Int64
}

func highest(count, most *atomic.Int64) {
	now := count.Add(1)
	for {
		before := most.Load()
		if now <= before || most.CompareAndSwap(before, now) {
			return
		}
	}
}

func (s *sink) Create(context.Context, string, providers.CreateOptions) (providers.Upload, error) {
	if s.failure != nil {
		return nil, s.failure
	}
	highest(&s.uploads, &s.most)
	return &sinkUpload{sink: s}, nil
}

func (s *sink) Open(context.Context, string) (io.ReadCloser, error) {
	if s.failure != nil {
		return nil, s.failure
	}
	highest(&s.readings, &s.mostReadings)
	return &sinkReader{s}, nil
}

type sinkReader struct{ sink *sink }

func (r *sinkReader) Read([]byte) (int, error) { return 0, io.EOF }
func (r *sinkReader) Close() error             { r.sink.readings.Add(-1); return nil }

type sinkUpload struct {
	sink *sink
	over sync.Once
}

func (u *sinkUpload) Write(p []byte) (int, error) {
	u.sink.written.Add(int64(len(p)))
	return len(p), nil
}

func (u *sinkUpload) end() { u.over.Do(func() { u.sink.uploads.Add(-1) }) }

func (u *sinkUpload) Commit(context.Context, providers.Checksums) (providers.Object, error) {
	if u.sink.failure != nil {
		return providers.Object{}, u.sink.failure
	}
	u.end()
	return providers.Object{}, nil
}

func (u *sinkUpload) Abort(context.Context) error { u.end(); return nil }

func begin(t *testing.T, d providers.Destination, held func(bool)) providers.Upload {
	t.Helper()
	upload, err := d.Create(t.Context(), "key", providers.CreateOptions{Held: held})
	if err != nil {
		t.Fatal(err)
	}
	return upload
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &sink{}
		limited := Destination(target, Limits{Rate: 1 << 20, Clock: clock.System{}})
		var holding, times int
		upload := begin(t, limited, func(held bool) {
			if held {
				holding++
				times++
			} else {
				holding--
			}
		})
		begun := time.Now()
		for range 40 {
			if n, err := upload.Write(make([]byte, 256<<10)); n != 256<<10 || err != nil {
				t.Fatal(n, err)
			}
		}
		// The first tenth of a second may come from before.
		if took := time.Since(begun); took < 9900*time.Millisecond-time.Millisecond || took > 9900*time.Millisecond+time.Millisecond {
			t.Errorf("10 MiB at 1 MiB/s took %s", took)
		}
		if holding != 0 || times != 40 {
			t.Errorf("held %d times, %d of them still", times, holding)
		}
		// Nothing is saved up by resting.
		time.Sleep(time.Hour)
		begun = time.Now()
		upload.Write(make([]byte, 1<<20))
		if took := time.Since(begun); took < 899*time.Millisecond {
			t.Errorf("1 MiB after an hour's rest took %s", took)
		}
		// Less than a byte in a piece's time.
		slow := begin(t, Destination(target, Limits{Rate: 2, Clock: clock.System{}}), nil)
		begun = time.Now()
		slow.Write(make([]byte, 10))
		if took := time.Since(begun); took < 4900*time.Millisecond || took > 5*time.Second {
			t.Errorf("10 bytes at 2 B/s took %s", took)
		}
	})
}

// Uploads that wait at the same time get equal shares, whatever they write at once.
func TestRateIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := Destination(&sink{}, Limits{Rate: 1 << 20, Clock: clock.System{}})
		taken := make([]int, 3)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var group sync.WaitGroup
		for i, size := range []int{4 << 10, 256 << 10, 1 << 20} {
			group.Go(func() {
				upload, err := limited.Create(ctx, "key", providers.CreateOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				for {
					n, err := upload.Write(make([]byte, size))
					taken[i] += n
					if err != nil {
						return
					}
				}
			})
		}
		group.Wait()
		total := taken[0] + taken[1] + taken[2]
		if total < 27<<20 || total > 31<<20 {
			t.Errorf("30 s at 1 MiB/s took %d bytes", total)
		}
		// Small writes get a smaller piece each time; the large ones are equal.
		if taken[1] < 8<<20 || taken[2] < 8<<20 || taken[0] == 0 {
			t.Errorf("the shares are %d", taken)
		}
	})
}

func TestRateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := Destination(&sink{}, Limits{Rate: 1, Clock: clock.System{}})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		upload, err := limited.Create(ctx, "key", providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if n, err := upload.Write(make([]byte, 1000)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("it ended after %s", took)
		}
	})
}

func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &sink{}
		limited := Destination(target, Limits{Concurrency: 2, Clock: clock.System{}})
		var holding atomic.Int64
		held := func(yes bool) {
			if yes {
				holding.Add(1)
			} else {
				holding.Add(-1)
			}
		}
		var group sync.WaitGroup
		for i := range 9 {
			group.Go(func() {
				upload := begin(t, limited, held)
				time.Sleep(time.Second)
				if i%2 == 0 {
					upload.Commit(t.Context(), providers.Checksums{})
				}
				upload.Abort(t.Context())
				upload.Abort(t.Context())
			})
			group.Go(func() {
				reader, err := limited.Open(t.Context(), "key")
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				reader.Close()
				reader.Close()
			})
		}
		synctest.Wait()
		if holding.Load() != 7 || target.uploads.Load() != 2 || target.readings.Load() != 2 {
			t.Errorf("%d wait while %d upload and %d read", holding.Load(), target.uploads.Load(), target.readings.Load())
		}
		group.Wait()
		if holding.Load() != 0 || target.most.Load() != 2 || target.mostReadings.Load() != 2 {
			t.Errorf("%d wait at the end; at most %d uploaded and %d read", holding.Load(), target.most.Load(), target.mostReadings.Load())
		}
	})
}

// Whoever waits for a turn goes when its context ends, and what fails gives its turn back.
func TestConcurrencyOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &sink{}
		limited := Destination(target, Limits{Concurrency: 1, Clock: clock.System{}})
		upload := begin(t, limited, nil)
		reader, err := limited.Open(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := limited.Create(ctx, "key", providers.CreateOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := limited.Open(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		target.failure = fmt.Errorf("%w: busy", providers.ErrTemporary)
		if _, err := upload.Commit(t.Context(), providers.Checksums{}); err == nil {
			t.Error("the commit succeeded")
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := limited.Create(ctx, "key", providers.CreateOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a commit that can be repeated has ended the upload's turn: %v", err)
		}
		upload.Abort(t.Context())
		reader.Close()
		for range 3 {
			if _, err := limited.Create(t.Context(), "key", providers.CreateOptions{}); !errors.Is(err, target.failure) {
				t.Error(err)
			}
			if _, err := limited.Open(t.Context(), "key"); !errors.Is(err, target.failure) {
				t.Error(err)
			}
		}
	})
}

func TestWithoutLimits(t *testing.T) {
	target := &sink{}
	if Destination(target, Limits{}) != providers.Destination(target) {
		t.Error("a destination without limits is wrapped")
	}
}
