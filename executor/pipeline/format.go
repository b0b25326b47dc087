package pipeline

import (
	"bytes"
	"fmt"

	"github.com/castrolanda/imsctl/providers"
)

// marks looks for the beginning and the end that a format demands, while the bytes flow.
type marks struct {
	format providers.Format
	size   int64
	// head are the first bytes, tail the last ones, each at most as many as their window has.
	head, tail []byte
}

func newMarks(format providers.Format) *marks { return &marks{format: format} }

// observe sees the next bytes. The error says that the beginning is wrong; it comes as soon as that is known.
func (m *marks) observe(data []byte) error {
	m.size += int64(len(data))
	complete := len(m.head) == providers.HeaderWindow
	m.head = append(m.head, data[:min(len(data), providers.HeaderWindow-len(m.head))]...)
	m.tail = append(m.tail, data[max(0, len(data)-providers.TrailerWindow):]...)
	m.tail = append(m.tail[:0], m.tail[max(0, len(m.tail)-providers.TrailerWindow):]...)
	if !complete && len(m.head) == providers.HeaderWindow {
		return m.checkHead()
	}
	return nil
}

// conclude judges the stream when the source says that it is complete.
func (m *marks) conclude() error {
	if m.size == 0 && (len(m.format.Headers) > 0 || len(m.format.Trailer) > 0) {
		return fmt.Errorf("%w: it wrote nothing at all", ErrIncomplete)
	}
	if err := m.checkHead(); err != nil {
		return err
	}
	if !bytes.Contains(m.tail, m.format.Trailer) {
		return fmt.Errorf("%w: the dump has no end marker: %q is not in its last %d bytes, so it was cut short after %d bytes",
			ErrIncomplete, m.format.Trailer, providers.TrailerWindow, m.size)
	}
	return nil
}

func (m *marks) checkHead() error {
	if len(m.format.Headers) == 0 {
		return nil
	}
	for _, header := range m.format.Headers {
		if bytes.Contains(m.head, header) {
			return nil
		}
	}
	return fmt.Errorf("%w: the dump does not begin as one: %q is not in its first %d bytes",
		ErrIncomplete, bytes.Join(m.format.Headers, []byte(" or ")), providers.HeaderWindow)
}
