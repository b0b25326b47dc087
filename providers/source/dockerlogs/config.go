// Package dockerlogs backs up the logs of containers as a tar archive: what they have said since the last artifact, in whole.
//
// # The archive
//
// Each container has a folder of its name, with stdout.log and stderr.log in it; one that has said nothing new has an empty one.
// Every line stands behind the engine's own time of it. Of what does not fit into 8 MiB the rest follows in stdout.2.log,
// stdout.3.log and so on, cut between lines, so that the length of every file is known before it is written and nothing is kept on
// a disk in between.
//
// # Going on
//
// A position holds, for each container by its identification and for each of its two streams, the time of the last message that
// was read and how many had exactly that time. The engine writes each stream of a container in one order, so that this message is
// where the next reading begins. The times are the engine's, and no other clock takes part. A container that was made again has
// another identification and is read from its beginning.
package dockerlogs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "docker_logs".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "docker_logs",
		Summary: "The logs of containers.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Containers []string            `hcl:"containers" doc:"Names or patterns, such as \"ims_*\"."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Containers) == 0 {
		return []providers.Problem{{Attribute: "containers", Summary: "No containers", Detail: "Name at least one container or pattern."}}
	}
	var problems []providers.Problem
	for _, pattern := range c.Containers {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			problems = append(problems, providers.Problem{Attribute: "containers", Summary: "Invalid pattern",
				Detail: fmt.Sprintf("%q is no name of a container and no pattern of names: * stands for any text, ? for a character, [ab] for one of several.", pattern)})
		}
	}
	return problems
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	containers, err := environment.ContainersOn(host)
	if err != nil {
		return nil, err
	}
	return &source{host: host.Name(), containers: containers, patterns: c.Containers}, nil
}

// Claim implements providers.Claimed.
func (c *Config) Claim(providers.Environment) providers.Claim {
	return providers.Claim{Host: c.Host, What: "the logs of " + strings.Join(slices.Compact(slices.Sorted(slices.Values(c.Containers))), ", ")}
}

// LogsOf implements providers.LogHolding.
func (c *Config) LogsOf() (providers.Reference, []string) { return c.Host, c.Containers }

// Spans implements providers.LogHolding.
func (*Config) Spans(text string) ([]providers.LogSpan, error) {
	ended, err := parsePosition(text)
	if err != nil {
		return nil, err
	}
	return ended.spans(), nil
}
