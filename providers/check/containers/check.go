package containers

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// logSpan is how far back the last words of a container that is not well are looked for, and logLines how many of them
	// are shown.
	logSpan  = 10 * time.Minute
	logLines = 5
)

// Probe looks at the containers that the names are about.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	finding := providers.Finding{Verdict: providers.Passed}
	if c.config.Drift != driftIgnored {
		finding.Figure(drifted, 0)
	}
	found, declared, err := c.find(ctx, &finding)
	if err != nil {
		return providers.Finding{}, err
	}
	finding.Figure("containers", float64(len(found)))
	healthy := 0
	for _, container := range found {
		problem := c.problem(container)
		switch {
		case problem != "":
			finding.Add(providers.Failed, problem)
			finding.Details = append(finding.Details, c.lastWords(ctx, container)...)
		case container.Health != "":
			healthy++
		}
	}
	if err := c.drift(ctx, &finding, declared, found); err != nil {
		return providers.Finding{}, err
	}
	if finding.Verdict == providers.Passed {
		finding.Summary = fmt.Sprintf("%d run, %d of them healthy, %d without a health check", len(found), healthy, len(found)-healthy)
	}
	return finding, nil
}

// find finds the containers of the compose file and of the names, each once, and adds those that are missing.
func (c *check) find(ctx context.Context, finding *providers.Finding) ([]providers.Container, *project, error) {
	var found []providers.Container
	var declared *project
	if c.config.Compose != "" {
		var err error
		if declared, err = c.declared(ctx); err != nil {
			return nil, nil, err
		}
		if found, err = c.ofProject(ctx, declared); err != nil {
			return nil, nil, err
		}
		c.missing(finding, declared, found)
	}
	if len(c.config.Names) == 0 {
		return found, declared, nil
	}
	named, err := c.engine.Find(ctx, c.config.Names...)
	if err != nil {
		return nil, nil, err
	}
	for _, pattern := range c.config.Names {
		if !matches(pattern, named) {
			finding.Add(providers.Failed, "there is no container "+pattern)
		}
	}
	for _, container := range named {
		known := slices.ContainsFunc(found, func(other providers.Container) bool { return other.Name == container.Name })
		if !known && !c.leftAlone(container.Name) {
			found = append(found, container)
		}
	}
	return found, declared, nil
}

// leftAlone reports whether a service or a container is not looked at.
func (c *check) leftAlone(name string) bool {
	return slices.ContainsFunc(c.config.Except, func(pattern string) bool { matched, _ := path.Match(pattern, name); return matched })
}

func matches(pattern string, found []providers.Container) bool {
	for _, container := range found {
		if matched, err := path.Match(pattern, container.Name); err == nil && matched {
			return true
		}
	}
	return false
}

// problem says what a container is that it should not be, or nothing.
func (c *check) problem(container providers.Container) string {
	switch {
	case container.State != "running":
		return container.Name + " is " + container.State
	case container.Health != "" && container.Health != "healthy":
		return container.Name + " is " + container.Health
	case c.config.MaxRestarts != anyNumber && int64(container.Restarts) > c.config.MaxRestarts:
		return fmt.Sprintf("%s was started again %d times, not %d at most", container.Name, container.Restarts, c.config.MaxRestarts)
	}
	return ""
}

// lastWords are the last lines of a container's logs and of its health check, each behind its name. That the logs cannot be
// read is the line then.
func (c *check) lastWords(ctx context.Context, container providers.Container) []string {
	var logs bytes.Buffer
	now := c.clock.Now()
	if err := c.engine.Logs(ctx, container.ID, now.Add(-logSpan), now, &logs, &logs); err != nil {
		return []string{container.Name + ": its logs cannot be read: " + err.Error()}
	}
	lines := last(logLines, container.Name+": ", logs.String())
	if container.Health != "" && container.Health != "healthy" {
		lines = append(lines, last(logLines, container.Name+": health check: ", container.HealthOutput)...)
	}
	return lines
}

// last are the last lines of a text, each behind a prefix.
func last(most int, prefix, text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, prefix+line)
		}
	}
	return lines[max(0, len(lines)-most):]
}
