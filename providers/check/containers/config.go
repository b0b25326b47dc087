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
		New:     func() providers.Config { return &Config{MaxRestarts: anyNumber, Drift: driftWarns} },
	}
}

// anyNumber stands for a limit that was left out.
const anyNumber = -1

// Config is the body of the block.
type Config struct {
	Host  providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Names []string            `hcl:"names,optional" doc:"Names or patterns, such as \"ims_*\"; each must match a container, and all that match must run and be healthy, where they tell."`

	Compose string   `hcl:"compose,optional" doc:"The path of a compose file on the host: each of its services must have its containers, which must run and be healthy. It is read there by docker compose."`
	Project string   `hcl:"project,optional" doc:"The name of the compose project; the one that compose finds when left out."`
	Except  []string `hcl:"except,optional" doc:"Services or containers that are left alone, as names or patterns: jobs that run once and end."`
	Drift   string   `hcl:"drift,optional" doc:"What is made of containers that run another image than their name, or the compose file, means now, and of those that it does not declare: \"fail\", \"warn\" or \"ignore\"; warn when left out."`

	MaxRestarts int64 `hcl:"max_restarts,optional" doc:"The most restarts since the container was made; any number when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Names) == 0 && c.Compose == "" {
		return []providers.Problem{{Attribute: "names", Summary: "No containers", Detail: "Name at least one container or pattern, or a compose file."}}
	}
	if c.Compose != "" && !path.IsAbs(c.Compose) {
		return []providers.Problem{{Attribute: "compose", Summary: "Invalid path", Detail: fmt.Sprintf("%q is not absolute; write one such as \"/srv/app/compose.yaml\".", c.Compose)}}
	}
	if c.Project != "" && c.Compose == "" {
		return []providers.Problem{{Attribute: "project", Summary: "No compose file", Detail: "A project says under which name the services of a compose file run: name that file with compose."}}
	}
	if c.Drift != driftFails && c.Drift != driftWarns && c.Drift != driftIgnored {
		return []providers.Problem{{Attribute: "drift", Summary: "Invalid drift", Detail: fmt.Sprintf("drift is %q; it must be \"fail\", \"warn\" or \"ignore\".", c.Drift)}}
	}
	if c.MaxRestarts < anyNumber {
		return []providers.Problem{{Attribute: "max_restarts", Summary: "Invalid count", Detail: fmt.Sprintf("max_restarts is %d; it must be 0 or more.", c.MaxRestarts)}}
	}
	for _, patterns := range []struct {
		attribute string
		list      []string
	}{{"names", c.Names}, {"except", c.Except}} {
		for _, pattern := range patterns.list {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				return []providers.Problem{{Attribute: patterns.attribute, Summary: "Invalid pattern", Detail: fmt.Sprintf("%q is no pattern; write a name, or one with * and ?.", pattern)}}
			}
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
	return &check{config: *c, host: host, engine: engine, clock: environment.Clock}, nil
}

// check implements providers.Check.
type check struct {
	config Config
	host   providers.Runner
	engine providers.Containers
	clock  clock.Clock
}
