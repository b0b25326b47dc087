// Package tcp checks that a port accepts connections.
package tcp

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "tcp".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "tcp",
		Summary: "A port that accepts connections.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host from which it is reached; the machine imsctl runs on when left out."`
	Address    string              `hcl:"address" doc:"HOST:PORT."`
	MaxLatency units.Duration      `hcl:"max_latency,optional" doc:"The connection must stand within this."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
		return []providers.Problem{{Attribute: "address", Summary: "Invalid address", Detail: "Write HOST:PORT, such as 10.0.0.1:5432."}}
	}
	return nil
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	dialer, err := environment.Dialer(c.Host)
	if err != nil {
		return nil, err
	}
	return &check{config: *c, dialer: dialer, clock: environment.Clock}, nil
}

// check implements providers.Check.
type check struct {
	config Config
	dialer providers.Dialer
	clock  clock.Clock
}

// Probe connects and hangs up.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	begun := c.clock.Now()
	connection, err := c.dialer.Dial(ctx, "tcp", c.config.Address)
	if err != nil {
		return providers.Finding{}, fmt.Errorf("connecting to %s: %w", c.config.Address, err)
	}
	took := c.clock.Now().Sub(begun)
	if err := connection.Close(); err != nil {
		return providers.Finding{}, fmt.Errorf("closing the connection to %s: %w", c.config.Address, err)
	}
	finding := providers.Finding{Verdict: providers.Passed, Summary: fmt.Sprintf("connected in %s", took.Round(10*time.Microsecond))}
	finding.Figure("latency_seconds", took.Seconds())
	if limit := c.config.MaxLatency.Std(); limit > 0 && took > limit {
		finding.Add(providers.Failed, "not within "+c.config.MaxLatency.String())
	}
	return finding, nil
}
