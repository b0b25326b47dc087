package dockerlogs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// message is a line of an engine.
func message(at time.Time, text string) []byte {
	return []byte(at.Format(providers.LogTime) + " " + text)
}

// read gives a stream messages and returns what is new, the mark, and whether the old mark was lost.
func read(t *testing.T, after mark, messages [][]byte) (string, mark, bool) {
	t.Helper()
	var all bytes.Buffer
	s := &stream{after: after, emit: func(part []byte, _ time.Time) error { all.Write(part); return nil }}
	for _, m := range messages {
		if n, err := s.Write(m); n != len(m) || err != nil {
			t.Fatal(n, err)
		}
	}
	now, gone, err := s.end()
	if err != nil {
		t.Fatal(err)
	}
	return all.String(), now, gone
}

// TestNoGapsAndNoDuplicates reads a log that grows, whose messages often have one time, and whose clock is set back now and then.
func TestNoGapsAndNoDuplicates(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		at, log, readAs := noon, [][]byte{}, ""
		last := mark{}
		for range 20 {
			if random.IntN(4) == 0 && !last.At.IsZero() {
				at = at.Add(-time.Duration(random.IntN(50)+1) * time.Second) // between two readings
			}
			for range random.IntN(6) {
				at = at.Add(time.Duration(random.IntN(3)) * time.Nanosecond)
				log = append(log, message(at, fmt.Sprintf("%d\n", len(log))))
			}
			text, now, gone := read(t, last, log)
			if gone {
				readAs += "?"
			}
			readAs, last = readAs+text, now
			at = at.Add(time.Minute) // whoever sets a clock back does not do so to the same nanosecond
		}
		if want := string(bytes.Join(log, nil)); readAs != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, readAs, want)
		}
	}
}

func TestWhatIsGoneIsTold(t *testing.T) {
	one, two, three := message(noon, "one\n"), message(noon.Add(1), "two\n"), message(noon.Add(2), "three\n")
	_, last, _ := read(t, mark{}, [][]byte{one, two})
	for name, test := range map[string]struct {
		log  [][]byte
		want string
		gone bool
	}{
		"nothing new":        {[][]byte{one, two}, "", false},
		"one more":           {[][]byte{one, two, three}, "three\n", false},
		"rotated to the end": {[][]byte{two, three}, "three\n", false},
		"rotated away":       {[][]byte{three}, "three\n", true},
		"emptied":            {nil, "", true},
		"the same time":      {[][]byte{one, two, message(noon.Add(1), "also two\n")}, "also two\n", false},
	} {
		text, now, gone := read(t, last, test.log)
		if gone != test.gone || !strings.HasSuffix(text, test.want) || (text == "") != (test.want == "") {
			t.Errorf("%s: got %q, lost %v", name, text, gone)
		}
		if now.At.Before(last.At) || now.Lines == 0 {
			t.Errorf("%s: the mark went back to %+v", name, now)
		}
	}
}

func TestPartsOfALineBelongTogether(t *testing.T) {
	text, last, _ := read(t, mark{}, [][]byte{message(noon, "a long "), message(noon, "line\n"), message(noon, "another\n")})
	when := noon.Format(providers.LogTime)
	if want := when + " a long line\n" + when + " another\n"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if last.Lines != 3 {
		t.Errorf("got %+v", last)
	}
}

func TestLargeLogsComeInParts(t *testing.T) {
	line := strings.Repeat("x", 1<<20-1) + "\n"
	var parts []int
	s := &stream{emit: func(part []byte, _ time.Time) error {
		if !bytes.HasSuffix(part, []byte("\n")) || !bytes.HasPrefix(part, []byte("2026-")) {
			t.Error("a part does not begin and end with a line")
		}
		parts = append(parts, len(part))
		return nil
	}}
	for i := range 20 {
		if _, err := s.Write(message(noon.Add(time.Duration(i)), line)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.end(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, size := range parts {
		total += size
	}
	if want := 20 * (len(line) + len(providers.LogTime) + 1); len(parts) != 3 || total != want {
		t.Errorf("got parts of %d, together %d, want %d", parts, total, want)
	}
}

func TestMessagesWithoutATime(t *testing.T) {
	for _, text := range []string{"", "hello\n", strings.Repeat("x", 40), "2026-11-01T12:00:00.000000000+ hello\n"} {
		if _, err := (&stream{}).Write([]byte(text)); err == nil {
			t.Errorf("%q was taken for a message", text)
		}
	}
}

func FuzzPosition(f *testing.F) {
	p := newPosition()
	p.Containers["abc"] = marks{Name: "web", Stdout: mark{noon, 2}}
	f.Add(p.String())
	f.Add(`{"version":2}`)
	f.Add(`{"version":1,"containers":{"a":{"stdout":{"lines":3}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(text)
		if err != nil {
			return
		}
		again, err := parsePosition(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%s became %s, %v", p, again, err)
		}
	})
}

func TestPositions(t *testing.T) {
	p := newPosition()
	p.Containers["abc"] = marks{Name: "web", Stdout: mark{noon, 2}}
	if want := `{"version":1,"containers":{"abc":{"name":"web","stdout":{"at":"2026-11-01T12:00:00Z","lines":2}}}}`; p.String() != want {
		t.Errorf("got %s", p)
	}
	if _, again := p.before("web", "abc"); again {
		t.Error("a container is its own predecessor")
	}
	if _, again := p.before("web", "def"); !again {
		t.Error("a predecessor was not found")
	}
	for _, text := range []string{"", "{}", `{"version":2}`, `{"version":1,"containers":{"a":{"stdout":{"lines":3}}}}`, `{"version":1,"containers":{"a":{"stderr":{"at":"2026-11-01T12:00:00Z"}}}}`} {
		if _, err := parsePosition(text); err == nil {
			t.Errorf("%q was taken for a position", text)
		}
	}
	if _, err := (&source{}).After("{}"); err == nil {
		t.Error("a source went on after nothing")
	}
	for name, test := range map[string]struct {
		marks marks
		want  time.Time
	}{
		"neither": {marks{}, time.Time{}},
		"one":     {marks{Stdout: mark{noon, 1}}, noon.Add(-setBack)},
		"other":   {marks{Stderr: mark{noon, 1}}, noon.Add(-setBack)},
		"both":    {marks{Stdout: mark{noon.Add(time.Hour), 1}, Stderr: mark{noon, 1}}, noon.Add(-setBack)},
	} {
		if got := test.marks.earliest(); !got.Equal(test.want) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
