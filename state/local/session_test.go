package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

var errDisk = errors.New("no space left on device")

// faultyFile is a real file until it has written limit bytes, or synced syncs times.
type faultyFile struct {
	file
	limit, syncs int
}

func (f *faultyFile) Write(data []byte) (int, error) {
	if len(data) > f.limit {
		n, err := f.file.Write(data[:f.limit])
		f.limit = 0
		return n, errors.Join(errDisk, err)
	}
	f.limit -= len(data)
	return f.file.Write(data)
}

func (f *faultyFile) Sync() error {
	if f.syncs--; f.syncs < 0 {
		return errDisk
	}
	return f.file.Sync()
}

func TestAFailedWriteOrSyncRefusesAllThatFollows(t *testing.T) {
	for name, fault := range map[string]faultyFile{
		"write": {limit: 3000, syncs: 1000},
		"sync":  {limit: 1 << 20, syncs: 7},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.open = func(path string) (file, error) {
				opened, err := openFile(path)
				faulty := fault
				faulty.file = opened
				return &faulty, err
			}
			s := lock(t, b)
			acknowledged := make(map[string]bool)
			var failed error
			for i := 0; failed == nil; i++ {
				if failed = step(s, i); failed == nil {
					acknowledged[artifact(i).ID] = true
				}
			}
			if !errors.Is(failed, errDisk) || !strings.Contains(failed.Error(), "nothing else is begun") {
				t.Errorf("got %v", failed)
			}
			if err := s.Begin(context.Background(), intent(1000)); !errors.Is(err, errDisk) {
				t.Errorf("begun after a failure: %v", err)
			}
			if err := s.Close(); !errors.Is(err, errDisk) {
				t.Errorf("closed as if nothing had happened: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("closed twice: %v", err)
			}
			if len(acknowledged) == 0 {
				t.Fatal("the fault came too early to prove anything")
			}
			b.open = openFile
			for range 2 {
				document := read(t, b)
				for id := range acknowledged {
					if document.Find(id) == nil {
						t.Errorf("%s was acknowledged and is lost", id)
					}
				}
				again := lock(t, b)
				mustStep(t, again, 2000+int(document.Serial))
				closed(t, again)
			}
		})
	}
}

func TestConcurrentStepsShareWrites(t *testing.T) {
	b := newBackend(t)
	b.journalLimit = 20_000
	s := lock(t, b)
	const workers, steps = 10, 60
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := range steps {
				if err := step(s, worker*steps+i); err != nil {
					errs <- err
					return
				}
				if id := artifact(worker*steps + i).ID; s.Document().Find(id) == nil {
					errs <- fmt.Errorf("%s is not in the document after its end", id)
					return
				}
			}
		})
	}
	reading := make(chan error, 1)
	stop := make(chan struct{})
	go func() { reading <- readUntil(b, stop) }()
	group.Wait()
	close(stop)
	if err := <-reading; err != nil {
		t.Errorf("reading beside the session: %v", err)
	}
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if _, err := os.Stat(b.path + backupSuffix); err != nil {
		t.Errorf("the journal was not folded twice: %v", err)
	}
	for range 2 {
		document := read(t, b)
		if document.Serial != 2*workers*steps || len(document.Artifacts) != workers*steps || len(document.Intents) != 0 {
			t.Errorf("serial %d, %d artifacts, %d open", document.Serial, len(document.Artifacts), len(document.Intents))
		}
		closed(t, s)
	}
}

// readUntil reads again and again: the serial must never fall, and all that ended must be whole.
func readUntil(b *Backend, stop <-chan struct{}) error {
	last := uint64(0)
	for {
		document, err := b.Read(context.Background())
		if err != nil {
			return err
		}
		if document.Serial < last {
			return fmt.Errorf("serial %d after serial %d", document.Serial, last)
		}
		last = document.Serial
		if want := (document.Serial - uint64(len(document.Intents))) / 2; uint64(len(document.Artifacts)) != want {
			return fmt.Errorf("%d artifacts at serial %d with %d open intents", len(document.Artifacts), last, len(document.Intents))
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

func TestCloseWhileOthersRecord(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	var group sync.WaitGroup
	var mu sync.Mutex
	acknowledged := 0
	started := make(chan struct{}, 1000)
	for worker := range 4 {
		group.Go(func() {
			for i := range 500 {
				if step(s, worker*500+i) != nil {
					return
				}
				mu.Lock()
				acknowledged++
				mu.Unlock()
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 20 {
		<-started
	}
	closed(t, s)
	group.Wait()
	if got := len(read(t, b).Artifacts); got < acknowledged {
		t.Errorf("%d steps were acknowledged, %d are recorded", acknowledged, got)
	}
}

func BenchmarkSteps5000(b *testing.B) {
	for b.Loop() {
		s := lock(b, newBackend(b))
		var group sync.WaitGroup
		for worker := range 10 {
			group.Go(func() {
				for i := range 500 {
					if err := step(s, worker*500+i); err != nil {
						b.Error(err)
					}
				}
			})
		}
		group.Wait()
		closed(b, s)
	}
}

func BenchmarkStepsOnTopOf50000(b *testing.B) {
	backend := newBackend(b)
	s := lock(b, backend)
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	check(s.Begin(context.Background(), intent(-1)))
	var events []state.Event
	for i := range 50_000 {
		events = append(events, state.Event{PutArtifact: artifact(i)})
	}
	check(s.End(context.Background(), intent(-1).ID, result(events...)))
	closed(b, s)
	next := 50_000
	for b.Loop() {
		s := lock(b, backend)
		var group sync.WaitGroup
		for worker := range 10 {
			group.Go(func() {
				for i := range 500 {
					if err := step(s, next+worker*500+i); err != nil {
						b.Error(err)
					}
				}
			})
		}
		group.Wait()
		closed(b, s)
		next += 5000
	}
}

// TestLargeStatesAreNotRewrittenEachTime: a session of a few changes leaves them in the journal, until they are many.
func TestLargeStatesAreNotRewrittenEachTime(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	for i := range 100 {
		mustStep(t, s, i)
	}
	closed(t, s)
	first, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	b.largeSize, b.journalLimit = int64(len(first)), int64(len(first))
	rewritten := 0
	for i := 100; rewritten == 0; i++ {
		again := lock(t, b)
		mustStep(t, again, i)
		closed(t, again)
		data, err := os.ReadFile(b.path)
		if err != nil {
			t.Fatal(err)
		}
		if document := read(t, b); len(document.Artifacts) != i+1 || document.Serial != uint64(2*(i+1)) {
			t.Fatalf("%d artifacts, serial %d", len(document.Artifacts), document.Serial)
		}
		if !bytes.Equal(data, first) {
			rewritten = i + 1 - 100
		}
	}
	if rewritten < 5 || rewritten > 50 {
		t.Errorf("rewritten by session %d", rewritten)
	}
}
