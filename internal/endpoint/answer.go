package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// longestMessage is how much of what a server says is repeated, in bytes.
const longestMessage = 300

// Quote repeats what a server or a client says, on one line and of bounded length. Secrets are struck out before.
func Quote(said string) string {
	said = strings.Join(strings.Fields(said), " ")
	if len(said) <= longestMessage {
		return said
	}
	return strings.ToValidUTF8(said[:longestMessage], "") + "…"
}

// IsBroken reports whether an error means that a connection could not be made, broke or was silent for too long. A server that
// cannot prove who it is will not do so at the next attempt either.
func IsBroken(err error) bool {
	if stranger := new(tls.CertificateVerificationError); errors.As(err, &stranger) {
		return false
	}
	var network net.Error
	var request *url.Error
	return errors.As(err, &network) || errors.As(err, &request) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, context.DeadlineExceeded)
}

// IsBusy reports whether the status of an answer means that the server could not, and may later.
func IsBusy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}
