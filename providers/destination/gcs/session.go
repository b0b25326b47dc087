package gcs

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/storage"

	"github.com/castrolanda/imsctl/internal/clock"
)

const (
	// chunkPatience is how long a chunk is tried, and how long the store may refuse to begin a session.
	chunkPatience = 10 * time.Minute
	// chunkTimeout is how long one attempt at a chunk may take: a connection that has died in silence is noticed by it.
	chunkTimeout = 4 * time.Minute
)

// session is a resumable upload.
type session struct {
	writer *storage.Writer
	cancel context.CancelFunc
}

// open begins the session of an upload. Its requests are tried again here and nowhere else: after an error the writer has no
// use, so that no caller could go on. They are the only ones of this package that are.
func (u *upload) open() error {
	object, err := u.destination.object(u.ctx, u.key)
	if err != nil {
		return err
	}
	waiting := &patience{clock: u.destination.clock, limit: u.destination.patience}
	object = object.If(u.conditions).Retryer(storage.WithPolicy(storage.RetryIdempotent), storage.WithErrorFunc(waiting.again))
	writer := object.NewWriter(u.ctx)
	u.label(writer)
	writer.ChunkSize = u.destination.chunkSize
	writer.ChunkRetryDeadline = u.destination.patience
	writer.ChunkTransferTimeout = chunkTimeout
	writer.ProgressFunc = waiting.progress
	u.session = &session{writer: writer, cancel: u.cancel}
	return nil
}

// finish sends the last chunk, with the checksum of all, and waits for the answer. The end of ctx ends the upload.
func (s *session) finish(ctx context.Context) (*storage.ObjectAttrs, error) {
	defer context.AfterFunc(ctx, s.cancel)()
	if err := s.writer.Close(); err != nil {
		return nil, err
	}
	return s.writer.Attrs(), nil
}

// abandon waits for the writer's goroutine. The upload's context has ended before, so that this Close sends nothing.
func (s *session) abandon() {
	s.cancel()
	s.writer.Close() // it says that it was cancelled
}

// patience bounds how long requests that fail are tried again, from the first failure after a success.
type patience struct {
	clock clock.Clock
	limit time.Duration

	mu    sync.Mutex
	since time.Time
}

// again reports whether a request that failed with err should be tried again.
func (p *patience) again(err error) bool {
	if !storage.ShouldRetry(err) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.since.IsZero() {
		p.since = now
	}
	return now.Sub(p.since) < p.limit
}

// progress notes a success.
func (p *patience) progress(int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Time{}
}
