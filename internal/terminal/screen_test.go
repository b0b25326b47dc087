package terminal

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// screen is a small terminal: it interprets what a Display writes, as a real one of that size would.
type screen struct {
	t             *testing.T
	columns, rows int

	mu sync.Mutex
	// cells holds the whole history; a wide character is followed by an empty cell.
	cells    [][]string
	row, col int
	// top is the first line of the history that is still on the screen.
	top int
	// wraps counts the lines that were longer than the screen is wide.
	wraps int
}

func newScreen(t *testing.T, columns, rows int) *screen {
	return &screen{t: t, columns: columns, rows: rows, cells: make([][]string, 1)}
}

func (s *screen) look() Look {
	return Look{Width: s.columns, Live: true, size: func() (int, int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.columns, s.rows
	}}
}

var sequence = regexp.MustCompile(`^\x1b\[([0-9;]*)([A-Za-z])`)

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := string(p); text != ""; {
		if match := sequence.FindStringSubmatch(text); match != nil {
			s.obey(match[1], match[2])
			text = text[len(match[0]):]
			continue
		}
		for _, r := range text {
			s.put(r)
			text = text[len(string(r)):]
			break
		}
	}
	return len(p), nil
}

func (s *screen) obey(parameter, command string) {
	switch command {
	case "m":
	case "A":
		n, err := strconv.Atoi(parameter)
		if err != nil || n < 1 {
			s.t.Errorf("cursor up by %q", parameter)
		}
		s.row = max(s.top, s.row-n)
	case "K":
		s.cells[s.row] = s.cells[s.row][:min(s.col, len(s.cells[s.row]))]
	case "J":
		s.cells[s.row] = s.cells[s.row][:min(s.col, len(s.cells[s.row]))]
		s.cells = s.cells[:s.row+1]
	default:
		s.t.Errorf("unknown sequence %q %q", parameter, command)
	}
}

func (s *screen) put(r rune) {
	switch {
	case r == '\n':
		s.feed()
	case r == '\r':
		s.col = 0
	case r < ' ':
		s.t.Errorf("control character %q", r)
	default:
		width := runeWidth(r)
		if s.col+width > s.columns {
			s.wraps++
			s.feed()
		}
		line := s.cells[s.row]
		for len(line) < s.col+width {
			line = append(line, "")
		}
		if width == 0 {
			if s.col > 0 {
				line[s.col-1] += string(r)
			}
		} else {
			line[s.col] = string(r)
		}
		s.cells[s.row] = line
		s.col += width
	}
}

func (s *screen) feed() {
	s.col = 0
	s.row++
	if s.row == len(s.cells) {
		s.cells = append(s.cells, nil)
	}
	s.top = max(s.top, s.row-s.rows+1)
}

// text is the history and the screen, without the empty last line in which the cursor waits.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, line := range s.cells {
		b.WriteString(strings.TrimRight(strings.Join(line, ""), " ") + "\n")
	}
	if s.row != len(s.cells)-1 || s.col != 0 {
		s.t.Errorf("the cursor is in line %d, column %d of %d lines", s.row, s.col, len(s.cells))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
