package trial

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
)

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
	// Long is the part that it leaves of all that is held of a stream, 0 where that was not tried.
	Long float64 `json:"-"`
	// Rate is how many bytes it took in a second, 0 when the sample was too small to tell.
	Rate float64 `json:"rate"`
}

// The bounds of measuring a speed: how many bytes a sample needs for it to mean anything, and below what time a method is tried again, how
// often, and the time that it takes for nothing is taken off. The shortest time counts, because whatever disturbs a measurement only ever
// makes it longer.
const (
	measurable = 32 << 10
	brief      = 15 * time.Millisecond
	attempts   = 2
	// atOnce is the most goroutines that the speed of several processors is measured with.
	atOnce = 8
)

// Meter measures candidates on one sample, one after the other. It is not safe for concurrent use, except that Reference may be
// called beside the rest.
type Meter struct {
	newCodec providers.CodecFactory
	clock    clock.Clock
	sample   []byte
	// whole says that the sample is all of the data.
	whole bool
	// idling is how long a method takes for nothing.
	idling map[string]time.Duration
	// yardstick is what the first of the candidates makes of the sample, long what it leaves of all that is held; nil and 0 until they
	// are needed.
	yardstick *Measurement
	long      float64
}

// NewMeter makes the meter of a sample, which must not be changed while it is used. What is not whole is written as long
// streams are: by the programs that the codecs use for these. Times are read from the clock.
func NewMeter(newCodec providers.CodecFactory, clock clock.Clock, sample []byte, whole bool) *Meter {
	return &Meter{newCodec: newCodec, clock: clock, sample: sample, whole: whole, idling: make(map[string]time.Duration)}
}

// Measure compresses the sample with every candidate.
func Measure(ctx context.Context, meter *Meter) ([]Measurement, error) {
	var measurements []Measurement
	for _, candidate := range Candidates() {
		measured, err := meter.Measure(ctx, candidate)
		if err != nil {
			return nil, err
		}
		measurements = append(measurements, measured)
	}
	return measurements, nil
}

// Measure compresses the sample, or what the candidate is to see of it, and measures size and time. It fails when ctx has
// ended or the codec fails.
func (m *Meter) Measure(ctx context.Context, candidate Candidate) (Measurement, error) {
	if err := ctx.Err(); err != nil {
		return Measurement{}, err
	}
	measured, err := m.measure(candidate, m.sample[:min(len(m.sample), candidate.Limit)])
	if err == nil && candidate == Candidates()[0] {
		m.yardstick = &measured
	}
	if err != nil || candidate.Limit >= len(m.sample) {
		return measured, err
	}
	whole, err := m.measureYardstick()
	if err != nil {
		return Measurement{}, err
	}
	first := Candidates()[0]
	part, err := m.left(first.Method, first.Level, m.sample[:candidate.Limit])
	if err != nil {
		return Measurement{}, err
	}
	measured.Fraction *= whole / part
	return measured, nil
}

// measureYardstick is the part of the sample that the yardstick leaves.
func (m *Meter) measureYardstick() (float64, error) {
	if m.yardstick == nil {
		all, err := m.measure(Candidates()[0], m.sample)
		if err != nil {
			return 0, err
		}
		m.yardstick = &all
	}
	return m.yardstick.Fraction, nil
}

// measure compresses a sample, and again when that took next to no time.
func (m *Meter) measure(candidate Candidate, sample []byte) (Measurement, error) {
	wrap := func(err error) error {
		return fmt.Errorf("trying %s at level %d: %w", candidate.Method, candidate.Level, err)
	}
	codec, err := m.newCodec(candidate.Method, candidate.Level)
	if err != nil {
		return Measurement{}, wrap(err)
	}
	measured := Measurement{Method: candidate.Method, Level: candidate.Level, Sampled: int64(len(sample)), Fraction: 1}
	shortest := time.Duration(0)
	for range attempts {
		begun := m.clock.Now()
		if measured.Stored, err = m.compress(codec, sample); err != nil {
			return Measurement{}, wrap(err)
		}
		took := m.clock.Now().Sub(begun)
		if shortest == 0 || took < shortest {
			shortest = took
		}
		if took <= 0 || took > brief || len(sample) < measurable {
			break
		}
	}
	if shortest > 0 && len(sample) >= measurable {
		idle, err := m.idle(codec, shortest)
		if err != nil {
			return Measurement{}, wrap(err)
		}
		measured.Rate = float64(len(sample)) / (shortest - idle).Seconds()
	}
	if len(sample) > 0 {
		measured.Fraction = float64(measured.Stored) / float64(len(sample))
	}
	return measured, nil
}

// idle is how long a codec takes for nothing, of the time that it took for a sample: a long stream pays that once. At most
// half of it counts. The levels of a method do not differ in that.
func (m *Meter) idle(codec providers.Codec, took time.Duration) (time.Duration, error) {
	if m.whole || took > brief {
		return 0, nil
	}
	idle, known := m.idling[codec.Method()]
	if !known {
		begun := m.clock.Now()
		if _, err := m.compress(codec, nil); err != nil {
			return 0, err
		}
		idle = m.clock.Now().Sub(begun)
		m.idling[codec.Method()] = idle
	}
	return min(idle, took/2), nil
}

// compress returns how many bytes a codec makes of data.
func (m *Meter) compress(codec providers.Codec, data []byte) (int64, error) {
	var stored counter
	newWriter := codec.NewWriter
	if long, ok := codec.(providers.Streaming); ok && !m.whole {
		newWriter = long.NewStreamWriter
	}
	writer, err := newWriter(&stored)
	if err != nil {
		return 0, err
	}
	_, err = writer.Write(data)
	if closing := writer.Close(); err == nil {
		err = closing
	}
	return int64(stored), err
}

// Reference is the part of the sample that the tool gzip -9 leaves (compression.BestGzip). What the codec gzip writes at level 9 differs
// by some percent in both directions.
func (m *Meter) Reference(ctx context.Context) (float64, error) {
	if len(m.sample) == 0 {
		return 0, ctx.Err()
	}
	stored, err := compression.BestGzip(ctx, m.sample)
	return float64(stored) / float64(len(m.sample)), err
}

// Speedup measures how many times as fast so many processors compress as one does, by letting one and then all of them
// compress a part of the sample: they may be threads of one core, or have other work. It is 0 when that cannot be told.
func (m *Meter) Speedup(ctx context.Context, cores int) (float64, error) {
	const part = 256 << 10
	if cores < 2 {
		return 1, nil
	}
	first := Candidates()[0]
	codec, err := m.newCodec(first.Method, first.Level)
	if err != nil || len(m.sample) < part/2 {
		return 0, err
	}
	workers := min(cores, atOnce)
	sample := m.sample[:min(len(m.sample), part)]
	var alone, together time.Duration
	for range attempts {
		one, err := m.side(ctx, codec, sample, 1)
		if err != nil {
			return 0, err
		}
		all, err := m.side(ctx, codec, sample, workers)
		if err != nil {
			return 0, err
		}
		if alone == 0 || one < alone {
			alone = one
		}
		if together == 0 || all < together {
			together = all
		}
	}
	if alone <= 0 || together <= 0 {
		return 0, nil
	}
	times := min(float64(workers), max(1, float64(workers)*alone.Seconds()/together.Seconds()))
	return times * float64(cores) / float64(workers), nil
}

// side is how long some goroutines need that compress the same sample side by side, each once, within this process.
func (m *Meter) side(ctx context.Context, codec providers.Codec, sample []byte, workers int) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	within := Meter{whole: true}
	failures := make([]error, workers)
	var running sync.WaitGroup
	begun := m.clock.Now()
	for i := range workers {
		running.Go(func() { _, failures[i] = within.compress(codec, sample) })
	}
	running.Wait()
	took := m.clock.Now().Sub(begun)
	for _, err := range failures {
		if err != nil {
			return 0, fmt.Errorf("trying several processors: %w", err)
		}
	}
	return took, nil
}

// counter counts what is written.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
