package redis

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/internal/resp"
	"github.com/castrolanda/imsctl/providers"
)

// markSize is the length of the mark that ends a transfer whose length was not announced.
const markSize = 40

// snapshot has the server send a snapshot, as a replica would, and scans it.
func (a *address) snapshot(ctx context.Context, options rdb.Options) (rdb.Snapshot, *providers.Container, error) {
	s, err := a.open(ctx)
	if err != nil {
		return rdb.Snapshot{}, nil, err
	}
	defer s.close()
	transfer, err := s.transfer()
	if err != nil {
		return rdb.Snapshot{}, nil, err
	}
	found, err := rdb.Scan(transfer, options)
	if transfer.err != nil {
		return rdb.Snapshot{}, nil, transfer.err
	}
	if err != nil {
		return rdb.Snapshot{}, nil, fmt.Errorf("reading from %s: %w", a, err)
	}
	return found, nil, nil
}

// transfer asks for a snapshot.
func (s *session) transfer() (*transfer, error) {
	// That it may be sent while it is made, and that nothing after it is wanted. Servers from before either say that they do
	// not know it, and send what they can.
	for _, option := range [][]string{{"REPLCONF", "capa", "eof"}, {"REPLCONF", "rdb-only", "1"}} {
		if _, err := s.command(option...); err != nil && !unknown(err) {
			return nil, err
		}
	}
	if _, err := s.conn.Write(resp.AppendCommand(nil, "PSYNC", "?", "-1")); err != nil {
		return nil, s.broken(err)
	}
	line, err := s.line("PSYNC")
	if err != nil && unknown(err) {
		if _, err := s.conn.Write(resp.AppendCommand(nil, "SYNC")); err != nil {
			return nil, s.broken(err)
		}
		return s.announcement("SYNC")
	}
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(line, "+FULLRESYNC ") {
		return nil, fmt.Errorf("%s answered PSYNC with %q instead of a snapshot", s.address, quoted(line, s.address.password))
	}
	return s.announcement("PSYNC")
}

// unknown reports whether a server said that it does not know a command, or an option of one.
func unknown(err error) bool {
	var refused *refusalError
	return errors.As(err, &refused) && refused.code == "ERR" &&
		(strings.Contains(refused.text, "nknown") || strings.Contains(refused.text, "nrecognized") || strings.Contains(refused.text, "yntax"))
}

// line reads one that is no failure.
func (s *session) line(command string) (string, error) {
	line, err := resp.ReadLine(s.reader)
	if err != nil {
		return "", s.broken(err)
	}
	if said, failed := strings.CutPrefix(line, "-"); failed {
		return "", s.address.refused(command, resp.Error(said))
	}
	return line, nil
}

// announcement reads how the snapshot will come: $LENGTH, or $EOF: and the mark that ends it.
func (s *session) announcement(command string) (*transfer, error) {
	line, err := s.line(command)
	if err != nil {
		return nil, err
	}
	if mark, found := strings.CutPrefix(line, "$EOF:"); found && len(mark) == markSize {
		return &transfer{session: s, source: &marked{reader: s.reader, mark: []byte(mark)}}, nil
	}
	if digits, found := strings.CutPrefix(line, "$"); found {
		if size, err := strconv.ParseInt(digits, 10, 64); err == nil && size >= 0 {
			return &transfer{session: s, source: &sized{reader: s.reader, size: size}}, nil
		}
	}
	return nil, fmt.Errorf("%s announced no snapshot but %q", s.address, quoted(line, s.address.password))
}

// transfer is the bytes of a snapshot on their way. io.EOF means that all that was announced has come.
type transfer struct {
	session *session
	source  io.Reader
	bytes   int64
	// err is what went wrong with the connection.
	err error
}

// Read reads what has come.
func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	t.bytes += int64(n)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	t.err = t.session.broken(err)
	if errors.Is(err, io.ErrUnexpectedEOF) && t.session.ctx.Err() == nil {
		t.err = fmt.Errorf("%s ended the transfer after %d bytes, before its end: was it restarted, or is its limit for replicas too low? (client-output-buffer-limit, repl-timeout; its log says which)",
			t.session.address, t.bytes)
	}
	return n, t.err
}

// sized is a snapshot of an announced length.
type sized struct {
	reader     io.Reader
	size, read int64
}

// Read reads what has come.
func (s *sized) Read(p []byte) (int, error) {
	if s.read == s.size {
		return 0, io.EOF
	}
	n, err := s.reader.Read(p[:min(int64(len(p)), s.size-s.read)])
	s.read += int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// marked is a snapshot that ends before a mark.
type marked struct {
	reader *bufio.Reader
	mark   []byte
	ended  bool
}

// Read reads what has come and cannot be a part of the mark.
func (m *marked) Read(p []byte) (int, error) {
	if m.ended {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if _, err := m.reader.Peek(len(m.mark)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	ready, _ := m.reader.Peek(m.reader.Buffered())
	before := bytes.Index(ready, m.mark)
	if before == 0 {
		m.ended = true
		_, err := m.reader.Discard(len(m.mark))
		return 0, errors.Join(err, io.EOF)
	}
	if before < 0 {
		before = len(ready) - len(m.mark) + 1
	}
	return m.reader.Read(p[:min(len(p), before)])
}
