package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/resp"
)

// patience is how long a server may send or take nothing while it should. A master says every ten seconds that it is still at
// work (repl-ping-replica-period).
const patience = 60 * time.Second

// session is a connection to a server.
type session struct {
	address *address
	// conn is patient, raw is not.
	conn, raw net.Conn
	reader    *bufio.Reader
	ctx       context.Context
	release   func() bool
	// answered is set when the server has said something.
	answered bool
}

// newSession makes a session of a connection. It ends with ctx, at once.
func newSession(ctx context.Context, a *address, raw net.Conn) *session {
	conn := patient{raw}
	return &session{
		address: a, conn: conn, raw: raw, reader: bufio.NewReaderSize(conn, 64<<10), ctx: ctx,
		release: context.AfterFunc(ctx, func() { _ = raw.Close() }),
	}
}

// close ends the session. There is nothing to lose by how it ends.
func (s *session) close() {
	s.release()
	_ = s.conn.Close()
}

// patient is a connection that gives up on somebody who neither sends nor takes anything.
type patient struct{ net.Conn }

// Read reads what has come.
func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// Write sends.
func (p patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, fmt.Errorf("%w: %w", errSending, err)
	}
	n, err := p.Conn.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSending, err)
	}
	return n, err
}

// authenticate says who we are, where that is told.
func (s *session) authenticate() error {
	words := resp.Authentication(s.address.user, s.address.password)
	if words == nil {
		return nil
	}
	_, err := s.command(words...)
	return err
}

// command runs one and returns its reply.
func (s *session) command(words ...string) (resp.Reply, error) {
	if _, err := s.conn.Write(resp.AppendCommand(nil, words...)); err != nil {
		return nil, s.broken(err)
	}
	reply, err := resp.ReadReply(s.reader)
	s.answered = s.answered || err == nil
	var failed resp.Error
	if errors.As(err, &failed) {
		return nil, s.address.refused(words[0], failed)
	}
	if err != nil {
		return nil, s.broken(err)
	}
	return reply, nil
}

// broken says in a sentence what a connection that failed means.
func (s *session) broken(err error) error {
	switch {
	case s.ctx.Err() != nil:
		return fmt.Errorf("%s: %w", s.address, cause.Interruption(s.ctx))
	case !s.answered && s.address.certificates != nil && s.address.certificates.certificate == "" && !errors.Is(err, os.ErrDeadlineExceeded):
		// Who is not let in learns that after the handshake, if at all.
		return fmt.Errorf("%s: %w: it probably wants a certificate of ours, cert_file and key_file (or tls-auth-clients no)", s.address, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s was silent for %s: given up", s.address, patience)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s ended the connection: was it stopped, or restarted? (%w)", s.address, err)
	}
	return fmt.Errorf("%s: %w", s.address, err)
}
