package site

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv/release"
	"github.com/castrolanda/imsctl/providers"
)

// lockSite is a site of a folder, which several may have.
func lockSite(t *testing.T, target providers.DeployTarget) *Site {
	t.Helper()
	made := fakeSite(t, newMachine(), target)
	made.timing.heartbeat, made.timing.silence = 5*time.Millisecond, time.Hour
	return made
}

func TestLock(t *testing.T) {
	t.Parallel()
	target := providers.DeployTarget{Path: t.TempDir(), Compose: "compose.yaml"}
	ours, theirs := lockSite(t, target), lockSite(t, target)
	held, unlock, err := ours.Lock(t.Context(), providers.DeployHolder{ID: "1", By: "ana@laptop", PID: 7, Message: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = theirs.Lock(t.Context(), providers.DeployHolder{ID: "2", By: "rui@office"})
	var locked *providers.DeployLockedError
	if !errors.As(err, &locked) || locked.Holder.By != "ana@laptop" || locked.Holder.PID != 7 || locked.Holder.Message != "apply" {
		t.Fatalf("the lock was given twice: %v", err)
	}
	t.Log(err)
	if seen := theirs.View(t.Context()); seen.Held == nil || seen.Held.Holder.ID != "1" {
		t.Errorf("the view says %+v", seen.Held)
	}
	if err := theirs.BreakLock(t.Context(), "3"); err == nil {
		t.Error("a lock was broken that is another's")
	}
	if held.Err() != nil {
		t.Fatal("the lock was lost", context.Cause(held))
	}

	// It is taken away, and the holder hears of it with the next beat of its heart.
	if err := theirs.BreakLock(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	_, theirUnlock, err := theirs.Lock(t.Context(), providers.DeployHolder{ID: "2", By: "rui@office"})
	if err != nil {
		t.Fatal(err)
	}
	<-held.Done()
	t.Log(context.Cause(held))
	if err := unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := ours.held(); err != nil || now == nil || now.Holder.ID != "2" {
		t.Errorf("who lost the lock gave back that of somebody else: %+v, %v", now, err)
	}

	// It is given back although the context has ended, and twice is no mistake.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(theirUnlock(ended), theirUnlock(ended)); err != nil {
		t.Error(err)
	}
	if now, err := ours.held(); err != nil || now != nil {
		t.Errorf("the lock is held by %+v, %v", now, err)
	}
	if err := ours.BreakLock(t.Context(), "2"); err == nil {
		t.Error("a lock was broken that nobody has")
	}
	if left, err := os.ReadDir(ours.meta()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestLockOfTheDead(t *testing.T) {
	t.Parallel()
	for name, shift := range map[string]time.Duration{"silent": -2 * time.Hour, "clock set back": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			target := providers.DeployTarget{Path: t.TempDir(), Compose: "compose.yaml"}
			ours := lockSite(t, target)
			leave(t, ours, `{"id":"1","by":"ana@laptop","pid":7,"message":"apply","since":"2026-01-01T00:00:00Z"}`, shift)
			if seen := ours.View(t.Context()); seen.Held != nil {
				t.Errorf("somebody dead is in the way of a plan: %v", seen.Held)
			}
			_, unlock, err := ours.Lock(t.Context(), providers.DeployHolder{ID: "2", By: "rui@office", Message: "apply"})
			if err != nil {
				t.Fatal(err)
			}
			now, err := ours.held()
			if err != nil || now == nil || !strings.Contains(now.Holder.Message, "taken over from ana@laptop") {
				t.Errorf("%+v, %v", now, err)
			}
			if err := unlock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// leave leaves a lock that was last renewed at another time.
func leave(t *testing.T, s *Site, text string, shift time.Duration) {
	t.Helper()
	if err := s.write(s.lockFile(), []byte(text)); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(shift)
	if err := os.Chtimes(s.lockFile(), at, at); err != nil {
		t.Fatal(err)
	}
}

// TestLockOfTheLiving: the holder's lock is old by the clock, which was changed, and it shows while it is waited for that it lives.
func TestLockOfTheLiving(t *testing.T) {
	t.Parallel()
	target := providers.DeployTarget{Path: t.TempDir(), Compose: "compose.yaml"}
	ours, theirs := lockSite(t, target), lockSite(t, target)
	// So long that the holder's heart beats for certain while the other one waits.
	theirs.timing.heartbeat = 20 * time.Second
	held, unlock, err := ours.Lock(t.Context(), providers.DeployHolder{ID: "1", By: "ana@laptop"})
	if err != nil {
		t.Fatal(err)
	}
	locked, err := theirs.held()
	if err != nil || locked == nil {
		t.Fatal(locked, err)
	}
	locked.Silent = 2 * time.Hour
	waiting, cancel := context.WithCancel(t.Context())
	defer cancel()
	if taken, err := theirs.takeOver(impatient(waiting, ours, locked.Holder.Alive), locked); taken {
		t.Error("the lock of somebody who lives was taken", err)
	}
	if held.Err() != nil {
		t.Error(context.Cause(held))
	}
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// impatient is a context that ends when the holder has shown that it lives.
func impatient(ctx context.Context, holder *Site, last time.Time) context.Context {
	ended, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if now, err := holder.held(); err == nil && now != nil && !now.Holder.Alive.Equal(last) {
				return
			}
		}
	}()
	return ended
}

func TestLockWithoutAFolder(t *testing.T) {
	t.Parallel()
	s := lockSite(t, providers.DeployTarget{Path: t.TempDir() + "/missing", Compose: "compose.yaml"})
	if _, _, err := s.Lock(t.Context(), providers.DeployHolder{ID: "1"}); err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Error(err)
	}
	if _, _, err := s.Begin(t.Context(), providers.Release{ID: "x"}); err == nil {
		t.Error("a release was begun in a folder that is not there")
	}
	if seen := s.Inspect(t.Context()); seen.Site.Err == nil || seen.Revisions.Err == nil {
		t.Errorf("%+v", seen)
	}
}

func FuzzHolder(f *testing.F) {
	f.Add([]byte(`{"id":"1","by":"ana@laptop","pid":7,"since":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if parseHolder(text).ID == "" {
			t.Error("a holder without a name cannot be told from others")
		}
	})
}

// TestLockOfAMachine takes the lock of a real machine, whose clock and files are far away.
func TestLockOfAMachine(t *testing.T) {
	o := deployer(t, release.Options{}, nil)
	o.timing.heartbeat, o.timing.silence = 10*time.Millisecond, time.Hour
	held, unlock, err := o.Lock(t.Context(), providers.DeployHolder{ID: "1", By: `ana "of" <laptop>`})
	if err != nil {
		t.Fatal(err)
	}
	theirs := site(t, o.target, nil)
	var locked *providers.DeployLockedError
	if _, _, err := theirs.Lock(t.Context(), providers.DeployHolder{ID: "2"}); !errors.As(err, &locked) || locked.Holder.By != `ana "of" <laptop>` {
		t.Fatalf("the lock was given twice: %v", err)
	}
	if locked.Age > 10*time.Minute || locked.Silent > 10*time.Minute {
		t.Errorf("a lock that is new is %s old, and %s silent", locked.Age, locked.Silent)
	}
	// A connection that breaks is no reason to lose it.
	o.project.Machine.SSH.Cut()
	o.project.Machine.Run(t, "touch -d '2020-01-01' "+o.lockFile())
	for {
		if now, err := theirs.held(); err != nil || now == nil {
			t.Fatal(now, err)
		} else if now.Holder.Alive.Year() != 2020 {
			break // the next beat
		}
	}
	if held.Err() != nil {
		t.Fatal(context.Cause(held))
	}
	o.project.Machine.Run(t, "rm "+o.lockFile())
	<-held.Done()
	if err := unlock(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHooksBeforeAnything: a hook in a service, where there is no service yet.
func TestHooksBeforeAnything(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	target.Hooks = []providers.Hook{
		{Moment: providers.BeforeDeploy, Command: []string{"pwd"}},
		{Moment: providers.BeforeDeploy, Service: "web", Command: []string{"true"}},
	}
	var said strings.Builder
	if err := fakeSite(t, m, target).Hook(t.Context(), providers.BeforeDeploy, providers.Release{}, &said); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), target.Path) || !strings.Contains(said.String(), "is left out") {
		t.Errorf("said: %s", said.String())
	}
}
