package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

// service answers: /status/N with that status, /json with a document, /echo with the header X-Echo, /redirect with a redirect.
func service(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/status/"):
		var status int
		fmt.Sscanf(path, "/status/%d", &status)
		w.WriteHeader(status)
		fmt.Fprintln(w, "said with it")
	case path == "/json":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"ok","count":12.50,"deep":{"list":[{"up":true},{"up":false}],"none":null}}`)
	case path == "/echo":
		fmt.Fprintln(w, r.Header.Get("X-Echo"), r.Host)
	case path == "/redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}
}

func newCheck(t *testing.T, config Config, at clock.Clock) *check {
	t.Helper()
	if config.Method == "" {
		config.Method = http.MethodGet
	}
	if config.Requests == 0 {
		config.Requests = 1
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	made, err := config.Check(providers.Environment{Clock: at, Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*check)
}

func TestProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(service))
	defer server.Close()
	for name, test := range map[string]struct {
		config  Config
		path    string
		verdict providers.Verdict
		summary string
	}{
		"well":                     {Config{}, "/", providers.Passed, "200 in 0s"},
		"another status":           {Config{}, "/status/503", providers.Failed, `status 503, not 200 to 299: "said with it"`},
		"a status that is wanted":  {Config{Status: []int64{503, 302}}, "/status/503", providers.Passed, "503 in 0s"},
		"a status of several":      {Config{Status: []int64{200, 302}}, "/status/500", providers.Failed, `status 500, not 200 or 302: "said with it"`},
		"a redirect is an answer":  {Config{Status: []int64{302}}, "/redirect", providers.Passed, "302 in 0s"},
		"headers are sent":         {Config{Headers: map[string]string{"X-Echo": "hello", "Host": "ims"}, Contains: "hello ims"}, "/echo", providers.Passed, "200 in 0s"},
		"a text that is not there": {Config{Contains: "bye"}, "/echo", providers.Failed, `the body does not contain "bye"`},
		"a header":                 {Config{ResponseHeaders: map[string]string{"content-type": "application/json"}}, "/json", providers.Passed, "200 in 0s"},
		"another header":           {Config{ResponseHeaders: map[string]string{"X-A": "b"}}, "/json", providers.Failed, `header X-A is "", not "b"`},
		"JSON": {Config{JSON: map[string]string{"status": "ok", "count": "12.50", "deep.list.1.up": "false", "deep.none": "null", "deep.list.0": `{"up":true}`}},
			"/json", providers.Passed, "200 in 0s"},
		"another value":   {Config{JSON: map[string]string{"status": "down"}}, "/json", providers.Failed, `status in the body is "ok", not "down"`},
		"no such member":  {Config{JSON: map[string]string{"deep.x": "1"}}, "/json", providers.Failed, `deep.x in the body: there is no member "x"`},
		"no such element": {Config{JSON: map[string]string{"deep.list.2": "1"}}, "/json", providers.Failed, `there is no element "2" of the 2`},
		"no way down":     {Config{JSON: map[string]string{"status.x": "1"}}, "/json", providers.Failed, "neither an object nor a list"},
		"no JSON":         {Config{JSON: map[string]string{"a": "1"}, Status: []int64{200}}, "/status/200", providers.Failed, "the body is no JSON"},
		"several":         {Config{Requests: 20}, "/", providers.Passed, "200, 95 of 100 requests within 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.URL = server.URL + test.path
			finding, err := newCheck(t, test.config, clock.NewManual(time.Unix(0, 0))).Probe(t.Context())
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
}

// ticking moves on by a step each time it is asked.
type ticking struct {
	*clock.Manual
	steps []time.Duration
}

func (c *ticking) Now() time.Time {
	now := c.Manual.Now()
	if len(c.steps) > 0 {
		c.Advance(c.steps[0])
		c.steps = c.steps[1:]
	}
	return now
}

func TestLatency(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(service))
	defer server.Close()
	// Each request asks the time twice; 19 of 20 take 10 ms, one takes 3 s.
	var steps []time.Duration
	for i := range 20 {
		took := 10 * time.Millisecond
		if i == 3 {
			took = 3 * time.Second
		}
		steps = append(steps, took, 0)
	}
	limit := units.Duration(time.Second)
	finding, err := newCheck(t, Config{URL: server.URL, Requests: 20, MaxLatency: limit}, &ticking{clock.NewManual(time.Unix(0, 0)), steps}).Probe(t.Context())
	if err != nil || finding.Verdict != providers.Passed || finding.Figures["latency_seconds"] != 0.01 {
		t.Errorf("one slow request of 20: %v, got %+v", err, finding)
	}
	finding, err = newCheck(t, Config{URL: server.URL, MaxLatency: limit}, &ticking{clock.NewManual(time.Unix(0, 0)), steps[6:]}).Probe(t.Context())
	if err != nil || finding.Verdict != providers.Failed || finding.Summary != "200 in 3s, not within 1s" {
		t.Errorf("one slow request of one: %v, got %+v", err, finding)
	}
}

func TestCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(service))
	defer server.Close()
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	expires := server.Certificate().NotAfter
	probe := func(now time.Time, trust *tls.Config) (providers.Finding, error) {
		check := newCheck(t, Config{URL: server.URL, CertificateDays: 14}, clock.NewManual(now))
		check.trust = trust
		return check.Probe(t.Context())
	}
	trusting := &tls.Config{RootCAs: authorities}
	if finding, err := probe(expires.AddDate(0, 0, -20), trusting); err != nil || finding.Verdict != providers.Passed {
		t.Errorf("20 days before: %v, got %+v", err, finding)
	}
	finding, err := probe(expires.AddDate(0, 0, -10), trusting)
	if err != nil || finding.Verdict != providers.Warned || !strings.Contains(finding.Summary, "in 10 days") {
		t.Errorf("10 days before: %v, got %+v", err, finding)
	}
	if _, err := probe(time.Now(), nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	check := newCheck(t, Config{URL: "http://user:hunter2@localhost:1/?token=hunter2"}, clock.System{})
	_, err := check.Probe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := newCheck(t, Config{URL: server.URL}, clock.System{}).Probe(ctx); err == nil {
		t.Error("a request that was given up has passed")
	}
}

func TestValidate(t *testing.T) {
	for attribute, config := range map[string]Config{
		"url":              {URL: "localhost:80", Method: "GET", Requests: 1},
		"status":           {URL: "http://a", Method: "GET", Requests: 1, Status: []int64{99}},
		"requests":         {URL: "http://a", Method: "GET", Requests: 0},
		"certificate_days": {URL: "http://a", Method: "GET", Requests: 1, CertificateDays: 3},
		"method":           {URL: "http://a", Method: "g e t", Requests: 1},
	} {
		if problems := config.Validate(); len(problems) != 1 || problems[0].Attribute != attribute {
			t.Errorf("%s: got %v", attribute, problems)
		}
	}
}

func FuzzValueAt(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":null}]}`), "a.0.b")
	f.Add([]byte(`[1,"x"]`), "1")
	f.Add([]byte(`{"":{"":1e999}}`), ".")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		document, err := parseJSON(body)
		if err != nil {
			return
		}
		if value, err := valueAt(document, path); err != nil && value != "" {
			t.Errorf("%q with %v", value, err)
		}
	})
}
