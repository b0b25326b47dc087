package deploytest

import (
	"context"
	"fmt"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// Fault breaks commands on the machine. It is safe for concurrent use.
type Fault struct {
	mu    sync.Mutex
	calls int
	at    int
	after bool
}

// Break lets the connection fail at so many commands from now on, 1 for the next one: before it has begun, or with after when it
// has been done and only its answer is lost. All later ones fail too, until the next Break. 0 is never.
func (f *Fault) Break(at int, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.after = 0, at, after
}

// next reports what becomes of a command.
func (f *Fault) next() (before, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch {
	case f.at == 0 || f.calls < f.at:
		return false, false
	case f.calls == f.at && f.after:
		return false, true
	}
	return true, false
}

// faulty is a host whose commands may fail.
type faulty struct {
	providers.Host
	fault *Fault
}

// errCut is what a cut connection gives.
var errCut = fmt.Errorf("%w: the connection was cut by the test", providers.ErrTemporary)

// Run implements providers.Host.
func (h *faulty) Run(ctx context.Context, command providers.Command) error {
	before, after := h.fault.next()
	if before {
		return errCut
	}
	err := h.Host.Run(ctx, command)
	if after {
		return errCut
	}
	return err
}
