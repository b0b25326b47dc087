package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"
)

// fanout is where the codec writes: it sums the stored stream and hands it in chunks to the branches and to the proof.
// Write, flush and settle are called by one goroutine, one after the other.
type fanout struct {
	ctx      context.Context
	job      Job
	pool     *sync.Pool
	filling  *chunk
	stored   *summing
	branches []*branch
	// proof is where the decoder reads; nil once it reads no more.
	proof chan *chunk
	// proofGone is closed when the decoder has given up.
	proofGone <-chan struct{}
}

func newFanout(ctx context.Context, job Job) *fanout {
	f := &fanout{ctx: ctx, job: job, pool: newChunkPool(), stored: newStoredSums()}
	for _, target := range job.Branches {
		f.branches = append(f.branches, startBranch(ctx, job, target))
	}
	return f
}

// errNobody ends a job whose branches have all been given up.
var errNobody = errors.New("no destination takes the backup any more")

// Write implements io.Writer.
func (f *fanout) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if f.filling == nil {
			f.filling = f.pool.Get().(*chunk)
		}
		room := chunkSize - len(f.filling.data)
		taken := min(room, len(p))
		f.filling.data = append(f.filling.data, p[:taken]...)
		p = p[taken:]
		if len(f.filling.data) == chunkSize {
			if err := f.flush(); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

// flush hands the chunk that is being filled to everyone.
func (f *fanout) flush() error {
	full := f.filling
	if full == nil {
		return nil
	}
	f.filling = nil
	f.stored.add(full.data)
	full.readers.Store(1)
	defer full.release()
	alive := false
	for _, branch := range f.branches {
		if branch.given {
			continue
		}
		full.readers.Add(1)
		if err := f.offer(branch, full); err != nil {
			full.release()
			return err
		}
		alive = alive || !branch.given
	}
	if !alive {
		return errNobody
	}
	if f.proof == nil {
		return nil
	}
	full.readers.Add(1)
	select {
	case f.proof <- full:
	case <-f.proofGone:
		full.release()
	case <-f.ctx.Done():
		full.release()
		return context.Cause(f.ctx)
	}
	return nil
}

// offer waits until the branch takes the chunk, has failed, or has stalled too long.
func (f *fanout) offer(b *branch, full *chunk) error {
	select {
	case b.chunks <- full:
		return nil
	default:
	}
	timer := time.NewTimer(f.job.StallLimit)
	defer timer.Stop()
	select {
	case b.chunks <- full:
		return nil
	case <-b.failed:
	case <-timer.C:
		b.giveUp(f.job.StallLimit)
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
	b.given = true
	full.release()
	return nil
}

// settle tells every branch the verdict and waits for what comes of it.
func (f *fanout) settle(verdict error, sums checksums) []BranchOutcome {
	for _, branch := range f.branches {
		branch.decide(verdict, sums)
	}
	outcomes := make([]BranchOutcome, 0, len(f.branches))
	for _, branch := range f.branches {
		outcomes = append(outcomes, branch.outcome())
	}
	return outcomes
}
