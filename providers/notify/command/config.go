// Package command declares a program that is given messages.
package command

import (
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

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "notifying by a command is not built yet" }
