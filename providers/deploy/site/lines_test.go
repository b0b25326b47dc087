package site

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what is written, for those who wait for some of it.
type lines struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

func newLines() *lines { return &lines{written: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	select {
	case l.written <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until something was written.
func (l *lines) await(t *testing.T, wanted string) {
	t.Helper()
	over := time.After(2 * time.Minute)
	for !strings.Contains(l.String(), wanted) {
		select {
		case <-l.written:
		case <-over:
			t.Fatalf("%q was not written, but %q", wanted, l.String())
		}
	}
}
