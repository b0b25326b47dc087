package postgres

import "io"

// beginning writes a text before the first of what is written through it, and counts the bytes of both.
type beginning struct {
	w     io.Writer
	text  []byte
	bytes int64
}

func (b *beginning) Write(p []byte) (int, error) {
	if len(b.text) > 0 {
		n, err := b.w.Write(b.text)
		b.bytes += int64(n)
		if err != nil {
			return 0, err
		}
		b.text = nil
	}
	n, err := b.w.Write(p)
	b.bytes += int64(n)
	return n, err
}
