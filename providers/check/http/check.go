package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// bodyLimit is how much of a body is looked at, in bytes.
const bodyLimit = 1 << 20

// check implements providers.Check.
type check struct {
	config Config
	dialer providers.Dialer
	clock  clock.Clock
	// trust replaces the certificate authorities of the system, in tests; nil for those.
	trust *tls.Config
}

// answer is what a service said.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	latency time.Duration
	expires time.Time
}

// Probe asks as often as is wanted. Each request has a connection of its own, as those of strangers have.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	finding := providers.Finding{Verdict: providers.Passed}
	latencies := make([]time.Duration, 0, c.config.Requests)
	var last answer
	for range c.config.Requests {
		var err error
		if last, err = c.ask(ctx); err != nil {
			return providers.Finding{}, err
		}
		latencies = append(latencies, last.latency)
		if problem := c.problem(last); problem != "" {
			finding.Add(providers.Failed, problem)
			return finding, nil
		}
	}
	c.judgeLatency(&finding, last.status, latencies)
	c.judgeCertificate(&finding, last.expires)
	return finding, nil
}

// ask sends one request and reads the answer.
func (c *check) ask(ctx context.Context) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, c.config.Method, c.config.URL, nil)
	if err != nil {
		return answer{}, fmt.Errorf("asking %s: %w", c.config.URL, err)
	}
	request.Header.Set("User-Agent", "imsctl")
	for name, value := range c.config.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	transport := &http.Transport{DialContext: c.dialer.Dial, DisableKeepAlives: true, TLSClientConfig: c.trust.Clone()}
	defer transport.CloseIdleConnections()
	begun := c.clock.Now()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{}, fmt.Errorf("asking %s: %w", c.public(), withoutURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer of %s: %w", c.public(), err)
	}
	got := answer{status: response.StatusCode, header: response.Header, body: body, latency: c.clock.Now().Sub(begun)}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		got.expires = response.TLS.PeerCertificates[0].NotAfter
	}
	return got, nil
}

// problem says what an answer has that it should not have, or nothing.
func (c *check) problem(got answer) string {
	if !c.isWell(got.status) {
		return fmt.Sprintf("status %d, not %s%s", got.status, c.statuses(), beginning(got.body))
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.ResponseHeaders)) {
		if want, has := c.config.ResponseHeaders[name], got.header.Get(name); has != want {
			return fmt.Sprintf("header %s is %q, not %q", name, has, want)
		}
	}
	if !strings.Contains(string(got.body), c.config.Contains) {
		return fmt.Sprintf("the body does not contain %q%s", c.config.Contains, beginning(got.body))
	}
	if len(c.config.JSON) == 0 {
		return ""
	}
	document, err := parseJSON(got.body)
	if err != nil {
		return fmt.Sprintf("the body is no JSON: %s%s", err, beginning(got.body))
	}
	for _, path := range slices.Sorted(maps.Keys(c.config.JSON)) {
		has, err := valueAt(document, path)
		switch want := c.config.JSON[path]; {
		case err != nil:
			return fmt.Sprintf("%s in the body: %s", path, err)
		case has != want:
			return fmt.Sprintf("%s in the body is %q, not %q", path, has, want)
		}
	}
	return ""
}

func (c *check) isWell(status int) bool {
	if len(c.config.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(c.config.Status, int64(status))
}

func (c *check) statuses() string {
	if len(c.config.Status) == 0 {
		return "200 to 299"
	}
	var texts []string
	for _, status := range c.config.Status {
		texts = append(texts, fmt.Sprint(status))
	}
	return strings.Join(texts, " or ")
}

// judgeLatency holds the 95th percentile (nearest rank) against what is permitted.
func (c *check) judgeLatency(finding *providers.Finding, status int, latencies []time.Duration) {
	slices.Sort(latencies)
	p95 := latencies[(len(latencies)*95+99)/100-1]
	finding.Figure("latency_seconds", p95.Seconds())
	said := fmt.Sprintf("%d in %s", status, rounded(p95))
	if len(latencies) > 1 {
		said = fmt.Sprintf("%d, 95 of 100 requests within %s", status, rounded(p95))
	}
	if limit := c.config.MaxLatency.Std(); limit > 0 && p95 > limit {
		finding.Add(providers.Failed, said+", not within "+c.config.MaxLatency.String())
		return
	}
	finding.Add(providers.Passed, said)
}

func (c *check) judgeCertificate(finding *providers.Finding, expires time.Time) {
	if expires.IsZero() {
		return
	}
	days := expires.Sub(c.clock.Now()).Hours() / 24
	finding.Figure("certificate_days", days)
	if days < float64(c.config.CertificateDays) {
		finding.Add(providers.Warned, fmt.Sprintf("the certificate expires on %s, in %.0f days", expires.UTC().Format(time.DateOnly), days))
	}
}

// public is the URL without a password or a token in its query.
func (c *check) public() string {
	parsed, err := url.Parse(c.config.URL)
	if err != nil {
		return "the URL"
	}
	parsed.RawQuery = ""
	return parsed.Redacted()
}

// withoutURL takes from an error of net/http the URL that it repeats.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// rounded is a duration with three digits at most.
func rounded(span time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if span >= unit {
			return span.Round(unit / 100)
		}
	}
	return span
}

// beginning is the first line of a body, shortened, as the end of a sentence.
func beginning(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if line == "" {
		return ""
	}
	const most = 100
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return fmt.Sprintf(": %q", line)
}
