package testenv

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// Letter is what a MailServer was handed.
type Letter struct {
	From string
	To   []string
	// Data is the mail, headers and body.
	Data string
	// Secured and SignedIn say how it came: over TLS, and after signing in by which mechanism.
	Secured  bool
	SignedIn string
}

// MailUser and MailPassword are the credentials that mail servers of tests know.
const (
	MailUser     = "imsctl"
	MailPassword = "hunter2 ü"
)

// MailSecurity is how a MailServer protects connections.
type MailSecurity int

// The ways: not at all, after STARTTLS, from the first byte.
const (
	MailPlain MailSecurity = iota
	MailStartTLS
	MailTLS
)

// MailServer is an SMTP server that keeps what it is handed. It listens on 127.0.0.1, which its certificate is for.
type MailServer struct {
	Port int64
	// CAFile has the certificate that vouches for it.
	CAFile string
	// Refuse are the recipients that it does not take, and what it answers. It is set before any mail comes.
	Refuse map[string]error

	mechanisms []string
	mu         sync.Mutex
	letters    []Letter
	attempts   []string
}

// Mail starts one, which ends with the test. Where mechanisms are given, mail is taken only after signing in by one of them:
// PLAIN, LOGIN, CRAM-MD5, or any other name, by which nobody can.
func Mail(t testing.TB, security MailSecurity, mechanisms ...string) *MailServer {
	t.Helper()
	made := &MailServer{mechanisms: mechanisms}
	certificate := httptest.NewUnstartedServer(http.NotFoundHandler())
	certificate.StartTLS()
	t.Cleanup(certificate.Close)
	made.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})
	if err := os.WriteFile(made.CAFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	server := gosmtp.NewServer(made)
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.ErrorLog = silentLog{}
	config := &tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12}
	if security == MailStartTLS {
		server.TLSConfig = config
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made.Port = int64(listener.Addr().(*net.TCPAddr).Port)
	if security == MailTLS {
		listener = tls.NewListener(listener, config)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil && !errors.Is(err, gosmtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return made
}

// silentLog is a log that nobody reads.
type silentLog struct{}

// Printf implements gosmtp.Logger.
func (silentLog) Printf(string, ...any) {}

// Println implements gosmtp.Logger.
func (silentLog) Println(...any) {}

// NewSession implements gosmtp.Backend.
func (s *MailServer) NewSession(connection *gosmtp.Conn) (gosmtp.Session, error) {
	return &mailSession{server: s, connection: connection}, nil
}

// Taken are the letters that came since the last time.
func (s *MailServer) Taken() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.letters
	s.letters = nil
	return taken
}

// Attempts are the mechanisms by which somebody has tried to sign in.
func (s *MailServer) Attempts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

// mailSession implements gosmtp.AuthSession.
type mailSession struct {
	server     *MailServer
	connection *gosmtp.Conn
	letter     Letter
}

// Reset implements gosmtp.Session.
func (s *mailSession) Reset() { s.letter = Letter{SignedIn: s.letter.SignedIn} }

// Logout implements gosmtp.Session.
func (s *mailSession) Logout() error { return nil }

// AuthMechanisms implements gosmtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string { return s.server.mechanisms }

// Auth implements gosmtp.AuthSession.
func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	s.server.mu.Lock()
	s.server.attempts = append(s.server.attempts, mechanism)
	s.server.mu.Unlock()
	check := func(user, password string) error {
		if user != MailUser || password != MailPassword {
			// Some servers repeat what they were sent.
			return &gosmtp.SMTPError{Code: 535, Message: "no such credentials: " + password}
		}
		s.letter.SignedIn = mechanism
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case sasl.Login:
		return &saslLogin{check: check}, nil
	case "CRAM-MD5":
		return &cramMD5{check: check}, nil
	}
	return nil, gosmtp.ErrAuthUnknownMechanism
}

// Mail implements gosmtp.Session.
func (s *mailSession) Mail(from string, _ *gosmtp.MailOptions) error {
	if len(s.server.mechanisms) > 0 && s.letter.SignedIn == "" {
		return gosmtp.ErrAuthRequired
	}
	s.letter.From = from
	return nil
}

// Rcpt implements gosmtp.Session.
func (s *mailSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if err := s.server.Refuse[to]; err != nil {
		return err
	}
	s.letter.To = append(s.letter.To, to)
	return nil
}

// Data implements gosmtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.letter.Data = string(data)
	_, s.letter.Secured = s.connection.TLSConnectionState()
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.letters = append(s.server.letters, s.letter)
	return nil
}
