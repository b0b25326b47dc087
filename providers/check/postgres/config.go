// Package postgres declares that a PostgreSQL database answers a query as it should.
package postgres

import (
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "postgres".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "postgres",
		Summary: "A PostgreSQL database that answers.",
		New:     func() providers.Config { return &Config{Query: "select 1", MaxLag: 0} },
	}
}

// Config is the body of the block.
type Config struct {
	Source         providers.Reference `hcl:"source" kind:"source" doc:"The database, a source \"postgres\"."`
	Query          string              `hcl:"query,optional" doc:"What is asked; select 1 when left out."`
	Expect         string              `hcl:"expect,optional" doc:"The first column of the first row, as text; anything when left out."`
	MaxLag         units.Duration      `hcl:"max_lag,optional" doc:"The most that a replica may be behind."`
	MaxConnections int64               `hcl:"max_connections,optional" doc:"The most connections, in percent of what the server allows."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if c.MaxConnections < 0 || c.MaxConnections > 100 {
		return []providers.Problem{{Attribute: "max_connections", Summary: "Invalid percentage", Detail: "It is a percentage: 0 to 100."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "postgres checks are not built yet" }
