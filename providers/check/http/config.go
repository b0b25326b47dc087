// Package http declares that a web service answers as it should.
package http

import (
	"fmt"
	"net/url"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "http".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "http",
		Summary: "The answer of a web service.",
		New:     func() providers.Config { return &Config{Method: "GET"} },
	}
}

// Config is the body of the block.
type Config struct {
	URL        string            `hcl:"url" doc:"What is asked for: http:// or https://."`
	Method     string            `hcl:"method,optional" doc:"GET when left out."`
	Status     []int64           `hcl:"status,optional" doc:"The status codes that are well; 200 to 299 when left out."`
	Headers    map[string]string `hcl:"headers,optional" doc:"Headers to send."`
	Contains   string            `hcl:"contains,optional" doc:"A text that the body must contain."`
	MaxLatency units.Duration    `hcl:"max_latency,optional" doc:"The answer must be there within this."`
}

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
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "http checks are not built yet" }
