package choice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// TestGathered: pieces come from all over a stream, never too many of them, however it is cut when it is written.
func TestGathered(t *testing.T) {
	for _, c := range []struct {
		length int
		// begins are where the pieces begin, in strides of 8 bytes.
		begins []byte
	}{
		{0, nil}, {1, []byte{0}}, {8, []byte{0}}, {9, []byte{0, 1}}, {128, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{129, []byte{0, 2, 4, 6, 8, 10, 12, 14, 16}}, {248, []byte{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30}},
		{257, []byte{0, 4, 8, 12, 16, 20, 24, 28, 32}},
	} {
		stream := make([]byte, c.length)
		for i := range stream {
			stream[i] = byte(i / 8)
		}
		for _, cut := range []int{1, 3, 8, 1000} {
			g := gathered{grid: grid{piece: 3, stride: 8}}
			for rest := stream; len(rest) > 0; rest = rest[min(cut, len(rest)):] {
				g.see(rest[:min(cut, len(rest))])
			}
			var begins []byte
			for i, piece := range g.pieces {
				begins = append(begins, piece[0])
				if last := i == len(g.pieces)-1; len(piece) != 3 && !last || len(piece) > 3 {
					t.Errorf("%d bytes, cut at %d: a piece of %d bytes", c.length, cut, len(piece))
				}
			}
			if !cmp.Equal(begins, c.begins) || g.at != int64(c.length) {
				t.Errorf("%d bytes, cut at %d: pieces begin at %v, want %v; %d seen", c.length, cut, begins, c.begins, g.at)
			}
		}
	}
}

// question is one whose stream was backed up before, with the measurements of its beginning.
func question(t *testing.T, meter *trial.Meter) Question {
	t.Helper()
	q := Question{Goal: Balanced, Bytes: 1 << 30, UploadRate: 1e12, Cores: 1, Past: []providers.Experience{{Method: "zstd", Level: 5, Fraction: 0.3}}}
	if err := q.measure(t.Context(), meter, nil); err != nil {
		t.Fatal(err)
	}
	return q
}

func newTestMeter(sample []byte) *trial.Meter {
	return trial.NewMeter(compression.Codecs(), clock.NewManual(time.Unix(0, 0)), sample, false)
}

// newSurveyor surveys what zstd 1 writes, in small pieces.
func newSurveyor(t *testing.T, codecs providers.CodecFactory) *surveyor {
	t.Helper()
	codec, err := compression.NewCodec("zstd", 1)
	if err != nil {
		t.Fatal(err)
	}
	q := question(t, newTestMeter(table(1<<20)))
	return &surveyor{Codec: codec, codecs: codecs, clock: clock.NewManual(time.Unix(0, 0)), head: 0.25, measured: q.Measurements, speedup: 2,
		grid: grid{piece: 128 << 10, stride: 1 << 20}, least: 4 << 20}
}

// TestSurvey: of a stream that is of another kind behind its beginning, the survey tells what becomes of the whole, and what is written is
// what the codec makes of it.
func TestSurvey(t *testing.T) {
	data := slices.Concat(table(2<<20), syllables(5<<20), table(1<<20))
	codec := newSurveyor(t, compression.Codecs())
	var stored bytes.Buffer
	writer, err := codec.NewWriter(&stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(inPieces(writer, data), writer.Close()); err != nil {
		t.Fatal(err)
	}
	reader, err := codec.NewReader(&stored)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if back, err := io.ReadAll(reader); err != nil || !bytes.Equal(back, data) {
		t.Fatalf("read back: %d bytes, %v", len(back), err)
	}
	survey := codec.Survey()
	if survey == nil || survey.Speedup != 2 || survey.Head != 0.25 || len(survey.Tried) < 4 {
		t.Fatalf("the survey: %+v", survey)
	}
	bound, err := newTestMeter(data).Reference(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if off := survey.Reference / bound; off < 0.98 || off > 1.02 {
		t.Errorf("of gzip -9 it says %v, which leaves %v of the whole", survey.Reference, bound)
	}
	for _, tried := range survey.Tried {
		whole, err := newTestMeter(data).Measure(t.Context(), trial.Candidate{Method: tried.Method, Level: tried.Level, Limit: len(data)})
		// The higher levels find more in what is longer than a piece.
		if off := tried.Fraction / whole.Fraction; err != nil || off < 0.9 || off > 1.1 && tried.Level <= 3 {
			t.Errorf("of %s %d it says %v, which leaves %v of the whole; %v", tried.Method, tried.Level, tried.Fraction, whole.Fraction, err)
		}
	}
}

// TestSkim: cells are those at equal distances, however the stream is cut.
func TestSkim(t *testing.T) {
	data := append(table(cell), syllables(cell)...)
	want, err := texture(data[:cell], cell)
	if err != nil || want <= 0 || want >= 1 {
		t.Fatal(want, err)
	}
	for _, cut := range []int{1000, cell, len(data)} {
		s, err := newSkim(2 * cell)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for rest := data; len(rest) > 0; rest = rest[min(cut, len(rest)):] {
				s.see(rest[:min(cut, len(rest))])
			}
		}
		if s.parts.count != 3 || math.Abs(s.parts.mean()-want) > 1e-9 {
			t.Errorf("cut at %d: %d cells looked at, %v left, want %v", cut, s.parts.count, s.parts.mean(), want)
		}
	}
	if none, err := texture(nil, cell); none != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}

// TestSurveyMissing: what is too short, given up or cannot be tried has none, and is written all the same where it was not given up.
func TestSurveyMissing(t *testing.T) {
	broken := func(string, int) (providers.Codec, error) { return nil, errors.New("out of order") }
	for name, c := range map[string]struct {
		codecs providers.CodecFactory
		length int
		abort  bool
	}{
		"too short":       {compression.Codecs(), 3 << 20, false},
		"given up":        {compression.Codecs(), 5 << 20, true},
		"cannot be tried": {broken, 5 << 20, false},
	} {
		codec := newSurveyor(t, c.codecs)
		writer, err := codec.NewWriter(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := inPieces(writer, table(c.length)); err != nil {
			t.Fatal(err)
		}
		if c.abort {
			writer.(providers.Aborter).Abort(context.Canceled)
		}
		if err := writer.Close(); (err != nil) != c.abort || codec.Survey() != nil {
			t.Errorf("%s: %v, %+v", name, err, codec.Survey())
		}
	}
}

// TestRecall: an earlier survey stands for trying, where the stream begins as it did then and compressing is what decides.
func TestRecall(t *testing.T) {
	sample := table(1 << 20)
	head, err := texture(sample, cell)
	if err != nil {
		t.Fatal(err)
	}
	tried := func(level int, fraction float64) providers.Tried {
		return providers.Tried{Experience: providers.Experience{Method: "zstd", Level: level, Fraction: fraction}, Rate: 400e6 / float64(level)}
	}
	usual := func() *providers.Survey {
		return &providers.Survey{Head: head, Reference: 0.32, Made: providers.Experience{Method: "zstd", Level: 5, Fraction: 0.3}, Tried: []providers.Tried{tried(1, 0.33), tried(2, 0.314), tried(5, 0.3)}}
	}
	for name, c := range map[string]struct {
		change func(*Question, *providers.Survey)
		want   string
	}{
		"as it was":                {func(*Question, *providers.Survey) {}, "zstd 2"},
		"hardly below gzip -9":     {func(_ *Question, s *providers.Survey) { s.Tried[1].Fraction = 0.318 }, "zstd 5"},
		"the whole is as they are": {func(q *Question, _ *providers.Survey) { q.Past[0].Fraction = 0.301 }, "zstd 2"},
		"the whole is not quite":   {func(q *Question, _ *providers.Survey) { q.Past[0].Fraction = 0.306 }, "zstd 5"},
		"a slow source is enough":  {func(q *Question, _ *providers.Survey) { q.SourceRate = 105e6 }, "zstd 2"},
		"another wrote it since": {func(q *Question, _ *providers.Survey) {
			q.Past = append([]providers.Experience{{Method: "zstd", Level: 2, Fraction: 0.3}}, q.Past...)
		}, "zstd 2"},
		"another wrote too much": {func(q *Question, _ *providers.Survey) {
			q.Past = append([]providers.Experience{{Method: "zstd", Level: 2, Fraction: 0.325}}, q.Past...)
		}, "zstd 5"},
		"another wrote other data before": {func(q *Question, s *providers.Survey) {
			s.Since = q.Past
			q.Past = append(slices.Clone(q.Past), providers.Experience{Method: "zstd", Level: 1, Fraction: 0.1})
		}, "zstd 2"},
		"the whole became another": {func(q *Question, _ *providers.Survey) { q.Past[0].Fraction = 0.35 }, "zstd 5"},
		"it begins otherwise":      {func(_ *Question, s *providers.Survey) { s.Head *= 1.03 }, ""},
		"the upload decides":       {func(q *Question, _ *providers.Survey) { q.UploadRate = 1e6 }, ""},
		"the source decides":       {func(q *Question, _ *providers.Survey) { q.SourceRate = 1e6 }, ""},
		"min_reduction is missed":  {func(q *Question, _ *providers.Survey) { q.MinReduction = 80 }, ""},
		"for size":                 {func(q *Question, _ *providers.Survey) { q.Goal = Size }, ""},
		"all is held":              {func(q *Question, _ *providers.Survey) { q.Whole = true }, ""},
	} {
		q := Question{Goal: Balanced, Bytes: 1 << 30, UploadRate: 1e12, Cores: 1, Past: []providers.Experience{{Method: "zstd", Level: 5, Fraction: 0.3}}}
		survey := usual()
		c.change(&q, survey)
		recalled := q.recall(survey, head)
		if recalled != (c.want != "") || q.Surveyed != recalled {
			t.Errorf("%s: %v", name, recalled)
			continue
		}
		if choice := Choose(q); recalled && (choice.String() != c.want || !strings.HasSuffix(choice.Reason, "by what an earlier run tried all over it")) {
			t.Errorf("%s: %s, want %s: %s", name, choice, c.want, choice.Reason)
		}
	}
	var q Question
	if q.recall(nil, head) {
		t.Error("it recalls without a survey")
	}
}

// TestChooserRecalls: the first mebibyte is enough where there is a survey of a stream that begins so, and what was long before is begun as a
// long one. Everything else has to be tried.
func TestChooserRecalls(t *testing.T) {
	head := table(trial.TrialSize)
	mark, err := texture(head, 2*cell)
	if err != nil {
		t.Fatal(err)
	}
	made := providers.Experience{Method: "zstd", Level: 2, Fraction: 0.3}
	survey := &providers.Survey{Head: mark, Reference: 0.32, Texture: 0.4, Spread: 0.1, Made: made, Tried: []providers.Tried{
		{Experience: providers.Experience{Method: "zstd", Level: 1, Fraction: 0.33}, Rate: 4e8}, {Experience: made, Rate: 3e8}, {Experience: providers.Experience{Method: "zstd", Level: 5, Fraction: 0.29}, Rate: 1e8},
	}}
	usual := providers.Circumstances{Head: head, RawBytes: 1 << 30, UploadRate: 1e12, Past: []providers.Experience{made}, Survey: survey}
	for name, c := range map[string]struct {
		change func(*providers.Circumstances)
		want   bool
	}{
		"as it was":          {func(*providers.Circumstances) {}, true},
		"no survey":          {func(about *providers.Circumstances) { about.Survey = nil }, false},
		"it begins anew":     {func(about *providers.Circumstances) { about.Head = syllables(trial.TrialSize) }, false},
		"all is held":        {func(about *providers.Circumstances) { about.Whole = true }, false},
		"an image":           {func(about *providers.Circumstances) { about.Head = append([]byte("\x89PNG\r\n\x1a\n"), head...) }, false},
		"it was always tiny": {func(about *providers.Circumstances) { about.RawBytes = 1 << 20 }, false},
	} {
		chooser, err := NewChooser(providers.Preferences{Optimize: "balanced"})
		if err != nil {
			t.Fatal(err)
		}
		if chooser.RecallSize() >= chooser.HeadSize() {
			t.Fatal("to recall takes as long as to try")
		}
		about := usual
		c.change(&about)
		chosen, recalled, err := chooser.Recall(clock.NewManual(time.Unix(0, 0)), about)
		if err != nil || recalled != c.want {
			t.Errorf("%s: %v, %v", name, recalled, err)
			continue
		}
		if !recalled {
			continue
		}
		watched, is := chosen.Codec.(*adaptive)
		if !is || watched.Level() != 2 || watched.pace != surveyedPace(0.4, 0.1) || !strings.Contains(chosen.Reason, "an earlier run") {
			t.Errorf("%s: %+v by %T", name, chosen, chosen.Codec)
		} else if _, is := watched.Codec.(long); !is {
			t.Errorf("%s: it is begun as a short stream", name)
		}
	}
}

// streaming is a codec that tells how a stream is begun.
type streaming struct {
	providers.Codec
	begun *string
}

func (s streaming) NewWriter(io.Writer) (io.WriteCloser, error) { *s.begun = "any"; return nil, nil }
func (s streaming) NewStreamWriter(io.Writer) (io.WriteCloser, error) {
	*s.begun = "long"
	return nil, nil
}

// TestLong: a codec that distinguishes long streams is told of one, and others are used as they are.
func TestLong(t *testing.T) {
	begun := ""
	if _, err := (long{streaming{begun: &begun}}).NewWriter(io.Discard); err != nil || begun != "long" {
		t.Errorf("begun as %q, %v", begun, err)
	}
	if _, err := (long{struct{ providers.Codec }{streaming{begun: &begun}}}).NewWriter(io.Discard); err != nil || begun != "any" {
		t.Errorf("begun as %q, %v", begun, err)
	}
}

// TestWantsSurvey: a long stream that was backed up before is surveyed, once.
func TestWantsSurvey(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Question)
		want   bool
	}{
		"a second run":       {func(*Question) {}, true},
		"a first run":        {func(q *Question) { q.Past = nil }, false},
		"surveyed":           {func(q *Question) { q.Surveyed = true }, false},
		"short":              {func(q *Question) { q.Bytes = worthSurvey - 1 }, false},
		"all of it is tried": {func(q *Question) { q.Whole = true }, false},
		"for speed":          {func(q *Question) { q.Goal = Speed }, false},
		"the upload decides": {func(q *Question) { q.UploadRate = 1e3 }, false},
	} {
		q := question(t, newTestMeter(table(1<<20)))
		c.change(&q)
		if got := q.wantsSurvey(Choose(q)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
