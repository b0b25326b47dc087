package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// fewestReads is how many reads a hit rate is judged from.
const fewestReads = 100

// server is a way to ask a server.
type server interface {
	// ping asks for a sign of life.
	ping(ctx context.Context) error
	// info returns the answer of INFO: lines of "name:value", and titles.
	info(ctx context.Context) (string, error)
	// holds reports whether a key matches a pattern.
	holds(ctx context.Context, pattern string) (bool, error)
	close() error
}

// Probe asks for a sign of life, and for what else is wanted.
func (c *check) Probe(ctx context.Context) (finding providers.Finding, err error) {
	server := c.open()
	defer func() { err = errors.Join(err, server.close()) }()
	// The connection is made by the first question, which is not measured.
	told, err := server.info(ctx)
	if err != nil {
		return providers.Finding{}, err
	}
	begun := c.clock.Now()
	if err := server.ping(ctx); err != nil {
		return providers.Finding{}, err
	}
	latency := c.clock.Now().Sub(begun)
	finding.Verdict = providers.Passed
	finding.Figure("latency_seconds", latency.Seconds())
	said := fmt.Sprintf("PONG in %s", latency.Round(10*time.Microsecond))
	if limit := c.config.MaxLatency.Std(); limit > 0 && latency > limit {
		finding.Add(providers.Failed, said+", not within "+c.config.MaxLatency.String())
	} else {
		finding.Add(providers.Passed, said)
	}
	facts := parseInfo(told)
	c.judgeHitRate(&finding, facts)
	c.judgeMemory(&finding, facts)
	return finding, c.judgeKeys(ctx, server, &finding)
}

func (c *check) judgeHitRate(finding *providers.Finding, facts map[string]float64) {
	hits, reads := facts["keyspace_hits"], facts["keyspace_hits"]+facts["keyspace_misses"]
	if reads == 0 {
		return
	}
	rate := 100 * hits / reads
	finding.Figure("hit_rate_percent", rate)
	switch {
	case c.config.MinHitRate == 0:
	case reads < fewestReads:
		finding.Add(providers.Passed, fmt.Sprintf("hit rate not judged after %.0f reads", reads))
	case rate < float64(c.config.MinHitRate):
		finding.Add(providers.Failed, fmt.Sprintf("hit rate %.1f %%, not %d %%", rate, c.config.MinHitRate))
	default:
		finding.Add(providers.Passed, fmt.Sprintf("hit rate %.1f %%", rate))
	}
}

func (c *check) judgeMemory(finding *providers.Finding, facts map[string]float64) {
	finding.Figure("used_memory_bytes", facts["used_memory"])
	if facts["maxmemory"] == 0 {
		return
	}
	percent := 100 * facts["used_memory"] / facts["maxmemory"]
	finding.Figure("used_memory_percent", percent)
	if c.config.MaxMemory > 0 && percent > float64(c.config.MaxMemory) {
		finding.Add(providers.Warned, fmt.Sprintf("%.0f %% of its maxmemory is used", percent))
	}
}

func (c *check) judgeKeys(ctx context.Context, server server, finding *providers.Finding) error {
	found := 0
	for _, pattern := range c.config.Keys {
		holds, err := server.holds(ctx, pattern)
		if err != nil {
			return err
		}
		if !holds {
			finding.Add(providers.Failed, "no key matches "+pattern)
			continue
		}
		found++
	}
	if found > 0 && found == len(c.config.Keys) {
		finding.Add(providers.Passed, fmt.Sprintf("keys for all of %d patterns", found))
	}
	return nil
}

// parseInfo finds the numbers in the answer of INFO.
func parseInfo(text string) map[string]float64 {
	facts := make(map[string]float64)
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if number, err := strconv.ParseFloat(value, 64); found && err == nil {
			facts[name] = number
		}
	}
	return facts
}
