package docker

import (
	"bytes"
	"io"
)

// marked passes on what is written to it, except for the lines that begin with a mark, which may begin anywhere. Nothing
// that cannot be the beginning of the mark is kept back, so that two programs can talk through it.
type marked struct {
	mark []byte
	// line hears of each marked line, without the mark and the line's end.
	line func(string)
	w    io.Writer

	kept   []byte // what may be the beginning of the mark, or the line after it
	inLine bool
}

// longestLine is how long a marked line may get, in bytes. A longer one is none of ours.
const longestLine = 4 << 10

// Write implements io.Writer.
func (m *marked) Write(p []byte) (int, error) {
	rest := p
	if len(m.kept) > 0 {
		rest = append(m.kept, p...)
		m.kept = nil
	}
	for len(rest) > 0 {
		if m.inLine {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 && len(rest) < longestLine {
				m.kept = bytes.Clone(rest)
				return len(p), nil
			}
			if end < 0 {
				end = len(rest) - 1
			}
			m.line(string(rest[:end]))
			rest, m.inLine = rest[end+1:], false
			continue
		}
		start := bytes.Index(rest, m.mark)
		plain := rest
		if start >= 0 {
			plain = rest[:start]
		} else {
			plain = rest[:len(rest)-beginning(rest, m.mark)]
		}
		if len(plain) > 0 {
			if _, err := m.w.Write(plain); err != nil {
				return 0, err
			}
		}
		if start < 0 {
			m.kept = bytes.Clone(rest[len(plain):])
			return len(p), nil
		}
		rest, m.inLine = rest[start+len(m.mark):], true
	}
	return len(p), nil
}

// beginning is how many of the last bytes of a text are the beginning of a mark.
func beginning(text, mark []byte) int {
	for n := min(len(text), len(mark)-1); n > 0; n-- {
		if bytes.HasPrefix(mark, text[len(text)-n:]) {
			return n
		}
	}
	return 0
}
