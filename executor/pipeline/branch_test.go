package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

var errBucket = errors.New("the bucket is gone")

// faults are destinations that go wrong, each at another place.
func faults() map[string]func(*memory) {
	return map[string]func(*memory){
		"create":          func(m *memory) { m.create = errBucket },
		"first write":     func(m *memory) { m.fail = errBucket },
		"later write":     func(m *memory) { m.fail, m.failAfter = errBucket, 5<<20 },
		"last write":      func(m *memory) { m.fail, m.failAfter = errBucket, 12<<20 },
		"commit":          func(m *memory) { m.commit = errBucket },
		"commit no space": func(m *memory) { m.commit = fmt.Errorf("%w: %w", errBucket, providers.ErrNoSpace) },
	}
}

func TestOneBranchFails(t *testing.T) {
	data := noise(12 << 20)
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			watch(t)
			good, bad, slow := newMemory(), newMemory(), newMemory()
			fault(bad)
			slow.delay = 100 * time.Microsecond
			outcome, err := Run(t.Context(), job(t, "zstd", pieces(data, 50_000), good, bad, slow))
			if err != nil {
				t.Fatal(err)
			}
			holds(t, good, codecOf(t, "zstd"), data)
			holds(t, slow, codecOf(t, "zstd"), data)
			empty(t, bad)
			if outcome.Branches[0].Err != nil || !errors.Is(outcome.Branches[1].Err, errBucket) || outcome.Branches[2].Err != nil {
				t.Errorf("%+v", outcome.Branches)
			}
			if outcome.Branches[1].Object.Key != "" {
				t.Errorf("a failed branch has an object: %+v", outcome.Branches[1])
			}
		})
	}
}

func TestAllBranchesFail(t *testing.T) {
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			watch(t)
			one, two := newMemory(), newMemory()
			fault(one)
			fault(two)
			stopped := false
			from := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
				err := writePieces(ctx, w, noise(12<<20), 50_000)
				// However much the codec holds back, it is not so much.
				for i := 0; i < 200 && err == nil && name == "first write"; i++ {
					err = writePieces(ctx, w, noise(12<<20), 50_000)
				}
				stopped = err != nil
				return err
			}}
			_, err := Run(t.Context(), job(t, "zstd", from, one, two))
			says(t, err, errBucket, "destination.0: ")
			says(t, err, errBucket, "destination.1: ")
			empty(t, one, two)
			if name == "first write" && !stopped {
				t.Error("the source was read to its end for nobody")
			}
		})
	}
}

// What is left at a destination that cannot clean up is said, whatever else went wrong.
func TestAbortFails(t *testing.T) {
	watch(t)
	one := newMemory()
	one.abort = errors.New("cannot remove the temporary file")
	_, err := Run(t.Context(), job(t, "zstd", pieces(noise(1 << 20)[:1<<20], 50_000), one))
	says(t, err, ErrIncomplete, "cannot remove the temporary file")
	says(t, err, one.abort, "destination.0: giving up the upload")
}

// A branch that is slow, but moves, is waited for; its pace is everyone's.
func TestSlowBranch(t *testing.T) {
	synctest.Test(t, testSlowBranch)
}

func testSlowBranch(t *testing.T) {
	data := noise(20 << 20)
	fast, slow := newMemory(), newMemory()
	slow.delay = 2 * time.Millisecond
	j := job(t, "none", pieces(data, 50_000), fast, slow)
	j.StallLimit = 10 * time.Millisecond
	outcome, err := Run(t.Context(), j)
	if err != nil || outcome.Branches[1].Err != nil {
		t.Fatal(err, outcome.Branches)
	}
	holds(t, fast, j.Codec, data)
	holds(t, slow, j.Codec, data)
}

// bubble runs a test in a time of its own, which passes only while nothing else can happen: however slow the machine is,
// limits are kept and overstepped alike. It waits for everything that the test starts.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// stalls are destinations that take nothing any more, each at another place.
func stalls() map[string]func(*memory) {
	return map[string]func(*memory){
		"create":         func(m *memory) { m.blockIn = "create" },
		"first write":    func(m *memory) { m.blockIn, m.blockAfter = "write", 0 },
		"write mid-way":  func(m *memory) { m.blockIn, m.blockAfter = "write", 6<<20 },
		"the last write": func(m *memory) { m.blockIn, m.blockAfter = "write", 20<<20 },
		"commit":         func(m *memory) { m.blockIn = "commit" },
	}
}

func TestStalledBranchIsGivenUp(t *testing.T) {
	data := noise(20 << 20)
	for name, stall := range stalls() {
		bubble(t, name, func(t *testing.T) {
			good, dead := newMemory(), newMemory()
			stall(dead)
			j := job(t, "none", pieces(data, 50_000), good, dead)
			j.StallLimit = 300 * time.Millisecond
			outcome, err := Run(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, good, j.Codec, data)
			empty(t, dead)
			if outcome.Branches[0].Err != nil {
				t.Error(outcome.Branches[0].Err)
			}
			says(t, outcome.Branches[1].Err, ErrStalled, map[bool]string{true: "commit is not done after 3s", false: "took nothing for more than 300ms"}[name == "commit"])
		})
	}
}

// With no other branch it is the source that must not wait for ever.
func TestOnlyBranchStalls(t *testing.T) {
	for name, stall := range stalls() {
		bubble(t, name, func(t *testing.T) {
			dead := newMemory()
			stall(dead)
			j := job(t, "none", pieces(noise(20<<20), 50_000), dead)
			j.StallLimit = 100 * time.Millisecond
			_, err := Run(t.Context(), j)
			says(t, err, ErrStalled, "destination.0")
			empty(t, dead)
		})
	}
}

// A branch that has taken everything and waits while another one holds everyone up is not the one that stalls.
func TestIdleBranchIsNotStalled(t *testing.T) {
	synctest.Test(t, testIdleBranch)
}

func testIdleBranch(t *testing.T) {
	data := noise(20 << 20)
	idle, dead := newMemory(), newMemory()
	dead.blockIn, dead.blockAfter = "write", 0
	idle.delay = time.Millisecond
	late := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
		if err := writePieces(ctx, w, data[:15<<20], 50_000); err != nil {
			return err
		}
		time.Sleep(600 * time.Millisecond) // longer than the stall limit, and nobody waits for a branch
		return writePieces(ctx, w, data[15<<20:], 50_000)
	}}
	j := job(t, "none", late, idle, dead)
	j.StallLimit = 200 * time.Millisecond
	outcome, err := Run(t.Context(), j)
	if err != nil || outcome.Branches[0].Err != nil {
		t.Fatal(err, outcome.Branches)
	}
	holds(t, idle, j.Codec, data)
	says(t, outcome.Branches[1].Err, ErrStalled, "")
}

// A destination that does not even mind its context is left behind, and cleans up by itself when it returns.
func TestDeafDestinationIsLeftBehind(t *testing.T) {
	for _, where := range []string{"create", "write", "commit"} {
		bubble(t, where, func(t *testing.T) {
			data := noise(20 << 20)
			good, deaf := newMemory(), newMemory()
			deaf.blockIn, deaf.blockAfter, deaf.deaf = where, 0, make(chan struct{})
			j := job(t, "none", pieces(data, 50_000), good, deaf)
			j.StallLimit = 500 * time.Millisecond
			outcome, err := Run(t.Context(), j)
			if err != nil || outcome.Branches[0].Err != nil {
				t.Fatal(err, outcome.Branches)
			}
			says(t, outcome.Branches[1].Err, ErrStalled, "does not return")
			close(deaf.deaf)
			synctest.Wait()
			empty(t, deaf)
		})
	}
}

// recorder is a Progress that checks what it hears.
type recorder struct {
	t      *testing.T
	mu     sync.Mutex
	raw    int64
	stored map[string]int64
	stages map[string][]Stage
}

func (r *recorder) Read(raw int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if raw < r.raw {
		r.t.Errorf("%d bytes read after %d", raw, r.raw)
	}
	r.raw = raw
}

func (r *recorder) Branch(name string, stored int64, stage Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stored < r.stored[name] {
		r.t.Errorf("%s: %d bytes stored after %d", name, stored, r.stored[name])
	}
	r.stored[name] = stored
	if list := r.stages[name]; len(list) == 0 || list[len(list)-1] != stage {
		r.stages[name] = append(list, stage)
	}
}

func TestProgress(t *testing.T) {
	data := noise(3 << 20)
	good, bad := newMemory(), newMemory()
	bad.commit = errBucket
	heard := &recorder{t: t, stored: map[string]int64{}, stages: map[string][]Stage{}}
	j := job(t, "zstd", pieces(data, 50_000), good, bad)
	j.Progress = heard
	outcome, err := Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if heard.raw != int64(len(data)) || heard.stored["destination.0"] != outcome.Stored.Size {
		t.Errorf("heard of %d raw and %v stored bytes", heard.raw, heard.stored)
	}
	if got := fmt.Sprint(heard.stages["destination.0"], heard.stages["destination.1"]); got != "[writing committing done] [writing committing failed]" {
		t.Error(got)
	}
}

// Interrupts come at any moment. Either nothing can be seen anywhere and the error is the context's, or the outcome says
// truly what was committed.
func TestCancelAtRandomMoments(t *testing.T) {
	watch(t)
	data := noise(3 << 20)
	random := rand.New(rand.NewPCG(5, 6))
	interrupted := 0
	for i := range 300 {
		one, two := newMemory(), newMemory()
		if i%4 == 0 {
			two.delay = 200 * time.Microsecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		at := random.IntN(len(data) * 5 / 4)
		from := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
			if at < len(data) {
				if err := writePieces(ctx, w, data[:at], 30_000); err != nil {
					return err
				}
				cancel()
				return writePieces(ctx, w, data[at:], 30_000)
			}
			return writePieces(ctx, w, data, 30_000)
		}}
		if at >= len(data) {
			timer := time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, cancel)
			defer timer.Stop()
		}
		outcome, err := Run(ctx, job(t, []string{"zstd", "gzip", "none"}[i%3], from, one, two))
		cancel()
		if err != nil {
			interrupted++
			says(t, err, context.Canceled, "interrupted")
			empty(t, one, two)
			continue
		}
		for b, destination := range []*memory{one, two} {
			if (outcome.Branches[b].Err == nil) != (destination.object() != nil) {
				t.Errorf("branch %d: error %v, but %d bytes lie there", b, outcome.Branches[b].Err, len(destination.object()))
			}
			if n := destination.unfinished(); n != 0 {
				t.Errorf("%d open uploads", n)
			}
		}
	}
	if interrupted < 100 {
		t.Errorf("only %d runs were interrupted", interrupted)
	}
}

// An interrupt ends a run also while a destination blocks, at every place where it can.
func TestCancelWhileBlocked(t *testing.T) {
	for name, stall := range stalls() {
		bubble(t, name, func(t *testing.T) {
			one, two := newMemory(), newMemory()
			stall(one)
			stall(two)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("somebody pressed a key"))
			defer cancel()
			_, err := Run(ctx, job(t, "none", pieces(noise(20<<20), 50_000), one, two))
			says(t, err, context.DeadlineExceeded, "interrupted")
			empty(t, one, two)
		})
	}
}

// When one branch has committed before the interrupt, that is what the outcome says.
func TestCancelBetweenCommits(t *testing.T) {
	watch(t)
	one, two := newMemory(), newMemory()
	two.blockIn = "commit"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := job(t, "zstd", pieces(dump(1<<20), 50_000), one, two)
	j.Progress = cancelOnDone{cancel}
	outcome, err := Run(ctx, j)
	if err != nil || outcome.Branches[0].Err != nil {
		t.Fatal(err, outcome.Branches)
	}
	says(t, outcome.Branches[1].Err, context.Canceled, "") // before its commit or in it
	empty(t, two)
}

type cancelOnDone struct{ cancel func() }

func (c cancelOnDone) Read(int64) {}
func (c cancelOnDone) Branch(_ string, _ int64, stage Stage) {
	if stage == StageDone {
		c.cancel()
	}
}
