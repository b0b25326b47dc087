// Package redis declares a Redis database to back up as an RDB file.
package redis

import (
	"errors"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "redis".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "redis",
		Summary: "A Redis database, as an RDB file.",
		New:     func() providers.Config { return &Config{} },

		Database: true,
	}
}

// Config is the body of the block.
type Config struct {
	Host      providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Container string              `hcl:"container,optional" doc:"The container that it runs in."`
	Address   string              `hcl:"address,optional" doc:"HOST:PORT, where it is not in a container."`
	User      string              `hcl:"user,optional" doc:"The ACL user to connect as."`
	Password  string              `hcl:"password,optional" doc:"Its password; take it from the environment: env(\"REDIS_PASSWORD\")."`
	TLS       bool                `hcl:"tls,optional" doc:"Connect with TLS."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if (c.Container == "") == (c.Address == "") {
		return []providers.Problem{{Attribute: "container", Summary: "No single place", Detail: "Say where the server is, with either container or address."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "redis sources are not built yet" }

// Source makes the source.
func (c *Config) Source(providers.Environment) (providers.Source, error) {
	return nil, errors.New(c.NotBuilt())
}
