// Package cause remembers why something that runs was ended.
package cause

import (
	"context"
	"fmt"
	"sync"
)

// First keeps the first of the reasons for which something is ended. It is safe for concurrent use.
type First struct {
	mu     sync.Mutex
	err    error
	urgent bool
	set    chan struct{}
}

// New returns one without a reason.
func New() *First { return &First{set: make(chan struct{})} }

// Set notes a reason, unless there is one already. An urgent one allows no grace.
func (f *First) Set(err error, urgent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err, f.urgent = err, urgent
		close(f.set)
	}
}

// Err is the reason, nil while there is none.
func (f *First) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Urgent reports whether there is a reason that allows no grace.
func (f *First) Urgent() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.urgent
}

// Done is closed as soon as there is a reason.
func (f *First) Done() <-chan struct{} { return f.set }

// Interruption is why ctx ended: its own error, and the cause where that says more.
func Interruption(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}
