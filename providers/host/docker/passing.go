package docker

import (
	"io"
	"sync"
)

// passing hands output on until it is over: nobody may be handed anything after Run has returned.
type passing struct {
	mu   sync.Mutex
	over bool
}

// to is a writer that writes to w until that fails, which failed hears of. What comes after that is taken all the same, for the command
// could not end otherwise.
func (p *passing) to(w io.Writer, failed func(error)) writerFunc {
	wanted := true
	return func(b []byte) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if wanted && !p.over {
			if _, err := w.Write(b); err != nil {
				wanted = false
				failed(err)
			}
		}
		return len(b), nil
	}
}

// end says that nobody may be handed anything any more, and waits for who is.
func (p *passing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}
