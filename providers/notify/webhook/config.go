// Package webhook declares a URL that messages are posted to.
package webhook

import (
	"net/url"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// The formats.
const (
	formatJSON         = "json"
	formatSlack        = "slack"
	formatHealthchecks = "healthchecks"
)

// Provider is the registry's entry: notify "webhook".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindNotify,
		Type:    "webhook",
		Summary: "A URL that messages are posted to.",
		New:     func() providers.Config { return &Config{Format: formatJSON} },
	}
}

// Config is the body of the block.
type Config struct {
	URL    string `hcl:"url" doc:"Where to: http:// or https://; take it from the environment where it holds a secret."`
	Format string `hcl:"format,optional" doc:"json, slack or healthchecks; json when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	parsed, err := url.Parse(c.URL)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return []providers.Problem{{Attribute: "url", Summary: "Invalid URL", Detail: "Write it whole: https://HOST/PATH."}}
	}
	if !slices.Contains([]string{formatJSON, formatSlack, formatHealthchecks}, c.Format) {
		return []providers.Problem{{Attribute: "format", Summary: "Unknown format", Detail: "The formats are json, slack and healthchecks."}}
	}
	return nil
}
