package site

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
)

// breaking is a host whose connection breaks once: as one of its commands begins, or a while into compose bringing services up.
type breaking struct {
	providers.Host
	// at counts down with each command.
	at  *atomic.Int64
	up  time.Duration
	cut func()
}

func (b breaking) Run(ctx context.Context, command providers.Command) error {
	switch up := slices.Contains(command.Arguments, "up"); {
	case up && b.up > 0:
		timer := time.AfterFunc(b.up, b.cut)
		defer timer.Stop()
	case b.at.Add(-1) == 0:
		timer := time.AfterFunc(5*time.Millisecond, b.cut)
		defer timer.Stop()
	}
	return b.Host.Run(ctx, command)
}

// TestCutAnywhere cuts the connection in the middle of deploys to a real machine, again and again. Whatever came of it, the next deploy ends
// right, and the service that it does not touch is the same.
func TestCutAnywhere(t *testing.T) {
	o := deployer(t, release.Options{}, nil)
	o.deploy(t, o.release("20260101T000000Z", release.Good2, ""))
	rounds, seed := 4, uint64(1)
	if given, err := strconv.Atoi(os.Getenv("IMSCTL_RELIABILITY_ROUNDS")); err == nil {
		rounds, seed = given, uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	wanted := []string{release.Good3, release.Good4}
	for round := range rounds {
		revision := wanted[round%2]
		one := o.release("202602"+strconv.Itoa(10+round)+"T000000Z", revision, "")
		before := o.project.Containers(t)
		at := new(atomic.Int64)
		at.Store(1 + random.Int64N(16))
		number, up := at.Load(), time.Duration(0)
		if round/2%2 == 1 {
			number, up = 0, time.Duration(1+random.IntN(700))*time.Millisecond
			at.Store(0)
		}
		broken := &operator{site(t, o.target, func(host providers.Host) providers.Host {
			return breaking{host, at, up, o.project.Machine.SSH.Cut}
		}), o.project, o.target}
		err := broken.stage(t, one)
		if err == nil {
			_, err = broken.Switch(t.Context(), one)
		}
		t.Logf("round %d: cut at command %d, or %s into bringing up: %v", round, number, up, err)
		again := &operator{site(t, o.target, nil), o.project, o.target}
		again.deploy(t, one)
		seen := again.View(t.Context())
		if seen.Err != nil || len(seen.Drift) > 0 || len(seen.Containers) != 2 || seen.Current.ID != one.ID {
			t.Errorf("round %d: %+v", round, seen)
		}
		// Between the two the worker alone is another.
		if after := o.project.Containers(t); round > 0 && after["web"] != before["web"] {
			t.Errorf("round %d: web was touched: %+v, %+v", round, before["web"], after["web"])
		}
	}
	if _, err := o.Prune(t.Context(), 2); err != nil {
		t.Error(err)
	}
}
