package trial

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// MeasureLong finds out what a method that was measured leaves of all that is held of a stream, of which the sample is a part, and
// returns the measurement with a Fraction that is better for it: much is found again only in what is longer than a sample. That is
// the part of the sample that would be left if the method did there as well, beside the yardstick, as it does in the whole.
func (m *Meter) MeasureLong(ctx context.Context, measured Measurement, held []byte) (Measurement, error) {
	if err := ctx.Err(); err != nil {
		return Measurement{}, err
	}
	first := Candidates()[0]
	part, err := m.measureYardstick()
	if err != nil {
		return Measurement{}, err
	}
	// How long they take does not count, so that they may run side by side.
	var yardstick sync.WaitGroup
	var failure error
	if m.long == 0 {
		yardstick.Go(func() { m.long, failure = m.left(first.Method, first.Level, held) })
	}
	measured.Long, err = m.left(measured.Method, measured.Level, held)
	yardstick.Wait()
	if err = errors.Join(err, failure); err != nil {
		return Measurement{}, err
	}
	measured.Fraction = part * measured.Long / m.long
	return measured, nil
}

// left is the part of data that a method leaves.
func (m *Meter) left(method string, level int, data []byte) (float64, error) {
	codec, err := m.newCodec(method, level)
	if err != nil {
		return 0, err
	}
	stored, err := m.compress(codec, data)
	if err != nil {
		return 0, fmt.Errorf("trying %s at level %d: %w", method, level, err)
	}
	return float64(stored) / float64(len(data)), nil
}
