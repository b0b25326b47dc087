package dockerlogs

import (
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// partSize is from how many bytes on a file of the archive is ended at the next line, and partLimit where it is ended all the
// same.
const (
	partSize  = 8 << 20
	partLimit = 2 * partSize
)

// stream takes the messages of one stream of a container, drops those that were read before, and hands on the rest in parts.
type stream struct {
	// after is the mark of the reading before.
	after mark
	// emit is handed each part.
	emit func(part []byte, modified time.Time) error

	now    mark // the mark of this reading
	passed bool // the mark of the reading before was found, or is not there any more
	gone   bool // it is not there any more
	open   bool // the last message had no end of a line
	part   []byte
	last   time.Time
}

// Write implements io.Writer for one message.
func (s *stream) Write(message []byte) (int, error) {
	if len(message) <= len(providers.LogTime) || message[len(providers.LogTime)] != ' ' {
		return 0, fmt.Errorf("the engine sent a message without a time: %.60q", message)
	}
	at, err := time.Parse(providers.LogTime, string(message[:len(providers.LogTime)]))
	if err != nil {
		return 0, fmt.Errorf("the engine sent a message without a time: %w", err)
	}
	if at.Equal(s.now.At) {
		s.now.Lines++
	} else {
		s.now = mark{at, 1}
	}
	if s.old(at) {
		return len(message), nil
	}
	if err := s.add(message, at); err != nil {
		return 0, err
	}
	return len(message), nil
}

// old reports whether a message was read before.
func (s *stream) old(at time.Time) bool {
	switch {
	case s.passed:
	case s.after.Lines == 0:
		s.passed = true
	case at.Before(s.after.At):
		return true
	case at.Equal(s.after.At):
		s.passed = s.now.Lines >= s.after.Lines
		return true
	default:
		s.passed, s.gone = true, true
	}
	return false
}

// add adds a message to the part. One that goes on with a line that was begun is added without its time.
func (s *stream) add(message []byte, at time.Time) error {
	if s.open && len(s.part) > 0 {
		message = message[len(providers.LogTime)+1:]
	}
	s.part = append(s.part, message...)
	s.last = at
	s.open = len(message) == 0 || message[len(message)-1] != '\n'
	if len(s.part) >= partSize && !s.open || len(s.part) >= partLimit {
		return s.flush()
	}
	return nil
}

// flush hands on what there is.
func (s *stream) flush() error {
	if len(s.part) == 0 {
		return nil
	}
	part := s.part
	s.part = s.part[:0]
	return s.emit(part, s.last)
}

// end hands on the rest and returns the mark of the reading. It tells whether the log has lost the message that the reading
// before had ended with.
func (s *stream) end() (mark, bool, error) {
	if err := s.flush(); err != nil {
		return mark{}, false, err
	}
	if !s.passed && s.after.Lines > 0 {
		// Whatever is still there is older than what was read before.
		return s.after, true, nil
	}
	return s.now, s.gone, nil
}

var _ io.Writer = (*stream)(nil)
