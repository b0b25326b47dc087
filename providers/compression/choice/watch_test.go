package choice

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// quickPace looks eight times as often as usual.
func quickPace() pace {
	return pace{head: 1 << 20, headStride: 128 << 10, stride: 512 << 10, sampleStride: 512 << 10, patience: 4 << 20}
}

// table returns n bytes of rows of a table.
func table(n int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d\titem %d\t%d.%02d\tnew and not yet counted\n", i, random.IntN(1000), random.IntN(1000), random.IntN(100))
	}
	return b.Bytes()[:n]
}

// syllables returns n bytes in which only what is short occurs again: gzip finds it, and the first levels of zstd do not look for it.
func syllables(n int) []byte {
	random := rand.New(rand.NewPCG(2, 2))
	known := make([][]byte, 300)
	for i := range known {
		known[i] = []byte{byte(random.IntN(250)), byte(random.IntN(250)), byte(random.IntN(250)), byte(random.IntN(250))}
	}
	data := make([]byte, 0, n+4)
	for len(data) < n {
		data = append(data, known[random.IntN(len(known))]...)
	}
	return data[:n]
}

// mixture returns n bytes, many pieces of both in turn.
func mixture(n int) []byte {
	random := rand.New(rand.NewPCG(3, 3))
	rows, other := table(1<<20), syllables(1<<20)
	data := make([]byte, 0, n+1<<20)
	for len(data) < n {
		from := rows
		if random.IntN(2) == 0 {
			from = other
		}
		begin, size := random.IntN(len(from)/2), random.IntN(100_000)
		data = append(data, from[begin:begin+size]...)
	}
	return data[:n]
}

// watched returns the samples that a watch takes of a stream that it sees in such pieces, and after how many bytes it took them.
func watched(t *testing.T, pace pace, stream []byte, piece int) (samples [][]byte, after []int64) {
	t.Helper()
	w, err := newWatch(pace)
	if err != nil {
		t.Fatal(err)
	}
	for len(stream) > 0 {
		n := min(piece, len(stream))
		if sample := w.see(stream[:n]); sample != nil {
			samples, after = append(samples, sample), append(after, w.at)
		}
		stream = stream[n:]
	}
	return samples, after
}

// TestWatch: a change is noticed once, however the stream comes, and what changes all the time is no change.
func TestWatch(t *testing.T) {
	const most, before = 12 << 20, 2 << 20
	changing := append(table(before), syllables(most-before)...)
	for _, piece := range []int{256 << 10, 100_001} {
		samples, after := watched(t, quickPace(), changing, piece)
		if len(samples) != 1 || len(samples[0]) != trial.TrialSize || after[0] > 8<<20 {
			t.Fatalf("%d samples after %d", len(samples), after)
		}
		if !bytes.Contains(changing[before:], samples[0][:samplePiece]) || !bytes.Contains(changing[before:], samples[0][3*samplePiece:]) {
			t.Error("the sample is not of what is new")
		}
	}
	for name, stream := range map[string][]byte{"a table": table(most), "a mixture": mixture(most), "little": table(1 << 20), "nothing": nil} {
		if samples, after := watched(t, quickPace(), stream, 256<<10); len(samples) > 0 {
			t.Errorf("%s: a change after %d", name, after)
		}
	}
}

// TestWatchSurveyed: what the whole was of before is no change, wherever it comes, and what is otherwise than all of it is.
func TestWatchSurveyed(t *testing.T) {
	both := append(table(4<<20), syllables(4<<20)...)
	for name, c := range map[string]struct {
		whole, stream []byte
		want          int
	}{
		"as it was":                {both, both, 0},
		"in another order":         {both, append(syllables(6<<20), table(6<<20)...), 0},
		"rows, and then no longer": {table(4 << 20), append(table(4<<20), syllables(8<<20)...), 1},
		"no rows any more":         {table(4 << 20), syllables(8 << 20), 1},
	} {
		cells, err := newSkim(2 * cell)
		if err != nil {
			t.Fatal(err)
		}
		cells.see(c.whole)
		pace := surveyedPace(cells.parts.mean(), cells.parts.spread())
		pace.stride, pace.patience = quickPace().stride, quickPace().patience
		if samples, after := watched(t, pace, c.stream, 256<<10); len(samples) != c.want {
			t.Errorf("%s: changes after %d, want %d; the whole leaves %v, which differs by %v", name, after, c.want, pace.texture, pace.spread)
		}
	}
}

// TestMoments: the mean of values and how much they differ, as they would be computed from all of them.
func TestMoments(t *testing.T) {
	if m := momentsOf(nil); m.mean() != 0 || m.spread() != 0 {
		t.Errorf("of nothing: %v, %v", m.mean(), m.spread())
	}
	values := []float64{0.25, 0.5, 0.75, 0.5}
	m := momentsOf(values)
	mean, variance := 0.0, 0.0
	for _, value := range values {
		mean += value / float64(len(values))
	}
	for _, value := range values {
		variance += (value - mean) * (value - mean) / float64(len(values))
	}
	spread := math.Sqrt(variance) / mean
	if math.Abs(m.mean()-mean) > 1e-12 || math.Abs(m.spread()-spread) > 1e-12 || spread <= 0 {
		t.Errorf("%v, %v, want %v, %v", m.mean(), m.spread(), mean, spread)
	}
}
