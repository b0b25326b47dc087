package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// trail is what a branch that fell behind reads: the upload of another one, as far as that has got.
type trail struct {
	leader  *branch
	content providers.Reread
	// from is the offset of the first byte that the branch did not get through its queue.
	from int64
	// ended is closed when the stream is over; size is valid from then on.
	ended chan struct{}
	size  *int64

	closing sync.Once
	closed  error
}

// close closes what is read. It may be called more than once.
func (t *trail) close() error {
	t.closing.Do(func() { t.closed = t.content.Close() })
	return t.closed
}

// errLost is why a branch cannot go on although it could itself.
var errLost = errors.New("the destination whose copy it read on from was given up")

// follow passes on what the leader has taken, from where the queue ended to the end of the stream.
func (b *branch) follow(upload providers.Upload) (err error) {
	b.mu.Lock()
	b.following = b.trail.leader.Name
	b.mu.Unlock()
	defer func() { err = errors.Join(err, b.trail.close()) }()
	buffer := make([]byte, chunkSize)
	for position := b.trail.from; ; {
		available, err := b.trail.wait(b.ctx, position)
		if err != nil {
			return fmt.Errorf("following %s: %w", b.trail.leader.Name, err)
		}
		if available == position {
			return nil
		}
		piece := buffer[:min(int64(len(buffer)), available-position)]
		if n, err := b.trail.content.ReadAt(piece, position); n < len(piece) {
			return fmt.Errorf("following %s: %w: reading what it has: %w", b.trail.leader.Name, ErrSlow, err)
		}
		b.work()
		begun := b.now()
		n, err := upload.Write(piece)
		b.took += b.now().Sub(begun)
		if err == nil && n < len(piece) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return b.explain("writing", err)
		}
		b.advance(int64(n))
		position += int64(n)
	}
}

// wait waits until the leader has more than is read, and says how much. It is not more at the end of the stream.
func (t *trail) wait(ctx context.Context, position int64) (int64, error) {
	ended := t.ended
	for {
		stored, grown := t.leader.growth()
		if stored > position {
			return stored, nil
		}
		if ended == nil && *t.size == position {
			return position, nil
		}
		select {
		case <-grown:
		case <-ended:
			ended = nil
		case <-t.leader.gone:
			if stored, _ := t.leader.growth(); stored > position {
				return stored, nil
			}
			// Whoever ends well has taken all of the stream, which has then ended.
			select {
			case <-t.ended:
				if *t.size == position {
					return position, nil
				}
			default:
			}
			return 0, fmt.Errorf("%w: %w", ErrSlow, errLost)
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// growth is what the branch has taken, and what is closed when that grows.
func (b *branch) growth() (int64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stored, b.grown
}

// begun is the upload, nil before there is one.
func (b *branch) begun() providers.Upload {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.upload
}

// isGone reports whether the branch takes nothing any more.
func (b *branch) isGone() bool {
	select {
	case <-b.gone:
		return true
	default:
		return false
	}
}

// keepsUp reports whether the branch takes the stream as it comes.
func (b *branch) keepsUp() bool { return b.trail == nil && !b.isGone() }
