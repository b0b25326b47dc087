package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// heart shows from time to time that the holder of the lock lives.
type heart struct {
	site     *Site
	holder   providers.DeployHolder
	lost     context.CancelCauseFunc
	stop     chan struct{}
	once     sync.Once
	cancel   context.CancelFunc
	finished chan struct{}
}

// hold keeps a lock alive that was just taken. The context ends when it is lost; unlock waits for the goroutine.
func (s *Site) hold(ctx context.Context, holder providers.DeployHolder) (context.Context, func(context.Context) error) {
	held, lost := context.WithCancelCause(ctx)
	h := &heart{site: s, holder: holder, lost: lost, stop: make(chan struct{}), finished: make(chan struct{})}
	beating, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	go h.beat(beating)
	return held, h.release
}

// beat renews the lock until it is given up or lost. Failures are borne for as long as others respect the lock.
func (h *heart) beat(ctx context.Context) {
	defer close(h.finished)
	ticker := time.NewTicker(h.site.timing.heartbeat)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-h.stop:
			return
		case <-ticker.C:
		}
		err := h.renew(ctx)
		var gone *lostError
		switch {
		case err == nil:
			renewed = time.Now()
		case errors.As(err, &gone):
			h.lost(err)
			return
		case time.Since(renewed) > h.site.timing.silence:
			h.lost(fmt.Errorf("the deploy lock could not be renewed for %s, and others may take it: %w", time.Since(renewed).Round(time.Second), err))
			return
		}
	}
}

// lostError says that the lock is somebody else's.
type lostError struct{ by string }

func (e *lostError) Error() string {
	if e.by == "" {
		return "the deploy lock was taken away"
	}
	return "the deploy lock was taken by " + e.by
}

// renewScript touches the lock $1 if it says $2, and shows what it says.
const renewScript = `said=$(cat "$1" 2>/dev/null)
case $said in *"$2"*) touch -c "$1" || exit ;; esac
printf %s "$said"`

// renew shows that the holder lives: the time of the lock's last change is the host's now. Nothing is written, so that a full disk does
// not cost the lock, nor is one touched that others have taken meanwhile. It takes no longer than until the next beat.
func (h *heart) renew(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, max(h.site.timing.heartbeat, time.Second))
	defer cancel()
	id, err := json.Marshal(h.holder.ID)
	if err != nil {
		return err
	}
	said, err := h.site.shell(limited, renewScript, h.site.lockFile(), `"id":`+string(id))
	if err != nil {
		return err
	}
	if len(said) == 0 {
		return &lostError{}
	}
	if now := parseHolder(said); now.ID != h.holder.ID {
		return &lostError{now.By}
	}
	return nil
}

// release gives the lock back, unless it is somebody else's by now.
func (h *heart) release(context.Context) error {
	h.once.Do(func() {
		close(h.stop)
		h.cancel()
	})
	<-h.finished
	h.lost(context.Canceled)
	now, err := h.site.readLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && now.ID != h.holder.ID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("giving the deploy lock back: %w", err)
	}
	if _, err := h.site.remove(h.holder.ID); err != nil {
		return fmt.Errorf("giving the deploy lock back: %w", err)
	}
	return nil
}
