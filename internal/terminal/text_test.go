package terminal

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"", 5, ""}, {"abc", -1, ""},
		{"データ", 6, "データ"}, {"データ", 5, "デー…"}, {"データ", 4, "デ…"}, {"データ", 1, "…"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301"}, {"e\u0301e\u0301e", 2, "e\u0301…"},
	} {
		if got := Cut(c.text, c.columns); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "日本 é": "日本 é", "a\nb\tc": `a\nb\tc`, "\x1b[2J": `\x1b[2J`, "\u009b1m": `\u009b1m`,
		"\xff\x80": `\xff\x80`, "x\u202ey": `x\u202ey`, "\u2028": `\u2028`, "\x00\x7f": `\x00\x7f`, "👩\u200d💻": "👩\u200d💻",
		"\ufffd": "\ufffd",
	} {
		if got := Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestElapsed(t *testing.T) {
	for span, want := range map[time.Duration]string{
		0: "00:00", 5*time.Second + 900*time.Millisecond: "00:05", 61 * time.Second: "01:01",
		3723 * time.Second: "1:02:03", -time.Second: "00:00",
	} {
		if got := elapsed(span); got != want {
			t.Errorf("elapsed(%s) = %q, want %q", span, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		running     time.Duration
		want        string
	}{
		{0, 100, 0, "░░░░░░░░░░░░"}, {50, 100, 0, "██████░░░░░░"}, {99, 100, 0, "███████████░"}, {100, 100, 0, "████████████"},
		{1 << 62, 1<<63 - 1, 0, "██████░░░░░░"},
		{101, 100, 0, "███░░░░░░░░░"}, {5, 0, 400 * time.Millisecond, "░░███░░░░░░░"}, {5, 0, 1800 * time.Millisecond, "░░░░░░░░░███"},
		{5, 0, 2 * time.Second, "░░░░░░░░███░"}, {5, 0, 3600 * time.Millisecond, "███░░░░░░░░░"}, {5, 0, -time.Second, "███░░░░░░░░░"},
	} {
		if got := bar(c.done, c.total, c.running); got != c.want {
			t.Errorf("bar(%d, %d, %s) = %q, want %q", c.done, c.total, c.running, got, c.want)
		}
	}
}

// TestRateStartsAnew: a restore that goes on at another place reads from the beginning again.
func TestRateStartsAnew(t *testing.T) {
	var m meter
	now := time.Unix(0, 0)
	for i := range 20 {
		m.set(int64(i) * 1000)
		m.observe(now)
		now = now.Add(time.Second)
	}
	if got := m.rate(now.Add(-time.Second)); got != 1000 {
		t.Errorf("rate %d, want 1000", got)
	}
	m.set(10)
	if got := m.rate(now); got != 0 {
		t.Errorf("rate %d after a new beginning, want 0", got)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "plain", "データ\x1b[31m", "\xff\x1b]0;x\x07", "a\r\n\tb", "\x1b[1;2", "e\u0301\u202e", "✈️"} {
		f.Add(seed, 4)
	}
	f.Fuzz(func(t *testing.T, text string, columns int) {
		escaped := Escape(text)
		if strings.ContainsFunc(escaped, steers) || !utf8.ValidString(escaped) {
			t.Errorf("Escape(%q) = %q", text, escaped)
		}
		if Escape(escaped) != escaped {
			t.Errorf("%q changes when it is escaped again", escaped)
		}
		if cut := Cut(escaped, columns); Width(cut) > max(columns, 0) {
			t.Errorf("Cut(%q, %d) has %d columns", escaped, columns, Width(cut))
		}
		Cut(text, columns)
		for _, line := range lines(text, false) {
			if strings.ContainsFunc(strings.ReplaceAll(line, "\t", ""), steers) {
				t.Errorf("line %q of %q", line, text)
			}
		}
		for _, line := range lines(text, true) {
			for strings.Contains(line, "\x1b") {
				at := strings.Index(line, "\x1b")
				end := colorEnd(line[at:])
				if end == 0 {
					t.Fatalf("line %q of %q", line, text)
				}
				line = line[at+end:]
			}
		}
	})
}
