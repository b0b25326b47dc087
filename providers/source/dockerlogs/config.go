// Package dockerlogs declares the logs of containers to back up.
package dockerlogs

import (
	"errors"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "docker_logs".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "docker_logs",
		Summary: "The logs of containers.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Containers []string            `hcl:"containers" doc:"Names or patterns, such as \"ims_*\"."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Containers) == 0 {
		return []providers.Problem{{Attribute: "containers", Summary: "No containers", Detail: "Name at least one container or pattern."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "docker_logs sources are not built yet" }

// Source makes the source.
func (c *Config) Source(providers.Environment) (providers.Source, error) {
	return nil, errors.New(c.NotBuilt())
}
