// Package redis declares that a Redis server answers, and what it must hold.
package redis

import (
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "redis".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "redis",
		Summary: "A Redis server that answers and holds keys.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Container  string              `hcl:"container,optional" doc:"The container that it runs in."`
	Address    string              `hcl:"address,optional" doc:"HOST:PORT, where it is not in a container."`
	Keys       []string            `hcl:"keys,optional" doc:"Patterns of which each must match a key."`
	MinHitRate int64               `hcl:"min_hit_rate,optional" doc:"The least share of reads that find a key, in percent."`
	MaxLatency units.Duration      `hcl:"max_latency,optional" doc:"A PING must be answered within this."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if (c.Container == "") == (c.Address == "") {
		return []providers.Problem{{Attribute: "container", Summary: "No single place", Detail: "Say where the server is, with either container or address."}}
	}
	if c.MinHitRate < 0 || c.MinHitRate > 100 {
		return []providers.Problem{{Attribute: "min_hit_rate", Summary: "Invalid percentage", Detail: "It is a percentage: 0 to 100."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "redis checks are not built yet" }
