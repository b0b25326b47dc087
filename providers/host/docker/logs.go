package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/providers"
)

// longestMessage is how long a message may be, in bytes. Engines cut lines at 16 KiB.
const longestMessage = 4 << 20

// Logs writes what a container has said, each message in a Write of its own.
func (e *engine) Logs(ctx context.Context, id string, since, until time.Time, stdout, stderr io.Writer) error {
	if err := e.logs(ctx, id, since, until, stdout, stderr); err != nil {
		return fmt.Errorf("reading the logs of the container %s on %s: %w", id, e.host.Name(), err)
	}
	return nil
}

func (e *engine) logs(ctx context.Context, id string, since, until time.Time, stdout, stderr io.Writer) error {
	told, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return e.logMeaning(ctx, err)
	}
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true}
	if !since.IsZero() {
		options.Since = since.UTC().Format(time.RFC3339Nano)
	}
	if !until.IsZero() {
		options.Until = until.UTC().Format(time.RFC3339Nano)
	}
	stream, err := e.client.ContainerLogs(ctx, id, options)
	if err != nil {
		return e.logMeaning(ctx, err)
	}
	defer stream.Close()
	read := readMessages
	if told.Container.Config != nil && told.Container.Config.Tty {
		read = readLines
	}
	var failed *writeError
	switch err := read(stream, stdout, stderr); {
	case errors.As(err, &failed):
		return failed.err
	case err != nil && ctx.Err() == nil:
		return e.lost(err)
	case err != nil:
		return e.meaning(ctx, err)
	}
	return nil
}

// logMeaning translates the error of a request for logs.
func (e *engine) logMeaning(ctx context.Context, err error) error {
	if isAbsent(err) {
		return providers.ErrNoContainer
	}
	return e.meaning(ctx, err)
}

// writeError is a failure of who takes the messages.
type writeError struct{ err error }

func (w *writeError) Error() string { return w.err.Error() }

// hand gives somebody a message.
func hand(w io.Writer, message []byte) error {
	if _, err := w.Write(message); err != nil {
		return &writeError{err}
	}
	return nil
}

// readMessages reads frames, each of which is a message.
func readMessages(r io.Reader, stdout, stderr io.Writer) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	header := make([]byte, frameHeader)
	var message []byte
	for {
		if _, err := io.ReadFull(buffered, header); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		length := binary.BigEndian.Uint32(header[4:])
		if length > longestMessage {
			return fmt.Errorf("a message of %d bytes, which is too long for one", length)
		}
		if int(length) > cap(message) {
			message = make([]byte, length)
		}
		message = message[:length]
		if _, err := io.ReadFull(buffered, message); err != nil {
			return noEOF(err)
		}
		var err error
		switch header[0] {
		case frameStdin, frameStdout:
			err = hand(stdout, message)
		case frameStderr:
			err = hand(stderr, message)
		case frameEngine:
			err = fmt.Errorf("the engine said: %s", message)
		default:
			err = fmt.Errorf("the engine sent something that is no stream of a container (%d)", header[0])
		}
		if err != nil {
			return err
		}
	}
}

// noEOF turns the end of a stream where there must be more into an error.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLines reads what a terminal showed, which comes without frames: a line is a message.
func readLines(r io.Reader, stdout, _ io.Writer) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	var message []byte
	for {
		part, err := buffered.ReadSlice('\n')
		if len(message)+len(part) > longestMessage {
			return errors.New("a line that is too long for a message")
		}
		message = append(message, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if len(message) > 0 && (err == nil || err == io.EOF) {
			if err := hand(stdout, message); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		message = message[:0]
	}
}
