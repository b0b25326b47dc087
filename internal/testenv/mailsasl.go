package testenv

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"

	gosmtp "github.com/emersion/go-smtp"
)

// cramMD5 implements sasl.Server: a challenge, and its keyed digest (RFC 2195).
type cramMD5 struct {
	asked bool
	check func(user, password string) error
}

const mailChallenge = "<1.2@localhost>"

// Next implements sasl.Server.
func (c *cramMD5) Next(response []byte) ([]byte, bool, error) {
	if !c.asked {
		c.asked = true
		return []byte(mailChallenge), false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	keyed := hmac.New(md5.New, []byte(MailPassword))
	keyed.Write([]byte(mailChallenge))
	if digest != hex.EncodeToString(keyed.Sum(nil)) {
		return nil, true, gosmtp.ErrAuthFailed
	}
	return nil, true, c.check(user, MailPassword)
}

// saslLogin implements sasl.Server: it asks for the one, and then for the other.
type saslLogin struct {
	asked int
	user  string
	check func(user, password string) error
}

// Next implements sasl.Server.
func (l *saslLogin) Next(response []byte) ([]byte, bool, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}
