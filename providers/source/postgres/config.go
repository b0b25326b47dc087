// Package postgres backs up a PostgreSQL database with pg_dump.
package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "postgres".
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindSource, Type: "postgres", Summary: "A PostgreSQL database, dumped as SQL text with pg_dump.",
		New: func() providers.Config { return &Config{RowCounts: true} },
	}
}

// Config is the body of the block.
type Config struct {
	Host          providers.Reference `hcl:"host,optional" doc:"The host that pg_dump runs on."`
	URL           string              `hcl:"url" doc:"The database."`
	Tables        []string            `hcl:"tables,optional" doc:"Only these tables."`
	ExcludeTables []string            `hcl:"exclude_tables,optional" doc:"Not these tables."`
	Clean         bool                `hcl:"clean,optional" doc:"Drop before create."`
	IfExists      bool                `hcl:"if_exists,optional" doc:"With clean."`
	NoOwner       bool                `hcl:"no_owner,optional" doc:"No owners."`
	NoPrivileges  bool                `hcl:"no_privileges,optional" doc:"No grants."`
	RowCounts     bool                `hcl:"row_counts,optional" doc:"Count rows."`
}

// Validate implements providers.Config.
func (c *Config) Validate() []providers.Problem {
	if !strings.HasPrefix(c.URL, "postgres://") && !strings.HasPrefix(c.URL, "postgresql://") {
		return []providers.Problem{{Attribute: "url", Summary: "Invalid URL", Detail: "Write postgres://USER:PASSWORD@HOST:PORT/DATABASE."}}
	}
	return nil
}

// Source implements providers.SourceConfig.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	parsed, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("invalid URL")
	}
	return &source{config: *c, host: host, parsed: parsed}, nil
}
