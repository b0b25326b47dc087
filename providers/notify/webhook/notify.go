package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/providers"
)

// Notifier makes what posts to the URL.
func (c *Config) Notifier(providers.Environment) (providers.Notifier, error) {
	return &notifier{config: *c, client: &http.Client{
		// A webhook is the URL that was declared. What another one does with the notice, nobody has decided.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// notifier implements providers.Starting.
type notifier struct {
	config Config
	client *http.Client
}

// HearsStarts implements providers.Starting: healthchecks.io measures from there.
func (n *notifier) HearsStarts() bool { return n.config.Format == formatHealthchecks }

// Notify posts one notice.
func (n *notifier) Notify(ctx context.Context, notice providers.Notice) error {
	address, contentType, body, err := n.message(notice)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("posting to the webhook: its URL cannot be used")
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "imsctl")
	response, err := n.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: posting to the webhook: %w", providers.ErrTemporary, withoutURL(err))
	}
	defer response.Body.Close()
	// Read, so that the connection can be used again; it says nothing that is of use.
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	return judge(response.StatusCode)
}

// judge says what a status means.
func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fmt.Errorf("%w: the webhook answered with status %d", providers.ErrTemporary, status)
	case status >= 300 && status < 400:
		return fmt.Errorf("the webhook answered with status %d, which sends to another URL: declare that one", status)
	}
	return fmt.Errorf("the webhook answered with status %d", status)
}

// withoutURL is an error of a client without the URL, which may hold a secret.
func withoutURL(err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		return whole.Err
	}
	return err
}

// message is what is posted, and where to.
func (n *notifier) message(notice providers.Notice) (address, contentType string, body []byte, err error) {
	switch n.config.Format {
	case formatSlack:
		body, err = slackBody(notice)
		return n.config.URL, "application/json", body, err
	case formatHealthchecks:
		address, err = pingAddress(n.config.URL, notice)
		return address, "text/plain; charset=utf-8", pingBody(notice), err
	}
	body, err = notice.JSON()
	return n.config.URL, "application/json", body, err
}

// slackLimit is how many bytes of a text are posted to Slack, which cuts longer ones itself.
const slackLimit = 3000

// slackBody is the notice as an incoming webhook of Slack takes it.
func slackBody(notice providers.Notice) ([]byte, error) {
	marks := map[providers.Severity]string{
		providers.SeverityInfo: ":white_check_mark:", providers.SeverityWarning: ":warning:", providers.SeverityError: ":rotating_light:",
	}
	text := fmt.Sprintf("%s *%s*", marks[notice.Severity], escape(notice.Subject))
	if notice.Text != "" {
		text += "\n" + escape(cut(notice.Text, slackLimit))
	}
	text += fmt.Sprintf("\n_imsctl %s on %s_", escape(notice.Run), escape(notice.Host))
	body, err := json.Marshal(map[string]string{"text": strings.ToValidUTF8(text, "\uFFFD")})
	if err != nil {
		return nil, fmt.Errorf("writing the message for Slack: %w", err)
	}
	return body, nil
}

// escape covers the three characters that Slack reads as markup of its own.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// cut is the beginning of a text, without half a character at its end.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// pingAddress is the URL of a check at healthchecks.io, with what the notice means for it behind it. What is neither good nor
// bad for the run as a whole is logged there and changes nothing.
func pingAddress(base string, notice providers.Notice) (string, error) {
	suffix := "log"
	switch {
	case notice.Event == providers.EventStart:
		suffix = "start"
	case notice.Event == providers.EventSuccess:
		return base, nil
	case notice.Severity == providers.SeverityError:
		suffix = "fail"
	}
	parsed, err := url.Parse(base)
	if err != nil {
		return "", errors.New("posting to the webhook: its URL cannot be used")
	}
	return parsed.JoinPath(suffix).String(), nil
}

// pingLimit is how many bytes of a body healthchecks.io keeps.
const pingLimit = 100_000

// pingBody is the notice with the log tail.
func pingBody(notice providers.Notice) []byte {
	parts := []string{notice.Subject}
	if notice.Text != "" {
		parts = append(parts, notice.Text)
	}
	if len(notice.Log) > 0 {
		parts = append(parts, strings.Join(notice.Log, "\n"))
	}
	return []byte(cut(strings.Join(parts, "\n\n")+"\n", pingLimit))
}
