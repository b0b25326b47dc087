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
	finished chan struct{}
}

// hold keeps a lock alive that was just taken. The context ends when it is lost; unlock waits for the goroutine.
func (s *Site) hold(ctx context.Context, holder providers.DeployHolder) (context.Context, func(context.Context) error) {
	held, lost := context.WithCancelCause(ctx)
	h := &heart{site: s, holder: holder, lost: lost, stop: make(chan struct{}), finished: make(chan struct{})}
	go h.beat()
	return held, h.release
}

// beat renews the lock until it is given up or lost. Failures are borne for as long as others respect the lock.
func (h *heart) beat() {
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
		err := h.renew()
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

// renew writes the lock anew.
func (h *heart) renew() error {
	s := h.site
	now, err := s.readLock()
	if errors.Is(err, fs.ErrNotExist) {
		return &lostError{}
	}
	if err != nil {
		return err
	}
	if now.ID != h.holder.ID {
		return &lostError{now.By}
	}
	alive, err := s.hostTime()
	if err != nil {
		return err
	}
	h.holder.Alive = alive
	text, err := json.Marshal(h.holder)
	if err != nil {
		return err
	}
	files, beside := s.host.Files(), s.beside(s.lockFile())
	err = writeNew(files, beside, append(text, '\n'), metaMode)
	if err == nil {
		err = files.Rename(beside, s.lockFile())
	}
	if err != nil {
		return errors.Join(err, removeQuietly(files, beside))
	}
	return nil
}

// release gives the lock back, unless it is somebody else's by now.
func (h *heart) release(context.Context) error {
	h.once.Do(func() { close(h.stop) })
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
