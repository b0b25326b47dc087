package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/castrolanda/imsctl/internal/cause"
)

// Dial connects to a socket on the machine, over the connection (direct-streamlocal@openssh.com, direct-tcpip). It goes
// with the rights of the user that is logged in, also where sudo is declared. The connection breaks with the one to the
// machine.
func (h *host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connecting to %s on %s: %w", address, h.Name(), err)
	}
	link, err := h.connection.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	made, err := link.client().DialContext(ctx, network, address)
	var refused *ssh.OpenChannelError
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, fmt.Errorf("connecting to %s on %s: %w", address, h.Name(), cause.Interruption(ctx))
	case errors.As(err, &refused) && refused.Reason == ssh.Prohibited:
		return nil, fmt.Errorf("connecting to %s on %s: %s (AllowTcpForwarding and AllowStreamLocalForwarding in its sshd_config permit it)", address, h.Name(), refused.Message)
	case errors.As(err, &refused):
		return nil, fmt.Errorf("connecting to %s on %s: %s", address, h.Name(), refused.Message)
	case err != nil:
		return nil, fmt.Errorf("connecting to %s: %w", address, link.lost(err))
	}
	s := &socket{Conn: made}
	s.reading.expired, s.writing.expired = s.cut, s.cut
	return s, nil
}

// socket is a connection over a connection, with the deadlines that SSH does not have: one that is over while something
// is read or written closes it.
type socket struct {
	net.Conn
	reading, writing limit
}

// cut ends what is in progress.
func (s *socket) cut() { s.Conn.Close() }

// Read reads what has come.
func (s *socket) Read(p []byte) (int, error) {
	return s.reading.within(func() (int, error) { return s.Conn.Read(p) })
}

// Write sends.
func (s *socket) Write(p []byte) (int, error) {
	return s.writing.within(func() (int, error) { return s.Conn.Write(p) })
}

// CloseWrite ends the sending.
func (s *socket) CloseWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(at time.Time) error {
	s.reading.set(at)
	s.writing.set(at)
	return nil
}

// SetReadDeadline sets the deadline for reading.
func (s *socket) SetReadDeadline(at time.Time) error {
	s.reading.set(at)
	return nil
}

// SetWriteDeadline sets the deadline for writing.
func (s *socket) SetWriteDeadline(at time.Time) error {
	s.writing.set(at)
	return nil
}

// limit is a deadline for one direction.
type limit struct {
	expired func()

	mu     sync.Mutex
	at     time.Time
	active int         // operations in progress
	timer  *time.Timer // runs while there are any
	over   bool        // it was over while something was in progress
}

// set sets the deadline, also for what is in progress. The zero time is none.
func (l *limit) set(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	l.arm()
}

// arm starts the timer anew. It is called with mu held.
func (l *limit) arm() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.active == 0 || l.at.IsZero() || l.over {
		return
	}
	l.timer = time.AfterFunc(time.Until(l.at), func() {
		l.mu.Lock()
		late := l.active > 0 && !l.at.IsZero() && !time.Now().Before(l.at)
		l.over = l.over || late
		l.mu.Unlock()
		if late {
			l.expired()
		}
	})
}

// within does something and says when its deadline was over.
func (l *limit) within(operate func() (int, error)) (int, error) {
	l.mu.Lock()
	if l.over || !l.at.IsZero() && !time.Now().Before(l.at) {
		l.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	l.active++
	l.arm()
	l.mu.Unlock()
	n, err := operate()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active--
	l.arm()
	if l.over && err != nil {
		return n, os.ErrDeadlineExceeded
	}
	return n, err
}
