// Package command checks that a program ends with status 0.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "command".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "command",
		Summary: "A program that ends with status 0.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host        providers.Reference `hcl:"host,optional" doc:"The host it runs on; the machine imsctl runs on when left out."`
	Container   string              `hcl:"container,optional" doc:"The container on that host in which it runs; on the host itself when left out."`
	Command     []string            `hcl:"command" doc:"The program and its arguments; no shell is involved."`
	Environment map[string]string   `hcl:"environment,optional" doc:"Variables for the program; secrets go here, not into command."`
	Contains    string              `hcl:"contains,optional" doc:"A text that it must print on standard output, within the first 64 KiB."`
	WarnStatus  []int64             `hcl:"warn_status,optional" doc:"Exit statuses that are a warning and no failure."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return []providers.Problem{{Attribute: "command", Summary: "No program", Detail: "Name the program and its arguments, one by one."}}
	}
	for _, status := range c.WarnStatus {
		if status < 1 || status > 255 {
			return []providers.Problem{{Attribute: "warn_status", Summary: "Invalid status", Detail: fmt.Sprintf("%d is no exit status of a failure; they are 1 to 255.", status)}}
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
	var runner providers.Runner = host
	if c.Container != "" {
		containers, err := environment.Containers(host)
		if err != nil {
			return nil, err
		}
		runner = containers.In(c.Container)
	}
	return &check{config: *c, runner: runner}, nil
}

// outputLimit is how much of what the program prints is looked at, in bytes.
const outputLimit = 64 << 10

// check implements providers.Check.
type check struct {
	config Config
	runner providers.Runner
}

// Probe runs the program.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	output := &beginning{limit: outputLimit}
	command := providers.Command{Arguments: c.config.Command, Stdout: output}
	for name, value := range c.config.Environment {
		command.Environment = append(command.Environment, name+"="+value)
	}
	err := c.runner.Run(ctx, command)
	printed := output.String()
	finding := providers.Finding{Verdict: providers.Passed, Summary: firstLine(printed), Details: lines(printed)}
	var exit *providers.ExitError
	switch {
	case errors.As(err, &exit) && ctx.Err() == nil:
		finding.Verdict, finding.Summary = providers.Failed, exit.Error()
		for _, status := range c.config.WarnStatus {
			if exit.Code == int(status) {
				finding.Verdict = providers.Warned
			}
		}
	case err != nil:
		return providers.Finding{}, fmt.Errorf("running %s: %w", c.config.Command[0], err)
	case !strings.Contains(printed, c.config.Contains):
		finding.Verdict, finding.Summary = providers.Failed, fmt.Sprintf("%s did not print %q", c.config.Command[0], c.config.Contains)
	case finding.Summary == "":
		finding.Summary = "exit status 0"
	}
	return finding, nil
}

// beginning keeps the first that is written to it.
type beginning struct {
	bytes.Buffer
	limit int
}

func (b *beginning) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, b.limit-b.Len()))])
	return len(p), nil
}

// detailLines is how many lines of what a program prints are kept.
const detailLines = 20

// lines are the first lines of a text that has more than one.
func lines(text string) []string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	if len(all) < 2 {
		return nil
	}
	return all[:min(len(all), detailLines)]
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
