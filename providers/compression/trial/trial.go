package trial

import (
	"context"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Candidate is a method at a level that is tried.
type Candidate struct {
	Method string
	Level  int
	// Limit is how many bytes of the sample it is tried on, so that slow methods do not take longer than all others
	// together.
	Limit int
}

// Candidates are what is tried, in the order in which equals are preferred. The first is the yardstick by which the results
// of those that see less than the whole sample are scaled.
func Candidates() []Candidate {
	return []Candidate{
		{"zstd", 1, HeadSize},
		{"zstd", 3, HeadSize},
		{"zstd", 7, HeadSize},
		{"gzip", 1, HeadSize},
		{"gzip", 6, HeadSize},
		{"gzip", 9, HeadSize},
		{"bzip2", 9, 900_000},
		{"zstd", 19, HeadSize},
		{"xz", 6, HeadSize},
	}
}

// Measurement is what a method made of a sample.
type Measurement struct {
	Method string `json:"method"`
	Level  int    `json:"level"`
	// Sampled is how many bytes it was given, Stored how many it made of them.
	Sampled int64 `json:"sampled_bytes"`
	Stored  int64 `json:"stored_bytes"`
	// Fraction is the part of the data that it is expected to leave, 0 to a little over 1: that of the sample, scaled where
	// it saw only a part of it.
	Fraction float64 `json:"fraction"`
	// Rate is how many bytes it took in a second, 0 when the sample was too small to tell.
	Rate float64 `json:"rate"`
}

// The bounds of measuring a speed: how many bytes a sample needs for it to mean anything, and how long and how often a
// fast method is tried. The shortest time counts, because whatever disturbs a measurement only ever makes it longer.
const (
	measurable = 32 << 10
	brief      = 20 * time.Millisecond
	attempts   = 3
)

// Measure compresses a sample with every candidate, one after the other, and measures size and time.
func Measure(ctx context.Context, newCodec providers.CodecFactory, clock clock.Clock, sample []byte) ([]Measurement, error) {
	var measurements []Measurement
	for i, candidate := range Candidates() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		measured, err := measure(newCodec, clock, candidate, sample[:min(len(sample), candidate.Limit)])
		if err != nil {
			return nil, fmt.Errorf("trying %s at level %d: %w", candidate.Method, candidate.Level, err)
		}
		if i > 0 && candidate.Limit < len(sample) {
			part, err := measure(newCodec, clock, Candidates()[0], sample[:candidate.Limit])
			if err != nil {
				return nil, fmt.Errorf("trying the yardstick: %w", err)
			}
			measured.Fraction *= measurements[0].Fraction / part.Fraction
		}
		measurements = append(measurements, measured)
	}
	return measurements, nil
}

// measure compresses a sample, and again when that took next to no time.
func measure(newCodec providers.CodecFactory, clock clock.Clock, candidate Candidate, sample []byte) (Measurement, error) {
	codec, err := newCodec(candidate.Method, candidate.Level)
	if err != nil {
		return Measurement{}, err
	}
	measured := Measurement{Method: candidate.Method, Level: candidate.Level, Sampled: int64(len(sample)), Fraction: 1}
	shortest := time.Duration(0)
	for range attempts {
		begun := clock.Now()
		if measured.Stored, err = compress(codec, sample); err != nil {
			return Measurement{}, err
		}
		took := clock.Now().Sub(begun)
		if shortest == 0 || took < shortest {
			shortest = took
		}
		if took <= 0 || took > brief || len(sample) < measurable {
			break
		}
	}
	if shortest > 0 && len(sample) >= measurable {
		measured.Rate = float64(len(sample)) / shortest.Seconds()
	}
	if len(sample) > 0 {
		measured.Fraction = float64(measured.Stored) / float64(len(sample))
	}
	return measured, nil
}

// compress returns how many bytes a codec makes of data.
func compress(codec providers.Codec, data []byte) (int64, error) {
	var stored counter
	writer, err := codec.NewWriter(&stored)
	if err != nil {
		return 0, err
	}
	_, err = writer.Write(data)
	if closing := writer.Close(); err == nil {
		err = closing
	}
	return int64(stored), err
}

// counter counts what is written.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
