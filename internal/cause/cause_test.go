package cause

import (
	"context"
	"errors"
	"testing"
)

func TestFirstKeepsTheFirst(t *testing.T) {
	f := New()
	select {
	case <-f.Done():
		t.Fatal("done without a reason")
	default:
	}
	if f.Err() != nil || f.Urgent() {
		t.Fatal("a reason from nowhere")
	}
	first := errors.New("first")
	f.Set(first, true)
	f.Set(errors.New("second"), false)
	<-f.Done()
	if f.Err() != first || !f.Urgent() {
		t.Errorf("%v, urgent %v", f.Err(), f.Urgent())
	}
}

func TestInterruption(t *testing.T) {
	plain, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Interruption(plain); err != context.Canceled {
		t.Error(err)
	}
	reason := errors.New("the reason")
	told, tell := context.WithCancelCause(t.Context())
	tell(reason)
	if err := Interruption(told); !errors.Is(err, context.Canceled) || !errors.Is(err, reason) {
		t.Error(err)
	}
}
