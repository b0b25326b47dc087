// Package tcp declares that a port accepts connections.
package tcp

import (
	"net"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "tcp".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "tcp",
		Summary: "A port that accepts connections.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Address    string         `hcl:"address" doc:"HOST:PORT."`
	MaxLatency units.Duration `hcl:"max_latency,optional" doc:"The connection must stand within this."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
		return []providers.Problem{{Attribute: "address", Summary: "Invalid address", Detail: "Write HOST:PORT, such as 10.0.0.1:5432."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "tcp checks are not built yet" }
