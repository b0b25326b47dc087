// Package docker removes what a container engine keeps and nothing uses: containers that ended, images, networks and build cache,
// and volumes only where they are named.
//
// # What is unused
//
// A container, when it does not run. An image, when no container that stays was made from it, nor another image that stays. A network,
// when no container that stays is in it, running or not. A record of the build cache, when no build uses it and no record that
// stays was made from it. All that a release of a deploy needs stays: who goes back to it must find its images, containers
// and networks as they were.
//
// # Its age
//
// The engine does not record when an image was last used. What it knows is when it was made and when it last got a name here, by a pull, a
// build or a tag; the later one counts. A container's age is that since it ended, or was made where it never ran, that of build cache
// since it was last used, that of a network or volume since it was made.
//
// # Removing
//
// Everything is removed by itself, by its identification, after a look at whether it is still unused and as old; no "prune" that
// takes what it finds. The API has no other way for build cache than a pruning, which is told one identification.
package docker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: cleanup "docker".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCleanup,
		Type:    "docker",
		Summary: "Containers, images, networks and build cache that nothing uses.",
		New:     func() providers.Config { return &Config{OlderThan: units.Duration(usualAge)} },
	}
}

// usualAge is how old something is that is removed, where nothing else is said.
const usualAge = 7 * 24 * time.Hour

// Config is the body of the block.
type Config struct {
	Host      providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	OlderThan units.Duration      `hcl:"older_than,optional" doc:"Only what is older than this; \"7d\" when left out."`
	Volumes   []string            `hcl:"volumes,optional" doc:"Volumes to remove too, by name, with what is in them; none otherwise."`
	When      *When               `hcl:"when,block" doc:"Only in this case."`
}

// When is a condition.
type When struct {
	DiskAbove int64 `hcl:"disk_above" doc:"More than this of the disk that Docker keeps its data on is used, in percent."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	if c.When != nil && (c.When.DiskAbove < 1 || c.When.DiskAbove > 99) {
		problems = append(problems, providers.Problem{Attribute: "when.disk_above", Summary: "Invalid percentage", Detail: "It is a percentage: 1 to 99."})
	}
	for i, name := range c.Volumes {
		switch {
		case name == "" || strings.ContainsAny(name, "*?[]/ "):
			problems = append(problems, providers.Problem{Attribute: "volumes", Summary: "Invalid name of a volume",
				Detail: fmt.Sprintf("%q is no name of a volume. A volume is removed only where it is named in full: a pattern could mean one more tomorrow.", name)})
		case slices.Contains(c.Volumes[:i], name):
			problems = append(problems, providers.Problem{Attribute: "volumes", Summary: "Named twice", Detail: fmt.Sprintf("The volume %s is named twice.", name)})
		}
	}
	return problems
}

// Cleaner makes what cleans up.
func (c *Config) Cleaner(environment providers.Environment) (providers.Cleaner, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	containers, err := environment.ContainersOn(host)
	if err != nil {
		return nil, err
	}
	engine, ok := containers.(providers.Stockkeeper)
	if !ok {
		return nil, fmt.Errorf("the container engine on %s does not tell what it keeps", host.Name())
	}
	made := &cleaner{config: *c, host: host, engine: engine, clock: environment.Clock}
	for _, deploy := range environment.Deploys {
		// On whichever host: two blocks can be ways to one machine, and to keep too much does no harm.
		made.folders = append(made.folders, deploy.Path)
		if deploy.Project != "" {
			made.projects = append(made.projects, deploy.Project)
		}
	}
	return made, nil
}

// Guard implements providers.CleanupConfig: no backup is asked for.
func (*Config) Guard() providers.CleanupGuard { return providers.CleanupGuard{} }

// Uncovered implements providers.CleanupConfig.
func (*Config) Uncovered(providers.SourceConfig, providers.Environment) string { return "" }

// Removes implements providers.CleanupConfig: what the engine has is in no folder that anybody else uses.
func (*Config) Removes(providers.Environment) []providers.Occupied { return nil }
