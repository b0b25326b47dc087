package smtp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"

	"github.com/castrolanda/imsctl/providers"
)

// How much of a notice is mailed, in bytes.
const (
	subjectLimit = 250
	bodyLimit    = 200_000
)

// message is the notice as mail, headers and body. The same notice has the same Message-ID, so that mailboxes can tell when it came twice.
func (n *notifier) message(notice providers.Notice) ([]byte, error) {
	document, err := notice.JSON()
	if err != nil {
		return nil, err
	}
	made := mail.NewMsg(mail.WithNoDefaultUserAgent())
	made.FromMailAddress(n.from)
	made.ToMailAddress(n.to...)
	made.Subject(cut(oneLine(notice.Subject), subjectLimit))
	made.SetDateWithValue(notice.Time)
	_, domain, _ := strings.Cut(n.from.Address, "@")
	digest := sha256.Sum256(append(document, n.config.From+"\n"+strings.Join(n.config.To, "\n")...))
	made.SetMessageIDWithValue(hex.EncodeToString(digest[:16]) + "@" + domain)
	// Nobody's holiday is to be told of by an answer (RFC 3834).
	made.SetGenHeader("Auto-Submitted", "auto-generated")
	made.SetGenHeader("X-Imsctl-Event", string(notice.Event))
	if notice.Severity == providers.SeverityError {
		made.SetImportance(mail.ImportanceHigh)
	}
	made.SetBodyString(mail.TypeTextPlain, body(notice))
	var written bytes.Buffer
	if _, err := made.WriteTo(&written); err != nil {
		return nil, fmt.Errorf("writing the mail: %w", err)
	}
	return written.Bytes(), nil
}

// body is what people read: what happened, the whole of it, and the end of the log.
func body(notice providers.Notice) string {
	parts := []string{notice.Subject}
	if notice.Text != "" {
		parts = append(parts, notice.Text)
	}
	if len(notice.Log) > 0 {
		parts = append(parts, "The last lines of the run:\n"+strings.Join(notice.Log, "\n"))
	}
	text := strings.ToValidUTF8(cut(strings.Join(parts, "\n\n"), bodyLimit), "\uFFFD")
	text += fmt.Sprintf("\n\n-- \nimsctl %s on %s, %s\n", notice.Run, notice.Host, notice.Time.UTC().Format("2006-01-02 15:04 UTC"))
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\r\n")
}

// oneLine is a text without what could begin another header.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// cut is the beginning of a text, without half a character at its end.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
