package smtp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// credentials implements smtp.Auth: it signs in by a way that the server offers, and only where nobody listens.
type credentials struct {
	user, password string
	way            smtp.Auth
}

// Start implements smtp.Auth.
func (c *credentials) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("the connection is not encrypted, and no password was sent")
	}
	offered := make([]string, 0, len(server.Auth))
	for _, name := range server.Auth {
		offered = append(offered, strings.ToUpper(name))
	}
	switch {
	case slices.Contains(offered, "PLAIN"):
		c.way = smtp.PlainAuth("", c.user, c.password, server.Name, false)
	case slices.Contains(offered, "LOGIN"):
		c.way = smtp.LoginAuth(c.user, c.password, server.Name, false)
	case slices.Contains(offered, "CRAM-MD5"):
		// Last: servers that keep passwords hashed offer it at times and cannot do it.
		c.way = smtp.CRAMMD5Auth(c.user, c.password)
	case len(offered) == 0:
		return "", nil, errors.New("the mail server lets nobody sign in: leave user and password out, or use its port for submissions")
	default:
		return "", nil, fmt.Errorf("the mail server offers %s to sign in; imsctl knows PLAIN, LOGIN and CRAM-MD5", strings.Join(offered, ", "))
	}
	return c.way.Start(server)
}

// Next implements smtp.Auth.
func (c *credentials) Next(fromServer []byte, more bool) ([]byte, error) {
	return c.way.Next(fromServer, more)
}

// encodings are the forms in which a password goes to a server.
func encodings(user, password string) []string {
	return []string{
		base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)),
		base64.StdEncoding.EncodeToString([]byte(password)),
		password,
	}
}
