// Package http checks that a web service answers as it should.
package http

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "http".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "http",
		Summary: "The answer of a web service.",
		New:     func() providers.Config { return &Config{Method: http.MethodGet, Requests: 1} },
	}
}

// Config is the body of the block.
type Config struct {
	Host            providers.Reference `hcl:"host,optional" doc:"The host from which it is asked; the machine imsctl runs on when left out. Names in the URL mean what they mean there."`
	URL             string              `hcl:"url" doc:"What is asked for: http:// or https://. Redirects are answers and are not followed."`
	Method          string              `hcl:"method,optional" doc:"GET when left out."`
	Status          []int64             `hcl:"status,optional" doc:"The status codes that are well; 200 to 299 when left out."`
	Headers         map[string]string   `hcl:"headers,optional" doc:"Headers to send."`
	ResponseHeaders map[string]string   `hcl:"response_headers,optional" doc:"Headers that the answer must have, with these values."`
	Contains        string              `hcl:"contains,optional" doc:"A text that the first MiB of the body must contain."`
	JSON            map[string]string   `hcl:"json,optional" doc:"What the body must say, as JSON: paths such as \"database.replicas.0.state\", and the value there as text."`
	MaxLatency      units.Duration      `hcl:"max_latency,optional" doc:"The answer must be there within this; of several requests, 95 of 100."`
	Requests        int64               `hcl:"requests,optional" doc:"How often it is asked, one time after the other, to measure the latency; once when left out."`
	CertificateDays int64               `hcl:"certificate_days,optional" doc:"Warn when the certificate expires in fewer days than this."`
}

// mostRequests is how often a service may be asked in one probe.
const mostRequests = 1000

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	parsed, err := url.Parse(c.URL)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return []providers.Problem{{Attribute: "url", Summary: "Invalid URL", Detail: "Write it whole: http://HOST:PORT/PATH."}}
	}
	for _, status := range c.Status {
		if status < 100 || status > 599 {
			return []providers.Problem{{Attribute: "status", Summary: "Invalid status", Detail: fmt.Sprintf("%d is no HTTP status; they are 100 to 599.", status)}}
		}
	}
	if c.Requests < 1 || c.Requests > mostRequests {
		return []providers.Problem{{Attribute: "requests", Summary: "Invalid count", Detail: fmt.Sprintf("requests is %d; it must be 1 to %d.", c.Requests, mostRequests)}}
	}
	if c.CertificateDays < 0 || c.CertificateDays > 0 && parsed.Scheme != "https" {
		return []providers.Problem{{Attribute: "certificate_days", Summary: "No certificate", Detail: "certificate_days is a positive number, and its url begins with https://."}}
	}
	if _, err := http.NewRequest(c.Method, c.URL, nil); err != nil || c.Method != strings.ToUpper(c.Method) {
		return []providers.Problem{{Attribute: "method", Summary: "Invalid method", Detail: fmt.Sprintf("%q is no method of HTTP; write GET, HEAD or POST.", c.Method)}}
	}
	return nil
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	dialer, err := environment.Dialer(c.Host)
	if err != nil {
		return nil, err
	}
	return &check{config: *c, dialer: dialer, clock: environment.Clock}, nil
}
