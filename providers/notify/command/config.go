// Package command declares a program that is given messages.
package command

import (
	"bytes"
	"context"
	"fmt"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: notify "command".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindNotify,
		Type:    "command",
		Summary: "A program that is told.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host    providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Command []string            `hcl:"command" doc:"The program and its arguments; the message is on its standard input as JSON."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return []providers.Problem{{Attribute: "command", Summary: "No program", Detail: "Name the program and its arguments, one by one."}}
	}
	return nil
}

// Notifier makes what runs the program.
func (c *Config) Notifier(environment providers.Environment) (providers.Notifier, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	return &notifier{command: c.Command, runner: host}, nil
}

// notifier implements providers.Notifier.
type notifier struct {
	command []string
	runner  providers.Runner
}

// Notify runs the program with the notice on its standard input, and its event in the environment.
func (n *notifier) Notify(ctx context.Context, notice providers.Notice) error {
	body, err := notice.JSON()
	if err != nil {
		return err
	}
	err = n.runner.Run(ctx, providers.Command{
		Arguments:   n.command,
		Environment: []string{"IMS_EVENT=" + string(notice.Event), "IMS_SEVERITY=" + string(notice.Severity)},
		Stdin:       bytes.NewReader(append(body, '\n')),
	})
	if err != nil {
		return fmt.Errorf("running %s: %w", n.command[0], err)
	}
	return nil
}
