package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/providers"
)

// connectTimeout is how long a server may take to be connected to.
const connectTimeout = 10 * time.Second

// address is a server and how to reach it.
type address struct {
	// network is "tcp" or "unix", place HOST:PORT or a path.
	network, place string
	user, password string
	// certificates are nil where TLS is not spoken.
	certificates *certificates
	dialer       providers.Dialer
}

// certificates say who vouches for the two sides of a connection. The files are on the machine imsctl runs on.
type certificates struct {
	// authorities is a file, empty for those that the system trusts; certificate and key are files, empty for none.
	authorities, certificate, key string
	// server is the name that the server must prove, empty for that of its address.
	server string
}

// splitAddress reads HOST:PORT, or the path of a socket.
func splitAddress(text string) (network, place string, err error) {
	const form = "write HOST:PORT, or the absolute path of a socket"
	if path.IsAbs(text) {
		return "unix", text, nil
	}
	if strings.Contains(text, "@") || strings.Contains(text, "://") {
		// A password could be in it.
		return "", "", fmt.Errorf("the address is a URL: %s, and give user, password and tls by themselves", form)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return "", "", fmt.Errorf("%q is no address: %s", text, form)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return "", "", fmt.Errorf("%q has no usable port: %s", text, form)
	}
	return "tcp", text, nil
}

// String names the server for people.
func (a *address) String() string { return "the Redis server at " + a.place }

// open connects and says who we are. The session ends with ctx.
func (a *address) open(ctx context.Context) (*session, error) {
	dialling, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := a.dial(dialling)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%s did not answer within %s", a, connectTimeout)
		}
		return nil, err
	}
	s := newSession(ctx, a, raw)
	if err := s.authenticate(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// dial makes the connection.
func (a *address) dial(ctx context.Context) (net.Conn, error) {
	raw, err := a.dialer.Dial(ctx, a.network, a.place)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", a, err)
	}
	if a.certificates == nil {
		return raw, nil
	}
	config, err := a.certificates.config(a.place)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%s did not answer to TLS within %s: does it speak TLS on this port?", a, connectTimeout)
		}
		return nil, fmt.Errorf("connecting to %s with TLS: %w%s", a, err, handshakeAdvice(err))
	}
	return secured, nil
}

// config makes a TLS configuration from the files.
func (c *certificates) config(place string) (*tls.Config, error) {
	config := &tls.Config{ServerName: c.server, MinVersion: tls.VersionTLS12}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(place)
	}
	if c.authorities != "" {
		var err error
		if config.RootCAs, err = endpoint.Authorities(c.authorities); err != nil {
			return nil, err
		}
	}
	if c.certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.certificate, c.key)
		if err != nil {
			return nil, fmt.Errorf("reading cert_file and key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// handshakeAdvice says what to do about a handshake that failed.
func handshakeAdvice(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return ": name the certificate of its authority, or its own where it has none, in ca_file"
	case errors.As(err, &name):
		return ": say in server_name what its certificate is for"
	case errors.As(err, &plain):
		return ": it does not speak TLS on this port"
	}
	return ""
}
