package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// leading is a destination whose uploads can be followed.
func leading() *memory {
	m := newMemory()
	m.reread = true
	return m
}

// following checks that nothing that was reread is still open.
func following(t *testing.T, destinations ...*memory) {
	t.Helper()
	for i, destination := range destinations {
		if n := destination.rereading.Load(); n != 0 {
			t.Errorf("%d readings of destination %d are still open", n, i)
		}
	}
}

// A slow branch follows one that can be reread: the source is held up hardly at all, nothing is sent twice, and the others are kept
// before it is done.
func TestSlowBranchFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := noise(14 << 20)
		fast, leader, slow, slower := newMemory(), leading(), paced(200*time.Millisecond), paced(600*time.Millisecond)
		var took time.Duration
		begun := time.Now()
		j := job(t, "none", timed(data, &took), fast, leader, slow, slower)
		j.SlowLimit = 2 * time.Second
		kept := 0
		j.Kept = func(outcome Outcome) {
			kept++
			if kept == 1 && time.Since(begun) > 2*time.Second {
				t.Errorf("kept after %s", time.Since(begun))
			}
			for i, branch := range outcome.Branches {
				// The slow ones end one after the other, and the last one is told of by Run itself.
				ended := i < 1+kept
				if branch.Err != nil || branch.Pending == ended || (branch.Object.Key != "") != ended || ended != ([]*memory{fast, leader, slow, slower}[i].object() != nil) {
					t.Errorf("kept for the %d. time: %+v", kept, branch)
				}
			}
			if outcome.Stored.Size != int64(len(data)) {
				t.Error("what is kept is not what is there")
			}
		}
		outcome, err := Run(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		for i, destination := range []*memory{fast, leader, slow, slower} {
			holds(t, destination, j.Codec, data)
			branch := outcome.Branches[i]
			if followed := branch.Followed == "destination.1"; branch.Err != nil || branch.Pending || followed != (i >= 2) {
				t.Errorf("%+v", branch)
			}
		}
		if kept != 2 || took > 2*time.Second {
			t.Errorf("kept %d times, the reading took %s", kept, took)
		}
		following(t, leader)
	})
}

// What goes wrong while a branch follows.
func TestFollowingFails(t *testing.T) {
	data := noise(14 << 20)
	for name, test := range map[string]struct {
		happens      func(leader, slow *memory)
		leader, slow error
	}{
		"the leader fails":      {func(leader, _ *memory) { leader.fail, leader.failAfter = errBucket, 12<<20 }, errBucket, ErrSlow},
		"the leader's commit":   {func(leader, _ *memory) { leader.commit = errBucket }, errBucket, nil},
		"the follower fails":    {func(_, slow *memory) { slow.fail, slow.failAfter = errBucket, 12<<20 }, nil, errBucket},
		"the follower's commit": {func(_, slow *memory) { slow.commit = errBucket }, nil, errBucket},
		"the follower stalls":   {func(_, slow *memory) { slow.blockIn, slow.blockAfter = "write", 12<<20 }, nil, ErrStalled},
		"the leader stalls":     {func(leader, _ *memory) { leader.blockIn, leader.blockAfter = "write", 12<<20 }, ErrStalled, ErrSlow},
	} {
		bubble(t, name, func(t *testing.T) {
			fast, leader, slow := newMemory(), leading(), paced(200*time.Millisecond)
			test.happens(leader, slow)
			j := job(t, "none", pieces(data, 50_000), fast, leader, slow)
			j.SlowLimit, j.StallLimit = 2*time.Second, 20*time.Second
			outcome, err := Run(t.Context(), j)
			if err != nil || outcome.Branches[0].Err != nil {
				t.Fatal(err, outcome.Branches)
			}
			holds(t, fast, j.Codec, data)
			for i, want := range []error{nil, test.leader, test.slow} {
				if got := outcome.Branches[i].Err; !errors.Is(got, want) || want == nil && got != nil {
					t.Errorf("branch %d: %v, want %v", i, got, want)
				}
				if want != nil {
					empty(t, []*memory{fast, leader, slow}[i])
				}
			}
			following(t, leader)
		})
	}
}

// When the stream fails, so does whoever follows; and an interrupt ends it.
func TestFollowingEnds(t *testing.T) {
	bubble(t, "with the stream", func(t *testing.T) {
		leader, slow := leading(), paced(200*time.Millisecond)
		broken := source{dumpFormat(), func(ctx context.Context, w io.Writer) error {
			if err := writePieces(ctx, w, noise(14<<20), 50_000); err != nil {
				return err
			}
			return errors.New("exit status 1")
		}}
		_, err := Run(t.Context(), job(t, "none", broken, leader, slow))
		says(t, err, nil, "exit status 1")
		empty(t, leader, slow)
		following(t, leader)
	})
	bubble(t, "with its context", func(t *testing.T) {
		leader, slow := leading(), paced(200*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		outcome, err := Run(ctx, job(t, "none", pieces(noise(14<<20), 50_000), leader, slow))
		if err != nil || outcome.Branches[0].Err != nil || !errors.Is(outcome.Branches[1].Err, context.DeadlineExceeded) {
			t.Fatal(err, outcome.Branches)
		}
		empty(t, slow)
		following(t, leader)
	})
}

// Branches of random paces, some of which fail, in real time: what is kept is whole.
func TestFollowingAtRandom(t *testing.T) {
	watch(t)
	data := noise(10 << 20)
	random := rand.New(rand.NewPCG(7, 8))
	followed := 0
	for range 8 {
		var all []*memory
		j := job(t, "none", pieces(data, 50_000))
		for i := range 4 {
			m := paced(time.Duration(random.IntN(2)*4) * time.Millisecond)
			m.reread = i < 2
			if random.IntN(5) == 0 {
				m.fail, m.failAfter = errBucket, random.IntN(12<<20)
			}
			all = append(all, m)
			j.Branches = append(j.Branches, Branch{Name: fmt.Sprint(i), Destination: m})
		}
		j.SlowLimit = time.Nanosecond
		outcome, err := Run(t.Context(), j)
		if err != nil {
			says(t, err, nil, "no destination took the data")
			empty(t, all...)
			following(t, all...)
			continue
		}
		for i, branch := range outcome.Branches {
			if branch.Err == nil {
				holds(t, all[i], j.Codec, data)
			} else {
				empty(t, all[i])
			}
			if branch.Followed != "" {
				followed++
			}
		}
		following(t, all...)
	}
	t.Logf("%d branches followed another one", followed)
}
