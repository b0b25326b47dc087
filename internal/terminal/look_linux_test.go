package terminal

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal opens a new pseudo-terminal and returns the side that a program would have.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	leader, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leader.Close() })
	number, err := unix.IoctlGetInt(int(leader.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(leader.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	follower, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { follower.Close() })
	return follower
}

func resize(t *testing.T, terminal *os.File, columns, lines uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: lines, Col: columns}); err != nil {
		t.Fatal(err)
	}
}

func TestDetectTerminal(t *testing.T) {
	terminal := openTerminal(t)
	resize(t, terminal, 100, 30)
	for name, c := range map[string]struct {
		variables   map[string]string
		noColor     bool
		width       int
		color, live bool
	}{
		"ordinary":          {map[string]string{"TERM": "xterm"}, false, 100, true, true},
		"dumb":              {map[string]string{"TERM": "dumb"}, false, 100, false, false},
		"dumb but forced":   {map[string]string{"TERM": "dumb", "CLICOLOR_FORCE": "1"}, false, 100, true, false},
		"NO_COLOR":          {map[string]string{"NO_COLOR": "1"}, false, 100, false, true},
		"-no-color":         {nil, true, 100, false, true},
		"narrower on wish":  {map[string]string{"COLUMNS": "60"}, false, 60, true, true},
		"never wider":       {map[string]string{"COLUMNS": "600"}, false, 100, true, true},
		"COLUMNS of no use": {map[string]string{"COLUMNS": "x"}, false, 100, true, true},
	} {
		got := Detect(terminal, environment(c.variables), c.noColor)
		if got.Width != c.width || got.Color != c.color || got.Live != c.live {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestSizeFollowsTheTerminal resizes it, also to nothing, as pseudo-terminals without a window are.
func TestSizeFollowsTheTerminal(t *testing.T) {
	terminal := openTerminal(t)
	resize(t, terminal, 100, 30)
	look := Detect(terminal, environment(nil), false)
	resize(t, terminal, 40, 10)
	if columns, lines := look.current(); columns != 40 || lines != 10 {
		t.Errorf("got %d×%d, want 40×10", columns, lines)
	}
	resize(t, terminal, 0, 0)
	if columns, lines := look.current(); columns != DefaultWidth || lines != defaultHeight {
		t.Errorf("got %d×%d without a size", columns, lines)
	}
}
