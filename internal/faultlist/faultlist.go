// Package faultlist keeps what is to go wrong in a test, and when.
package faultlist

import "sync"

// List is a list of faults of one kind. It is safe for concurrent use.
type List[F any] struct {
	mu       sync.Mutex
	entries  []*entry[F]
	released chan struct{}
	hits     int
}

type entry[F any] struct {
	fault F
	// after is how many calls that fit go well before, times how many then do not; below 0 is all of them.
	after, times int
}

// New makes a list of none.
func New[F any]() *List[F] { return &List[F]{released: make(chan struct{})} }

// Add adds a fault: after is how many calls that fit go well before, times how many then do not; 0 is all of them.
func (l *List[F]) Add(fault F, after, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if times == 0 {
		times = -1
	}
	l.entries = append(l.entries, &entry[F]{fault, after, times})
}

// Heal drops all faults and ends what stalls.
func (l *List[F]) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
	close(l.released)
	l.released = make(chan struct{})
}

// Hits is how many faults have happened.
func (l *List[F]) Hits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hits
}

// Take is asked by each call for what befalls it: of the faults that fit, the first that has not happened often enough, or nothing. The
// channel is closed when what stalls is to end. The calls of fits come one at a time.
func (l *List[F]) Take(fits func(F) bool) (fault F, befalls bool, released <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.times == 0 || !fits(e.fault) {
			continue
		}
		if e.after > 0 {
			e.after--
			break
		}
		if e.times > 0 {
			e.times--
		}
		l.hits++
		return e.fault, true, l.released
	}
	return fault, false, l.released
}
