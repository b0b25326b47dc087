package tracing

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// Backend returns a backend whose readings, locks and records are told.
func (t *Tracer) Backend(kept state.Backend) state.Backend { return &backend{kept, t} }

// Unlock implements state.Unlocker, where the backend does.
func (b *backend) Unlock(ctx context.Context, id string) (holder state.LockInfo, err error) {
	unlocker, ok := b.Backend.(state.Unlocker)
	if !ok {
		return holder, errors.ErrUnsupported
	}
	err = b.call(ctx, slog.LevelInfo, "state unlocked by force", func() error {
		holder, err = unlocker.Unlock(ctx, id)
		return err
	}, slog.String("state", b.Location()))
	return holder, err
}

// LockDamaged implements state.Salvager, where the backend does.
func (b *backend) LockDamaged(ctx context.Context, holder state.LockInfo, timeout time.Duration) (state.Session, error) {
	salvager, ok := b.Backend.(state.Salvager)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	opened, err := salvager.LockDamaged(ctx, holder, timeout)
	if err != nil {
		return nil, err
	}
	return &session{opened, b.Tracer}, nil
}

// Claim implements state.Claimer; it locks everything where the backend knows no parts.
func (b *backend) Claim(ctx context.Context, holder state.LockInfo, blocks []string, timeout time.Duration) (opened state.Session, err error) {
	err = b.call(ctx, slog.LevelInfo, "state claimed", func() error {
		opened, err = state.LockPart(ctx, b.Backend, holder, blocks, timeout)
		return err
	}, slog.String("state", b.Location()), slog.String("operation", holder.Operation), slog.Int("pid", holder.PID), slog.Any("blocks", blocks))
	if err != nil {
		return nil, err
	}
	return &session{opened, b.Tracer}, nil
}

// Holders implements state.Claimer.
func (b *backend) Holders(ctx context.Context) ([]state.LockInfo, error) {
	return state.Holders(ctx, b.Backend)
}

type backend struct {
	state.Backend
	*Tracer
}

// Read implements state.Backend.
func (b *backend) Read(ctx context.Context) (document *state.Document, err error) {
	err = b.call(ctx, slog.LevelDebug, "state read", func() error {
		document, err = b.Backend.Read(ctx)
		return err
	}, slog.String("state", b.Location()))
	return document, err
}

// Lock implements state.Backend.
func (b *backend) Lock(ctx context.Context, holder state.LockInfo, timeout time.Duration) (opened state.Session, err error) {
	err = b.call(ctx, slog.LevelInfo, "state locked", func() error {
		opened, err = b.Backend.Lock(ctx, holder, timeout)
		return err
	}, slog.String("state", b.Location()), slog.String("operation", holder.Operation), slog.Int("pid", holder.PID))
	if err != nil {
		return nil, err
	}
	return &session{opened, b.Tracer}, nil
}

// session tells of the records of a journal.
type session struct {
	state.Session
	*Tracer
}

// Begin implements state.Session.
func (s *session) Begin(ctx context.Context, intent state.Intent) error {
	return s.call(ctx, slog.LevelInfo, "intent recorded", func() error { return s.Session.Begin(ctx, intent) },
		slog.String("intent", intent.ID), slog.String("kind", intent.Kind))
}

// End implements state.Session.
func (s *session) End(ctx context.Context, intentID string, result state.Result) error {
	return s.call(ctx, slog.LevelInfo, "result recorded", func() error { return s.Session.End(ctx, intentID, result) },
		slog.String("intent", intentID), slog.String("outcome", string(result.Outcome)), slog.Int("events", len(result.Events)))
}

// Replace implements state.Replacer, where the session does.
func (s *session) Replace(ctx context.Context, document *state.Document) error {
	replacer, ok := s.Session.(state.Replacer)
	if !ok {
		return errors.ErrUnsupported
	}
	return s.call(ctx, slog.LevelInfo, "state replaced", func() error { return replacer.Replace(ctx, document) }, slog.Uint64("serial", document.Serial))
}

// Close implements state.Session.
func (s *session) Close() error {
	return s.call(context.Background(), slog.LevelInfo, "state unlocked", s.Session.Close)
}
