// Package command backs up what a program writes to its standard output.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "command".
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindSource, Type: "command", Summary: "What a program writes to its standard output.",
		New: func() providers.Config { return &Config{Extension: ".bin"} },
	}
}

// Config is the body of the block.
type Config struct {
	Host        providers.Reference `hcl:"host,optional" doc:"The host it runs on."`
	Command     []string            `hcl:"command" doc:"The program and its arguments; no shell is involved."`
	Environment map[string]string   `hcl:"environment,optional" doc:"Variables added to its environment."`
	Extension   string              `hcl:"extension,optional" doc:"The file name extension of the artifact."`
	Header      string              `hcl:"header,optional" doc:"A text that must occur in the first 1 KiB."`
	EndMarker   string              `hcl:"end_marker,optional" doc:"A text that must occur in the last 1 KiB."`
}

// Validate implements providers.Config.
func (c *Config) Validate() []providers.Problem {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return []providers.Problem{{Attribute: "command", Summary: "No program", Detail: "Name the program and its arguments."}}
	}
	return nil
}

// Source implements providers.SourceConfig.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	return &source{config: *c, host: host, directory: environment.Directory}, nil
}

type source struct {
	config    Config
	host      providers.Host
	directory string
}

func (s *source) Format() providers.Format {
	format := providers.Format{Extension: s.config.Extension, Trailer: []byte(s.config.EndMarker)}
	if s.config.Header != "" {
		format.Headers = [][]byte{[]byte(s.config.Header)}
	}
	return format
}

func (s *source) program() string {
	program := s.config.Command[0]
	if strings.Contains(program, "/") && !filepath.IsAbs(program) {
		return filepath.Join(s.directory, program)
	}
	return program
}

func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	_, err := s.host.LookPath(ctx, s.program())
	return providers.Inspection{}, err
}

func (s *source) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	counting := &counter{w: w}
	command := providers.Command{Arguments: append([]string{s.program()}, s.config.Command[1:]...), Directory: s.directory, Stdout: counting}
	for name, value := range s.config.Environment {
		command.Environment = append(command.Environment, name+"="+value)
	}
	if err := s.host.Run(ctx, command); err != nil {
		return providers.Reading{}, err
	}
	if counting.n == 0 {
		return providers.Reading{}, errors.New(fmt.Sprint(s.config.Command[0], " wrote nothing"))
	}
	return providers.Reading{}, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
