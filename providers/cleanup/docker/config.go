// Package docker declares that what Docker keeps and nothing uses should be gone.
package docker

import (
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: cleanup "docker".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCleanup,
		Type:    "docker",
		Summary: "Images, containers, networks and build cache that nothing uses.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host      providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	OlderThan units.Duration      `hcl:"older_than,optional" doc:"Only what is older than this."`
	Volumes   []string            `hcl:"volumes,optional" doc:"Volumes to remove too, by name; none otherwise."`
	When      *When               `hcl:"when,block" doc:"Only in this case."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if c.When != nil && (c.When.DiskAbove < 1 || c.When.DiskAbove > 99) {
		return []providers.Problem{{Attribute: "when.disk_above", Summary: "Invalid percentage", Detail: "It is a percentage: 1 to 99."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "cleaning up after Docker is not built yet" }

// When is a condition.
type When struct {
	DiskAbove int64 `hcl:"disk_above" doc:"More than this of the disk is used, in percent."`
}
