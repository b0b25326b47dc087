package statetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// testConcurrency: steps of one session at once.
func testConcurrency(t *testing.T, place Place) {
	s := lock(t, place.Backend, "first")
	const workers, steps = 8, 12
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := range steps {
				if err := Step(s, worker*steps+i); err != nil {
					errs <- err
					return
				}
				if id := Artifact(worker*steps + i).ID; s.Document().Find(id) == nil {
					errs <- fmt.Errorf("%s is not in the document after its end", id)
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	if document := read(t, place.Again()); len(document.Artifacts) != workers*steps || document.Serial != 2*workers*steps || len(document.Intents) != 0 {
		t.Errorf("beside the session: %d artifacts, serial %d, %d intents", len(document.Artifacts), document.Serial, len(document.Intents))
	}
	closed(t, s)
	if document := read(t, place.Again()); len(document.Artifacts) != workers*steps || document.Serial != 2*workers*steps {
		t.Errorf("after it: %d artifacts, serial %d", len(document.Artifacts), document.Serial)
	}
}

// testSessions: many that want the lock at once lose nothing of one another.
func testSessions(t *testing.T, place Place) {
	const sessions = 12
	if err := Applies(context.Background(), place.Again, 0, sessions); err != nil {
		t.Fatal(err)
	}
	if document := read(t, place.Again()); len(document.Artifacts) != sessions || document.Serial != 2*sessions {
		t.Errorf("%d artifacts, serial %d, want %d", len(document.Artifacts), document.Serial, sessions)
	}
}

// Applies does what so many applies at once do: each waits for the lock, and records an artifact of its own, the numbers from
// first on. Two of three want a part only, where the backend knows parts.
func Applies(ctx context.Context, again func() state.Backend, first, count int) error {
	var group sync.WaitGroup
	errs := make(chan error, count)
	for i := range count {
		group.Go(func() { errs <- apply(ctx, again(), first+i) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// apply is one of them.
func apply(ctx context.Context, backend state.Backend, i int) error {
	var blocks []string
	if _, ok := backend.(state.Claimer); ok && i%3 > 0 {
		blocks = []string{Block(i % 5)}
	}
	s, err := state.LockPart(ctx, backend, Ana(fmt.Sprintf("apply-%d", i)), blocks, 10*patience)
	if err != nil {
		return fmt.Errorf("apply %d: %w", i, err)
	}
	mine := func() (count int) {
		for _, artifact := range s.Document().Artifacts {
			if blocks == nil || artifact.Backup == blocks[0] {
				count++
			}
		}
		return count
	}
	before := mine()
	if blocks == nil {
		err = Step(s, i)
	} else {
		err = stepOf(s, blocks[0], i)
	}
	if err != nil {
		return fmt.Errorf("apply %d: %w", i, err)
	}
	if after := mine(); after != before+1 {
		return fmt.Errorf("apply %d: %d artifacts and then %d: somebody else wrote under its lock", i, before, after)
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("apply %d: %w", i, err)
	}
	return nil
}

// testReaders: whoever reads without the lock sees a state that there was, and never an older one than before.
func testReaders(t *testing.T, place Place) {
	done := make(chan struct{})
	var group sync.WaitGroup
	errs := make(chan error, 2)
	for range 2 {
		reader := place.Again()
		group.Go(func() {
			var last uint64
			for {
				document, err := reader.Read(context.Background())
				if err != nil {
					errs <- err
					return
				}
				if document.Serial < last || uint64(2*len(document.Artifacts)+len(document.Intents)) != document.Serial {
					errs <- fmt.Errorf("serial %d after %d, with %d artifacts and %d intents", document.Serial, last, len(document.Artifacts), len(document.Intents))
					return
				}
				last = document.Serial
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for session := range 3 {
		s := lock(t, place.Backend, fmt.Sprint(session))
		for i := range 5 {
			step(t, s, 5*session+i)
		}
		closed(t, s)
	}
	close(done)
	group.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}
