// Package containers declares that containers run and are healthy.
package containers

import (
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "containers".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "containers",
		Summary: "Containers that run and are healthy.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host        providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Names       []string            `hcl:"names" doc:"Names or patterns, such as \"ims_*\"; each must match one that runs."`
	MaxRestarts int64               `hcl:"max_restarts,optional" doc:"The most restarts since the container was made; any number when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Names) == 0 {
		return []providers.Problem{{Attribute: "names", Summary: "No containers", Detail: "Name at least one container or pattern."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "containers checks are not built yet" }
