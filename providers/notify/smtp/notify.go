package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/providers"
)

// notifier implements providers.Notifier.
type notifier struct {
	config    Config
	dialer    providers.Dialer
	directory string
	from      *netmail.Address
	to        []*netmail.Address
}

// Notify sends one mail to all recipients. Whom the server refuses does not keep it from the others, and is an error.
func (n *notifier) Notify(ctx context.Context, notice providers.Notice) error {
	message, err := n.message(notice)
	if err != nil {
		return err
	}
	connection, err := n.dialer.Dial(ctx, "tcp", net.JoinHostPort(n.config.Server, strconv.FormatInt(n.config.Port, 10)))
	if err != nil {
		return fmt.Errorf("%w: connecting to the mail server: %w", providers.ErrTemporary, err)
	}
	defer connection.Close()
	// The conversation knows no context: it ends with its connection.
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	defer stop()
	client, err := n.greet(ctx, connection, notice.Host)
	if err == nil {
		err = n.send(client, message)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("sending mail: %w", ctx.Err())
	}
	return err
}

// greet begins the conversation: TLS, and who we are.
func (n *notifier) greet(ctx context.Context, connection net.Conn, host string) (*smtp.Client, error) {
	config, err := n.trust()
	if err != nil {
		return nil, err
	}
	if n.config.Security == securityTLS {
		secured := tls.Client(connection, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, n.judge("beginning TLS", err)
		}
		connection = secured
	}
	client, err := smtp.NewClient(connection, n.config.Server)
	if err != nil {
		return nil, n.judge("greeting", err)
	}
	if err := client.Hello(greeting(host)); err != nil {
		return nil, n.judge("greeting", err)
	}
	if n.config.Security == securityStartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, errors.New(`the mail server offers no STARTTLS, and nothing was sent; if it speaks TLS from the first byte, set security = "tls"`)
		}
		if err := client.StartTLS(config); err != nil {
			return nil, n.judge("beginning TLS", err)
		}
	}
	if n.config.Password == "" {
		return client, nil
	}
	if err := client.Auth(&credentials{user: n.config.User, password: n.config.Password}); err != nil {
		return nil, n.judge("signing in", err)
	}
	return client, nil
}

// trust is whose certificates are believed.
func (n *notifier) trust() (*tls.Config, error) {
	config := &tls.Config{ServerName: n.config.Server, MinVersion: tls.VersionTLS12}
	if n.config.CAFile == "" {
		return config, nil
	}
	path := n.config.CAFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.directory, path)
	}
	var err error
	config.RootCAs, err = endpoint.Authorities(path)
	return config, err
}

// send hands the mail over.
func (n *notifier) send(client *smtp.Client, message []byte) error {
	if err := client.Mail("<" + n.from.Address + ">"); err != nil {
		return n.judge("naming the sender", err)
	}
	var refused []error
	for _, to := range n.to {
		if err := client.Rcpt("<" + to.Address + ">"); err != nil {
			refused = append(refused, n.judge("naming "+to.Address, err))
		}
	}
	if len(refused) == len(n.to) {
		return join(refused)
	}
	writer, err := client.Data()
	if err != nil {
		return n.judge("sending mail", err)
	}
	if _, err := writer.Write(message); err != nil {
		return n.judge("sending mail", err)
	}
	if err := writer.Close(); err != nil {
		return n.judge("sending mail", err)
	}
	// It is the server's now, whatever becomes of the goodbye.
	_ = client.Quit()
	if len(refused) > 0 {
		// Another try would reach the others twice.
		return providers.Lasting(join(refused))
	}
	return nil
}

// join makes one line of several errors, temporary where all are.
func join(errs []error) error {
	temporary := true
	var lines []string
	for _, err := range errs {
		temporary = temporary && errors.Is(err, providers.ErrTemporary)
		lines = append(lines, providers.Lasting(err).Error())
	}
	joined := errors.New(strings.Join(lines, "; "))
	if temporary {
		return fmt.Errorf("%w: %w", providers.ErrTemporary, joined)
	}
	return joined
}

// judge says what an error means, without the password: an answer of a server may repeat what it was sent.
func (n *notifier) judge(doing string, err error) error {
	said := n.withoutSecrets(err.Error())
	var answer *textproto.Error
	if errors.As(err, &answer) {
		judged := fmt.Errorf("%s: the mail server answered %d: %s", doing, answer.Code, endpoint.Quote(n.withoutSecrets(answer.Msg)))
		if answer.Code >= 400 && answer.Code < 500 {
			return fmt.Errorf("%w: %w", providers.ErrTemporary, judged)
		}
		return judged
	}
	judged := fmt.Errorf("%s: %s%s", doing, endpoint.Quote(said), advice(err))
	if endpoint.IsBroken(err) {
		return fmt.Errorf("%w: %w", providers.ErrTemporary, judged)
	}
	return judged
}

func (n *notifier) withoutSecrets(said string) string {
	if n.config.Password == "" {
		return said
	}
	for _, form := range encodings(n.config.User, n.config.Password) {
		said = strings.ReplaceAll(said, form, "(sensitive)")
	}
	return said
}

// advice says what to do about TLS that did not begin.
func advice(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return ": name the certificate of its authority, or its own where it has none, in ca_file"
	case errors.As(err, &name):
		return ": name it in server as its certificate does"
	case errors.As(err, &plain):
		return `: it does not speak TLS from the first byte on this port; security = "starttls" does not need that`
	}
	return ""
}

// greeting is the name by which we greet: the machine's, where servers take that for a name.
func greeting(host string) string {
	proper := func(r rune) bool {
		return r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return !proper(r) }) {
		return "localhost"
	}
	return host
}
