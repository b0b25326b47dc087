// Package feed gives running commands their standard input.
package feed

import (
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
)

// Copy copies r to the input of a command, and reports whether r came to a clean end: then, and only then, the input is to be closed. A
// command that reads no more is no failure: whether that is right, its exit status says. When r fails, that is why the command is ended.
func Copy(input io.Writer, r io.Reader, failure *cause.First) (whole bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := input.Write(buffer[:n]); err != nil {
				return false
			}
		}
		if err == io.EOF {
			return true
		}
		if err != nil {
			failure.Set(fmt.Errorf("reading its standard input: %w", err), true)
			return false
		}
	}
}

// Await waits until over is closed, but no longer than patience: whoever reads the source of an input may hang.
func Await(over <-chan struct{}, patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	}
}
