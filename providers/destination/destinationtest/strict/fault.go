package strict

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Operation is a call that a fault can befall.
type Operation string

// The operations: those of providers.Destination and providers.Upload, and Read, the reading of what Open has opened.
const (
	Create        Operation = "create"
	Write         Operation = "write"
	Commit        Operation = "commit"
	Abort         Operation = "abort"
	Open          Operation = "open"
	Read          Operation = "read"
	Stat          Operation = "stat"
	List          Operation = "list"
	Delete        Operation = "delete"
	Remnants      Operation = "remnants"
	RemoveRemnant Operation = "remove remnant"
	Status        Operation = "status"
)

// Kind is what goes wrong.
type Kind int

// The kinds of faults. Each befalls the call as a whole, but for those of Read, which come when half of the object was read.
const (
	// Temporary: nothing is done, and the error is providers.ErrTemporary.
	Temporary Kind = iota
	// LostAnswer: all is done, and the error is providers.ErrTemporary.
	LostAnswer
	// Refused: nothing is done, and the error is that of the fault, or providers.ErrDenied.
	Refused
	// Slow: the call takes longer, by the fault's pause.
	Slow
	// Stall: the call does nothing until its context ends or the destination is healed.
	Stall
	// ShortRead: an object that is read ends early, as if that were all of it.
	ShortRead
	// Reset: an object that is read breaks off with an error.
	Reset
)

// Fault is something that goes wrong with calls.
type Fault struct {
	Operation Operation
	Kind      Kind
	// Key picks calls by their key or prefix, nil all of them.
	Key func(string) bool
	// After is how many calls that fit go well before, Times how many then do not; 0 is all of them.
	After, Times int
	// Err is the error of Refused, Pause the time of Slow.
	Err   error
	Pause time.Duration
	// Hit is told of each call that the fault befalls, before it does; nil for nobody. It may block.
	Hit func(key string)
}

// before does what comes before the call itself. An error means that the call is not made.
func (f *Fault) before(ctx context.Context, released <-chan struct{}) error {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case Temporary:
		return fmt.Errorf("%w: the store is busy", providers.ErrTemporary)
	case Refused:
		if f.Err != nil {
			return f.Err
		}
		return fmt.Errorf("%w: the store refuses to %s", providers.ErrDenied, f.Operation)
	case Stall:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-released:
			return fmt.Errorf("%w: the connection broke", providers.ErrTemporary)
		}
	case Slow:
		return clock.Sleep(ctx, f.Pause)
	}
	return nil
}

// find returns what befalls a call, nil for nothing, and the end of stalls.
func (d *Destination) find(operation Operation, key string) (*Fault, <-chan struct{}) {
	fault, befalls, released := d.faults.Take(func(fault Fault) bool {
		return fault.Operation == operation && (fault.Key == nil || fault.Key(key))
	})
	if !befalls {
		return nil, released
	}
	if fault.Hit != nil {
		fault.Hit(key)
	}
	return &fault, released
}

// objectReader reads an object, of which half goes well when there is a fault.
type objectReader struct {
	ctx      context.Context
	data     []byte
	size     int
	fault    *Fault
	released <-chan struct{}
}

// Read implements io.Reader.
func (r *objectReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.fault != nil && len(r.data) <= r.size/2 {
		switch r.fault.Kind {
		case ShortRead:
			return 0, io.EOF
		case Reset:
			return 0, fmt.Errorf("%w: the connection broke", providers.ErrTemporary)
		}
		if err := r.fault.before(r.ctx, r.released); err != nil {
			return 0, err
		}
	} else if r.fault != nil {
		p = p[:min(len(p), len(r.data)-r.size/2)]
	}
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *objectReader) Close() error { return nil }
