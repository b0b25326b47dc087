package command

import (
	"context"
	"fmt"
	"io"
	"path"

	"github.com/castrolanda/imsctl/providers"
)

// source implements providers.Source.
type source struct {
	host        providers.Host
	directory   string
	arguments   []string
	environment []string
	secrets     []string
	format      providers.Format
}

// Format is what the block says of the output.
func (s *source) Format() providers.Format { return s.format }

// Inspect looks for the program. How much it will write is unknown.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	if _, err := s.host.LookPath(ctx, s.arguments[0]); err != nil {
		return providers.Inspection{}, err
	}
	return providers.Inspection{}, nil
}

// Read runs the program.
func (s *source) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	output := &counter{w: w}
	err := s.host.Run(ctx, providers.Command{
		Arguments:   s.arguments,
		Environment: s.environment,
		Directory:   s.directory,
		Stdout:      output,
	})
	if err != nil {
		return providers.Reading{}, redacted(err, s.secrets)
	}
	if output.bytes == 0 {
		return providers.Reading{}, fmt.Errorf("%s succeeded but wrote nothing: a backup of nothing is not kept", path.Base(s.arguments[0]))
	}
	return providers.Reading{}, nil
}

// counter counts what passes.
type counter struct {
	w     io.Writer
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes += int64(n)
	return n, err
}
