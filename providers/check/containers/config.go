// Package containers checks that containers run and are healthy.
package containers

import (
	"fmt"
	"path"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "containers".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "containers",
		Summary: "Containers that run and are healthy.",
		New:     func() providers.Config { return &Config{MaxRestarts: anyNumber} },
	}
}

// anyNumber stands for a limit that was left out.
const anyNumber = -1

// Config is the body of the block.
type Config struct {
	Host  providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Names []string            `hcl:"names" doc:"Names or patterns, such as \"ims_*\"; each must match a container, and all that match must run and be healthy, where they tell."`

	MaxRestarts int64 `hcl:"max_restarts,optional" doc:"The most restarts since the container was made; any number when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Names) == 0 {
		return []providers.Problem{{Attribute: "names", Summary: "No containers", Detail: "Name at least one container or pattern."}}
	}
	if c.MaxRestarts < anyNumber {
		return []providers.Problem{{Attribute: "max_restarts", Summary: "Invalid count", Detail: fmt.Sprintf("max_restarts is %d; it must be 0 or more.", c.MaxRestarts)}}
	}
	for _, pattern := range c.Names {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return []providers.Problem{{Attribute: "names", Summary: "Invalid pattern", Detail: fmt.Sprintf("%q is no pattern; write a name, or one with * and ?.", pattern)}}
		}
	}
	return nil
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	engine, err := environment.Containers(host)
	if err != nil {
		return nil, err
	}
	return &check{config: *c, engine: engine, clock: environment.Clock}, nil
}

// check implements providers.Check.
type check struct {
	config Config
	engine providers.Containers
	clock  clock.Clock
}
