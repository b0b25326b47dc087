package docker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The streams of the engine's format for several streams in one: frames of one byte for the stream, three zeros, four for
// the length of what follows.
const (
	frameStdin  = 0
	frameStdout = 1
	frameStderr = 2
	frameEngine = 3
	frameHeader = 8
)

// demultiplex copies the frames of r to the two writers until r ends. An end within a frame is io.ErrUnexpectedEOF. Errors
// of the writers are returned as they are.
func demultiplex(r io.Reader, stdout, stderr io.Writer) error {
	var header [frameHeader]byte
	buffer := make([]byte, 64<<10)
	for {
		if _, err := io.ReadFull(r, header[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		length := int64(binary.BigEndian.Uint32(header[4:]))
		var to io.Writer
		switch header[0] {
		case frameStdin, frameStdout:
			to = stdout
		case frameStderr:
			to = stderr
		case frameEngine:
			words, err := io.ReadAll(io.LimitReader(r, min(length, 4<<10)))
			return errors.Join(fmt.Errorf("the engine said: %s", words), err)
		default:
			return fmt.Errorf("the engine sent something that is no stream of a container (%d)", header[0])
		}
		for length > 0 {
			n, err := r.Read(buffer[:min(int64(len(buffer)), length)])
			length -= int64(n)
			if n > 0 {
				if _, err := to.Write(buffer[:n]); err != nil {
					return err
				}
			}
			if err == io.EOF && length > 0 {
				return io.ErrUnexpectedEOF
			}
			if err != nil && err != io.EOF {
				return err
			}
		}
	}
}
