package trial_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/content"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// stepping is a clock that goes on by one step whenever it is asked.
type stepping struct {
	now  time.Time
	step time.Duration
}

func (c *stepping) Now() time.Time {
	c.now = c.now.Add(c.step)
	return c.now
}

// rows returns n bytes of numbered rows.
func rows(n int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,item %d,%d.%02d\n", i, random.IntN(1000), random.IntN(1000), random.IntN(100))
	}
	return b.Bytes()[:n]
}

// TestMeasure: sizes are those of the codecs themselves, rates those of the clock.
func TestMeasure(t *testing.T) {
	data := rows(1 << 20)
	measured, err := trial.Measure(context.Background(), trial.NewMeter(compression.NewCodec, &stepping{step: time.Second}, data, true))
	if err != nil {
		t.Fatal(err)
	}
	for i, candidate := range trial.Candidates() {
		got := measured[i]
		size := min(len(data), candidate.Limit)
		codec, err := compression.NewCodec(candidate.Method, candidate.Level)
		if err != nil {
			t.Fatal(err)
		}
		var stored bytes.Buffer
		writer, err := codec.NewWriter(&stored)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(data[:size]); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		if got.Method != candidate.Method || got.Level != candidate.Level || got.Sampled != int64(size) || got.Stored != int64(stored.Len()) {
			t.Errorf("%+v: %+v, %d bytes make %d", candidate, got, size, stored.Len())
		}
		if got.Rate != float64(size) {
			t.Errorf("%+v: %v bytes per second, want %d", candidate, got.Rate, size)
		}
		if own := float64(stored.Len()) / float64(size); got.Fraction <= own/2 || got.Fraction >= own*2 || size == len(data) && got.Fraction != own {
			t.Errorf("%+v: fraction %v, its own is %v", candidate, got.Fraction, own)
		}
	}
}

// TestMeasureLittle: what is too small to be timed has no rate, and nothing at all is no error.
func TestMeasureLittle(t *testing.T) {
	for _, size := range []int{0, 1, 1000} {
		measured, err := trial.Measure(context.Background(), trial.NewMeter(compression.NewCodec, &stepping{step: time.Second}, rows(size), true))
		if err != nil || len(measured) != len(trial.Candidates()) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		for _, m := range measured {
			if m.Rate != 0 || m.Fraction <= 0 {
				t.Errorf("%d bytes: %+v", size, m)
			}
		}
	}
	standing := clock.NewManual(time.Unix(0, 0))
	measured, err := trial.Measure(context.Background(), trial.NewMeter(compression.NewCodec, standing, rows(1<<18), true))
	if err != nil || measured[0].Rate != 0 {
		t.Errorf("a clock that stands still gives %+v, %v", measured[0], err)
	}
}

func TestMeasureFails(t *testing.T) {
	broken := func(string, int) (providers.Codec, error) { return nil, errors.New("out of order") }
	if _, err := trial.Measure(context.Background(), trial.NewMeter(broken, clock.System{}, nil, true)); err == nil || !strings.Contains(err.Error(), "zstd at level 1: out of order") {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := trial.Measure(ended, trial.NewMeter(compression.NewCodec, clock.System{}, nil, true)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestOfFile: the samples of a file come from everywhere, also the first few of them.
func TestOfFile(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20, 1<<20 + 1, 40 << 20} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 16 / max(1, size))
		}
		sample, err := trial.OfFile(bytes.NewReader(data), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		if sample.Size != int64(size) || sample.Read > trial.MostRead || len(sample.Trial) != min(size, trial.TrialSize) || sample.Whole != (size <= trial.TrialSize) {
			t.Errorf("%d bytes: size %d, read %d, trial %d", size, sample.Size, sample.Read, len(sample.Trial))
		}
		if !bytes.HasPrefix(data, sample.Head) {
			t.Errorf("%d bytes: the head is not the beginning", size)
		}
		if size <= trial.TrialSize {
			continue
		}
		seen := make(map[byte]bool)
		for _, value := range sample.Trial[:512<<10] {
			seen[value/4] = true
		}
		if len(seen) != 4 {
			t.Errorf("%d bytes: the first half of the trial is from %d of 4 quarters", size, len(seen))
		}
	}
}

// TestOfFileThatShrinks: it is an error and no short sample.
func TestOfFileThatShrinks(t *testing.T) {
	for _, size := range []int64{100, 4 << 20} {
		if _, err := trial.OfFile(bytes.NewReader(make([]byte, 50)), size); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d: got %v", size, err)
		}
	}
}

// TestOfStream: no more is read than was promised, and time ends it too.
func TestOfStream(t *testing.T) {
	still, fast := clock.NewManual(time.Unix(0, 0)), &stepping{step: time.Hour}
	for name, c := range map[string]struct {
		clock      clock.Clock
		length     int64
		size, read int64
		more       int
	}{
		"nothing":             {still, 0, 0, 0, 0},
		"a little":            {still, 100, 100, 100, 0},
		"within the head":     {still, 3 << 20, 3 << 20, 3 << 20, 0},
		"just the head":       {still, 8 << 20, 8 << 20, 8 << 20, 0},
		"some more":           {still, 13 << 20, 13 << 20, 13 << 20, 1},
		"endless":             {still, 1 << 40, 0, 64 << 20, 14},
		"endless and slow":    {fast, 1 << 40, 0, 8 << 20, 0},
		"a little, and slow":  {fast, 100, 100, 100, 0},
		"to the last of them": {still, 64 << 20, 0, 64 << 20, 14},
	} {
		sample, err := trial.OfStream(io.LimitReader(zeros{}, c.length), c.clock)
		if err != nil || sample.Size != c.size || sample.Read != c.read || len(sample.Further) != c.more || sample.Read > trial.MostRead {
			t.Errorf("%s: size %d, read %d, %d more samples, %v", name, sample.Size, sample.Read, len(sample.Further), err)
		}
	}
}

// TestOfStreamThatChanges: what comes after the head counts for the entropy.
func TestOfStreamThatChanges(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	stream := io.MultiReader(io.LimitReader(zeros{}, 8<<20), io.LimitReader(random, 40<<20))
	sample, err := trial.OfStream(stream, clock.NewManual(time.Unix(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if found := sample.Content(); found.Kind != content.Binary || found.Entropy < 2 {
		t.Errorf("%+v", found)
	}
}

func TestOfStreamThatFails(t *testing.T) {
	broken := errors.New("gone")
	for _, length := range []int64{10, 2 << 20, 9 << 20} {
		stream := io.MultiReader(io.LimitReader(zeros{}, length), iotest.ErrReader(broken))
		sample, err := trial.OfStream(stream, clock.NewManual(time.Unix(0, 0)))
		if !errors.Is(err, broken) || len(sample.Trial) != int(min(length, 1<<20)) {
			t.Errorf("%d: %d bytes to try, %v", length, len(sample.Trial), err)
		}
	}
}

// zeros is a stream without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
