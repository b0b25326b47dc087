// Package ssh declares a machine that is reached by SSH.
package ssh

import (
	"errors"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: host "ssh".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindHost,
		Type:    "ssh",
		Summary: "A machine reached by SSH.",
		New:     func() providers.Config { return &Config{Port: 22} },
	}
}

// Config is the body of the block.
type Config struct {
	Address    string `hcl:"address" doc:"Its name, its IP address, or a Host of ~/.ssh/config."`
	Port       int64  `hcl:"port,optional" doc:"22 when left out."`
	User       string `hcl:"user,optional" doc:"The user to log in as."`
	KeyFile    string `hcl:"key_file,optional" doc:"The file of a private key; the agent and the usual files when left out."`
	KnownHosts string `hcl:"known_hosts,optional" doc:"The file with the keys of known machines; ~/.ssh/known_hosts when left out."`
	Jump       string `hcl:"jump,optional" doc:"A machine to go through: USER@HOST:PORT."`
	Sudo       bool   `hcl:"sudo,optional" doc:"Run commands as root with sudo."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if c.Address == "" {
		return []providers.Problem{{Attribute: "address", Summary: "No address", Detail: "Say which machine."}}
	}
	if c.Port < 1 || c.Port > 65535 {
		return []providers.Problem{{Attribute: "port", Summary: "Invalid port", Detail: "A port is 1 to 65535."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "ssh hosts are not built yet" }

// Host makes the host.
func (c *Config) Host(providers.Environment) (providers.Host, error) {
	return nil, errors.New(c.NotBuilt())
}
