// Package logs declares that old log files should be gone once a backup of them exists.
package logs

import (
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: cleanup "logs".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCleanup,
		Type:    "logs",
		Summary: "Log files behind a backup of them.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host           providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Paths          []string            `hcl:"paths" doc:"The files, as patterns such as \"/var/log/app/*.log.*\"."`
	OlderThan      units.Duration      `hcl:"older_than,optional" doc:"Only what is older than this."`
	RequiresBackup providers.Reference `hcl:"requires_backup" kind:"backup" doc:"Their backup: verified, and younger than they are."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Paths) == 0 {
		return []providers.Problem{{Attribute: "paths", Summary: "No files", Detail: "Name at least one file or pattern."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "cleaning up logs is not built yet" }
