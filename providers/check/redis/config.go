// Package redis checks that a Redis or Valkey server answers, and what it holds.
package redis

import (
	"net"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "redis".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "redis",
		Summary: "A Redis or Valkey server that answers and holds keys.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Container  string              `hcl:"container,optional" doc:"The container that it runs in, in which redis-cli asks it."`
	Address    string              `hcl:"address,optional" doc:"HOST:PORT, where it is not in a container; without TLS."`
	User       string              `hcl:"user,optional" doc:"The ACL user to connect as."`
	Password   string              `hcl:"password,optional" doc:"Its password; take it from the environment: env(\"REDIS_PASSWORD\")."`
	Keys       []string            `hcl:"keys,optional" doc:"Patterns of which each must match a key of database 0."`
	MinHitRate int64               `hcl:"min_hit_rate,optional" doc:"The least share of reads that find a key, in percent, since the server started; not judged before 100 reads."`
	MaxMemory  int64               `hcl:"max_memory,optional" doc:"Warn when more of its maxmemory is used, in percent."`
	MaxLatency units.Duration      `hcl:"max_latency,optional" doc:"A PING must be answered within this; in a container that includes the start of redis-cli."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	if (c.Container == "") == (c.Address == "") {
		problems = append(problems, providers.Problem{Attribute: "container", Summary: "No single place", Detail: "Say where the server is, with either container or address."})
	} else if _, port, err := net.SplitHostPort(c.Address); c.Address != "" && (err != nil || port == "") {
		problems = append(problems, providers.Problem{Attribute: "address", Summary: "Invalid address", Detail: "Write HOST:PORT, such as 10.0.0.1:6379."})
	}
	for name, value := range map[string]int64{"min_hit_rate": c.MinHitRate, "max_memory": c.MaxMemory} {
		if value < 0 || value > 100 {
			problems = append(problems, providers.Problem{Attribute: name, Summary: "Invalid percentage", Detail: "It is a percentage: 0 to 100."})
		}
	}
	return problems
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	made := &check{config: *c, clock: environment.Clock}
	if c.Container != "" {
		host, err := environment.Hosts(c.Host)
		if err != nil {
			return nil, err
		}
		engine, err := environment.Containers(host)
		if err != nil {
			return nil, err
		}
		made.open = func() server { return &program{config: c, in: engine.In(c.Container)} }
		return made, nil
	}
	dialer, err := environment.Dialer(c.Host)
	if err != nil {
		return nil, err
	}
	made.open = func() server { return &connection{config: c, dialer: dialer} }
	return made, nil
}

// check implements providers.Check.
type check struct {
	config Config
	clock  clock.Clock
	// open makes a way to the server, without I/O.
	open func() server
}
