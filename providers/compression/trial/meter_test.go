package trial_test

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// twoWays is a codec that leaves a tenth of what it knows to be a long stream, and half of the rest.
type twoWays struct{ providers.Codec }

func (twoWays) NewWriter(w io.Writer) (io.WriteCloser, error)       { return &parted{w, 2}, nil }
func (twoWays) NewStreamWriter(w io.Writer) (io.WriteCloser, error) { return &parted{w, 10}, nil }

// parted passes a part of each write on.
type parted struct {
	w    io.Writer
	part int
}

func (p *parted) Write(data []byte) (int, error) {
	_, err := p.w.Write(data[:len(data)/p.part])
	return len(data), err
}
func (p *parted) Close() error { return nil }

// TestMeterOfStreams: a sample of more is written as long streams are, all of the data as it will be.
func TestMeterOfStreams(t *testing.T) {
	newCodec := func(string, int) (providers.Codec, error) { return twoWays{}, nil }
	for whole, want := range map[bool]float64{true: 0.5, false: 0.1} {
		meter := trial.NewMeter(newCodec, &stepping{step: time.Second}, make([]byte, 100_000), whole)
		got, err := meter.Measure(context.Background(), trial.Candidates()[0])
		if err != nil || got.Fraction != want {
			t.Errorf("whole %v: %+v, %v", whole, got, err)
		}
	}
}

// shortened is a codec that leaves the parts of a beginning and a rest, by its level: the higher ones less of the rest.
type shortened struct {
	providers.Codec
	level int
}

func (s shortened) Method() string { return "zstd" }
func (s shortened) NewWriter(w io.Writer) (io.WriteCloser, error) {
	return &beginning{w: w, level: s.level}, nil
}

// beginning passes on half of the first thousand bytes of a write, and of the rest a part.
type beginning struct {
	w     io.Writer
	level int
}

func (b *beginning) Write(data []byte) (int, error) {
	n := min(len(data), 1000)
	_, err := b.w.Write(data[:n/2+(len(data)-n)/(2*b.level)])
	return len(data), err
}
func (b *beginning) Close() error { return nil }

// TestMeasureLong: what a method leaves of all that is held counts for the sample, beside the yardstick.
func TestMeasureLong(t *testing.T) {
	newCodec := func(_ string, level int) (providers.Codec, error) { return shortened{level: level}, nil }
	held := make([]byte, 4000)
	meter := trial.NewMeter(newCodec, &stepping{step: time.Second}, held[:1000], false)
	measured, err := meter.Measure(t.Context(), trial.Candidate{Method: "zstd", Level: 3, Limit: 1000})
	if err != nil || measured.Fraction != 0.5 || measured.Long != 0 {
		t.Fatalf("the sample: %+v, %v", measured, err)
	}
	// The yardstick leaves 2000 of the 4000 bytes, level 3 1000.
	long, err := meter.MeasureLong(t.Context(), measured, held)
	if err != nil || long.Long != 0.25 || long.Fraction != 0.25 || long.Rate != measured.Rate || long.Level != 3 {
		t.Errorf("all that is held: %+v, %v", long, err)
	}
	if again, err := meter.MeasureLong(t.Context(), long, held); err != nil || again != long {
		t.Errorf("again: %+v, %v", again, err)
	}
	broken := trial.NewMeter(func(string, int) (providers.Codec, error) { return failing{}, nil }, clock.System{}, held, false)
	if _, err := broken.MeasureLong(t.Context(), measured, held); !errors.Is(err, errBroken) {
		t.Errorf("a codec that fails: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := meter.MeasureLong(ended, measured, held); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestReference: it is what gzip -9 leaves.
func TestReference(t *testing.T) {
	data := rows(1 << 18)
	reference, err := trial.NewMeter(compression.NewCodec, clock.System{}, data, true).Reference(context.Background())
	if err != nil || reference <= 0.1 || reference >= 0.6 {
		t.Errorf("%v, %v", reference, err)
	}
	if nothing, err := trial.NewMeter(compression.NewCodec, clock.System{}, nil, true).Reference(context.Background()); err != nil || nothing != 0 {
		t.Errorf("of nothing: %v, %v", nothing, err)
	}
}

// scripted is a clock whose readings lie apart by the given steps, and then by nothing.
type scripted struct {
	now   time.Time
	steps []time.Duration
}

func (c *scripted) Now() time.Time {
	if len(c.steps) > 0 {
		c.now, c.steps = c.now.Add(c.steps[0]), c.steps[1:]
	}
	return c.now
}

// TestSpeedup: by the shortest times of one processor and of all together.
func TestSpeedup(t *testing.T) {
	const ms = time.Millisecond
	data := rows(1 << 20)
	for name, c := range map[string]struct {
		cores int
		steps []time.Duration
		want  float64
	}{
		"one core":            {1, nil, 1},
		"none":                {0, nil, 1},
		"two real ones":       {2, []time.Duration{0, 10 * ms, 0, 10 * ms, 0, 10 * ms, 0, 10 * ms}, 2},
		"two threads of one":  {2, []time.Duration{0, 10 * ms, 0, 16 * ms, 0, 30 * ms, 0, 20 * ms}, 1.25},
		"a machine with load": {2, []time.Duration{0, 10 * ms, 0, 50 * ms, 0, 10 * ms, 0, 50 * ms}, 1},
		"more than there are": {2, []time.Duration{0, 30 * ms, 0, 10 * ms, 0, 30 * ms, 0, 10 * ms}, 2},
		"sixteen of them":     {16, []time.Duration{0, 10 * ms, 0, 20 * ms, 0, 10 * ms, 0, 20 * ms}, 8},
		"a clock that stands": {4, nil, 0},
	} {
		got, err := trial.NewMeter(compression.NewCodec, &scripted{steps: c.steps}, data, false).Speedup(context.Background(), c.cores)
		if err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if got, err := trial.NewMeter(compression.NewCodec, clock.System{}, data[:1000], false).Speedup(context.Background(), 2); err != nil || got != 0 {
		t.Errorf("too little to tell: %v, %v", got, err)
	}
	broken := func(string, int) (providers.Codec, error) { return failing{}, nil }
	if _, err := trial.NewMeter(broken, clock.System{}, data, false).Speedup(context.Background(), 2); !errors.Is(err, errBroken) {
		t.Errorf("a codec that fails: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := trial.NewMeter(compression.NewCodec, clock.System{}, data, false).Speedup(ended, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

var errBroken = errors.New("out of order")

// failing is a codec that cannot write.
type failing struct{ providers.Codec }

func (failing) NewWriter(io.Writer) (io.WriteCloser, error) { return nil, errBroken }

// TestOfHead: of a head that is longer than the trial pieces from all over are tried.
func TestOfHead(t *testing.T) {
	head := make([]byte, trial.HeadSize)
	for i := range head {
		head[i] = byte(i * 4 / len(head))
	}
	for _, size := range []int{0, 1, trial.TrialSize, trial.TrialSize + 1, len(head)} {
		for _, whole := range []bool{true, false} {
			sample := trial.OfHead(head[:size], whole)
			if long := size > trial.TrialSize; long && len(sample.Long) != size || !long && sample.Long != nil {
				t.Errorf("%d bytes: %d are held", size, len(sample.Long))
			}
			if len(sample.Trial) != min(size, trial.TrialSize) || sample.Whole != (whole && size <= trial.TrialSize) || whole && sample.Size != int64(size) || !whole && sample.Size != 0 {
				t.Errorf("%d bytes, whole %v: trial %d, size %d, whole %v", size, whole, len(sample.Trial), sample.Size, sample.Whole)
			}
		}
	}
	sample := trial.OfHead(head, false)
	if first, last := sample.Trial[0], sample.Trial[len(sample.Trial)-1]; first != 0 || last != 3 {
		t.Errorf("from %d to %d", first, last)
	}
}
