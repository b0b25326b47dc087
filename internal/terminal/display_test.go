package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
)

// stage is a display whose time and repainting the test decides.
type stage struct {
	*Display
	t     *testing.T
	clock *clock.Manual
	ticks chan time.Time
}

func newStage(t *testing.T, w io.Writer, look Look) *stage {
	s := &stage{t: t, clock: clock.NewManual(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)), ticks: make(chan time.Time)}
	s.Display = newDisplay(w, look, s.clock, s.ticks, func() {})
	t.Cleanup(func() { s.Close() })
	return s
}

// pass moves the clock and has the display painted. The second tick is taken when the first is dealt with.
func (s *stage) pass(d time.Duration) {
	s.clock.Advance(d)
	s.ticks <- s.clock.Now()
	s.ticks <- s.clock.Now()
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if difference := cmp.Diff(strings.TrimPrefix(want, "\n"), got); difference != "" {
		t.Errorf("%s (-want +got):\n%s", what, difference)
	}
}

const mib = 1 << 20

func TestLiveDisplay(t *testing.T) {
	screen := newScreen(t, 90, 24)
	d := newStage(t, screen, screen.look())
	d.Start("a", "+", "backup.database", 100*mib)
	d.Branch("a", "destination.local.a", 0, "writing")
	d.Branch("a", "destination.local.b", 0, "writing")
	d.Start("b", "?", "backup.files", 0)
	d.pass(0)
	for range 10 {
		d.Update("a", d.rowsRead("a")+29*mib)
		d.pass(500 * time.Millisecond)
	}
	d.Branch("a", "destination.local.a", 61*mib, "writing")
	d.Branch("a", "destination.local.b", 70*mib, "failed")
	d.Println("warning: something\n  in two lines")
	d.pass(0)
	expect(t, "while both run", screen.text(), `
warning: something
  in two lines
+ backup.database         290 MiB read  58.0 MiB/s  00:05
    destination.local.a  ███████░░░░░  61.0 MiB  12.2 MiB/s  eta 00:03
    destination.local.b  ░░░░░░░░░░░░  70.0 MiB  failed
? backup.files                                      00:05
`)

	d.Branch("a", "destination.local.a", 100*mib, "done")
	d.Finish("b", "? backup.files: equal")
	d.pass(time.Second)
	expect(t, "after one is finished", screen.text(), `
warning: something
  in two lines
? backup.files: equal
+ backup.database         290 MiB read  46.4 MiB/s  00:06
    destination.local.a  ████████████   100 MiB  done
    destination.local.b  ░░░░░░░░░░░░  70.0 MiB  failed
`)

	d.Finish("a", "+ backup.database: 290 MiB in 6s")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.Println("afterwards")
	expect(t, "at the end", screen.text(), `
warning: something
  in two lines
? backup.files: equal
+ backup.database: 290 MiB in 6s
afterwards
`)
}

func (d *Display) rowsRead(id string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows[d.find(id)].read.value
}

func TestCloseKeepsWhatStillRuns(t *testing.T) {
	screen := newScreen(t, 40, 4)
	d := newStage(t, screen, screen.look())
	for i := range 6 {
		id := fmt.Sprintf("backup.%d", i)
		d.Start(id, "+", id, 0)
		d.Update(id, 2048)
	}
	d.pass(0)
	d.Close()
	text := screen.text()
	for i := range 6 {
		if strings.Count(text, fmt.Sprintf("+ backup.%d ", i)) != 1 {
			t.Errorf("backup.%d is not there once:\n%s", i, text)
		}
	}
	if strings.Contains(text, "more") {
		t.Errorf("something is hidden:\n%s", text)
	}
}

func TestMoreRowsThanLines(t *testing.T) {
	screen := newScreen(t, 60, 6)
	d := newStage(t, screen, screen.look())
	for i := range 16 {
		id := fmt.Sprintf("r%02d", i)
		d.Start(id, "+", id, 0)
		d.Branch(id, "one", 0, "writing")
	}
	for range 3 {
		d.pass(100 * time.Millisecond)
	}
	text := screen.text()
	if got := strings.Count(text, "\n"); got != 5 {
		t.Errorf("%d lines on a terminal of 6:\n%s", got, text)
	}
	if !strings.HasSuffix(text, "\n… and 14 more\n") || !strings.HasPrefix(text, "+ r00 ") {
		t.Errorf("got:\n%s", text)
	}
	for i := range 16 {
		d.Finish(fmt.Sprintf("r%02d", i), fmt.Sprintf("r%02d done", i))
		d.pass(100 * time.Millisecond)
	}
	d.Close()
	text = screen.text()
	for i := range 16 {
		if strings.Count(text, fmt.Sprintf("r%02d done\n", i)) != 1 {
			t.Errorf("r%02d is not reported once", i)
		}
	}
	if strings.Count(text, "\n") != 16 {
		t.Errorf("something is left of the live area:\n%s", text)
	}
}

// TestNeverWraps paints awkward texts on terminals of every width.
func TestNeverWraps(t *testing.T) {
	for columns := 1; columns < 100; columns++ {
		screen := newScreen(t, columns, 10)
		d := newStage(t, screen, screen.look())
		d.Start("a", "·", "backup.データベース@destination.local.e\u0301\u0301 👩‍💻 ✈️", 1000)
		d.Update("a", 10)
		d.Branch("a", strings.Repeat("宛先", 40), 5, "committing")
		d.Start("b", "?", strings.Repeat("x", 200), 0)
		for range 5 {
			d.pass(time.Second)
		}
		if screen.wraps > 0 {
			t.Errorf("%d columns: %d lines wrapped", columns, screen.wraps)
		}
		if got := strings.Count(screen.text(), "\n"); got != 3 {
			t.Errorf("%d columns: %d lines", columns, got)
		}
		d.Finish("a", "a")
		d.Finish("b", "b")
		d.Close()
		expect(t, fmt.Sprintf("%d columns", columns), screen.text(), "a\nb\n")
	}
}

// TestTinyTerminal has no line left for the live area.
func TestTinyTerminal(t *testing.T) {
	screen := newScreen(t, 20, 1)
	d := newStage(t, screen, screen.look())
	d.Start("a", "+", "a", 0)
	d.pass(time.Second)
	d.Finish("a", "done")
	d.pass(time.Second)
	expect(t, "one line", screen.text(), "done\n")
}

// TestWideLineAboveTheArea prints a permanent line that the terminal itself wraps.
func TestWideLineAboveTheArea(t *testing.T) {
	screen := newScreen(t, 20, 10)
	d := newStage(t, screen, screen.look())
	d.Start("a", "+", "a long title of a row", 0)
	d.pass(0)
	d.Println(strings.Repeat("0123456789", 5))
	d.pass(0)
	expect(t, "wrapped by the terminal", screen.text(), `
01234567890123456789
01234567890123456789
0123456789
+ a lon…          …
`)
}

func TestEscapesWhatItIsGiven(t *testing.T) {
	for _, live := range []bool{true, false} {
		var output lockedBuffer
		d := newStage(t, &output, Look{Width: 80, Live: live, Color: true})
		d.Start("a", "+", "evil\x1b[2J\ntitle\u202e", 0)
		d.Branch("a", "bad\rname", 1, "sta\x07ge")
		d.pass(0)
		d.Finish("a", "line \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b\u009b\xff")
		d.pass(0)
		d.Close()
		text := output.String()
		for _, sequence := range []string{"\x1b[2J", "\r\x6e", "\x07", "\x1b]", "\u009b", "\u202e", "\xff"} {
			if strings.Contains(text, sequence) {
				t.Errorf("live %v: %q is in the output %q", live, sequence, text)
			}
		}
		if !strings.Contains(text, `evil\x1b[2J\ntitle\u202e`) || !strings.Contains(text, "\x1b[31mred\x1b[0m") {
			t.Errorf("live %v: %q", live, text)
		}
	}
}

func TestPlainDisplay(t *testing.T) {
	var output lockedBuffer
	d := newStage(t, &output, Look{Width: 80})
	d.Start("a", "+", "backup.database", 40*mib)
	d.Branch("a", "destination.local.a", 0, "writing")
	for second := range 65 {
		d.Update("a", int64(second)*mib)
		d.Branch("a", "destination.local.a", int64(second)*mib/2, "writing")
		d.Branch("a", "destination.local.b", 0, "failed")
		d.pass(time.Second)
	}
	d.Println("warning: no comma")
	d.Finish("a", "+ backup.database: 64 MiB in 65s")
	d.Finish("never started", "+ backup.other: not started")
	d.Start("b", "?", "backup.files", 0)
	d.pass(time.Second)
	d.Close()
	expect(t, "plain lines", output.String(), `
+ backup.database: started
+ backup.database: running for 00:30, 29.0 MiB read, 1.0 MiB/s; destination.local.a 14.5 MiB writing at 512 KiB/s, 00:51 left; destination.local.b 0 B failed
+ backup.database: running for 01:00, 59.0 MiB read, 1.0 MiB/s; destination.local.a 29.5 MiB writing at 512 KiB/s, 00:21 left; destination.local.b 0 B failed
warning: no comma
+ backup.database: 64 MiB in 65s
+ backup.other: not started
? backup.files: started
? backup.files: running for 00:01
`)
}

// TestPlainLinesDoNotWait prints without a tick.
func TestPlainLinesDoNotWait(t *testing.T) {
	reader, writer := io.Pipe()
	d := newStage(t, writer, Look{Width: 80})
	d.Println("at once")
	line := make([]byte, len("at once\n"))
	if _, err := io.ReadFull(reader, line); err != nil || string(line) != "at once\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestNothingChangedNothingWritten(t *testing.T) {
	var output lockedBuffer
	d := newStage(t, &output, Look{Width: 80, Live: true})
	d.Start("a", "+", "a", 0)
	d.pass(0)
	before := output.String()
	for range 5 {
		d.pass(0)
	}
	if after := output.String(); after != before {
		t.Errorf("painted again: %q", after[len(before):])
	}
}

func TestWriteErrorIsReturned(t *testing.T) {
	broken := errors.New("broken")
	for _, live := range []bool{true, false} {
		d := newStage(t, failingWriter{broken}, Look{Width: 80, Live: live})
		d.Start("a", "+", "a", 0)
		d.pass(time.Second)
		d.Finish("a", "done")
		for range 2 {
			if err := d.Close(); !errors.Is(err, broken) {
				t.Errorf("live %v: got %v", live, err)
			}
		}
	}
}

// TestBlockedTerminalDoesNotHoldCallers stops the terminal (Ctrl-S) and goes on working.
func TestBlockedTerminalDoesNotHoldCallers(t *testing.T) {
	reader, writer := io.Pipe()
	d := newStage(t, writer, Look{Width: 80, Live: true})
	d.Start("a", "+", "a", 0)
	d.ticks <- d.clock.Now()
	for i := range 1000 {
		d.Update("a", int64(i))
		d.Branch("a", "one", int64(i), "writing")
		d.Println("line")
	}
	d.Finish("a", "done")
	var output bytes.Buffer
	var copying sync.WaitGroup
	copying.Go(func() { io.Copy(&output, reader) })
	d.Close()
	writer.Close()
	copying.Wait()
	if got := strings.Count(output.String(), "line\n"); got != 1000 {
		t.Errorf("%d lines of 1000", got)
	}
}

// TestConcurrentUse is for the race detector, with the real ticker.
func TestConcurrentUse(t *testing.T) {
	screen := newScreen(t, 80, 10)
	d := NewDisplay(screen, screen.look(), clock.System{})
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("%d.%d", worker, i)
				d.Start(id, "+", id, 100)
				d.Update(id, 10)
				d.Branch(id, "one", 10, "writing")
				d.Println("log " + id)
				d.Finish(id, "end "+id)
			}
		})
	}
	workers.Go(func() { d.Close() })
	workers.Wait()
	d.Close()
	text := screen.text()
	if logs, ends := strings.Count(text, "log "), strings.Count(text, "end "); logs != 400 || ends != 400 {
		t.Errorf("%d log lines and %d ends, want 400 each", logs, ends)
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
