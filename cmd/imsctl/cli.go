package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/cmd/imsctl/tracing"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/diagnostic"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/spec"
)

// The exit codes of every command; docs/language.md and the help of plan and apply list them for users.
const (
	exitDone        = 0
	exitError       = 1
	exitChanges     = 2
	exitUntrue      = 2
	exitDegraded    = 3
	exitInterrupted = 130
)

// cli is the program's surroundings, given by main and by tests.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// environment is the process's, "NAME=value" each.
	environment []string
	clock       clock.Clock
	version     string
	// patience is how long a state on a server is asked again while that does not answer; the usual time when it is 0.
	patience time.Duration
	// interrupted is set by the first interrupt.
	interrupted atomic.Bool
	// watching says that only to show something goes on, so that an interrupt is how it is meant to end.
	watching atomic.Bool
	// display is the live display, while there is one.
	display atomic.Pointer[terminal.Display]
	// tracer tells of what is done; nil when nobody asked.
	tracer *tracing.Tracer

	// streams are the views for programs that are told of errors too.
	streams []*streamView

	// loaded is the specification that the command works on, once it is known: its secrets are struck out of errors.
	loaded *spec.Spec

	noColor   bool
	directory string
	// identities are the files of the flag -identity, where a command has it.
	identities []string
}

// exitCode is an error that has nothing to say: all of it was said already.
type exitCode int

// Error implements error.
func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// unsaid is an error without the exit codes that are joined into it: nil when there is nothing else.
func unsaid(err error) error {
	if _, said := err.(exitCode); said || err == nil {
		return nil
	}
	joined, several := err.(interface{ Unwrap() []error })
	if !several {
		if said := exitCode(0); errors.As(err, &said) {
			return nil
		}
		return err
	}
	var rest []error
	for _, part := range joined.Unwrap() {
		rest = append(rest, unsaid(part))
	}
	return errors.Join(rest...)
}

// execute runs one command line and returns the exit code.
func (c *cli) execute(ctx context.Context, arguments []string) int {
	root, err := c.completedRoot()
	if err != nil {
		diagnostic.Error(c.stderr, err, c.diagnosticOptions(c.stderr))
		return exitError
	}
	out := c.stdout
	if isCompletion(arguments) {
		arguments, out = singleDash(arguments, out)
	} else {
		arguments, err = c.withEnvironment(root, arguments)
	}
	if err != nil {
		diagnostic.Error(c.stderr, err, c.diagnosticOptions(c.stderr))
		return exitError
	}
	root.SetArgs(longFlags(root, arguments))
	root.SetIn(c.stdin)
	root.SetOut(out)
	root.SetErr(c.stderr)
	err = root.ExecuteContext(ctx)
	var code exitCode
	said := errors.As(err, &code)
	if said {
		err = unsaid(err)
	}
	switch {
	case said && err == nil:
		return int(code)
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitDone
	case c.interrupted.Load() && errors.Is(err, context.Canceled):
		c.warn("Interrupted. Nothing was changed.")
		return exitInterrupted
	}
	if c.loaded != nil {
		err = c.loaded.RedactError(err)
	}
	for _, stream := range c.streams {
		stream.diagnostic(validationMessage{Severity: severityError, Summary: err.Error()})
	}
	diagnostic.Error(c.stderr, err, c.diagnosticOptions(c.stderr))
	return exitError
}

// getenv returns the value of an environment variable and whether it is set.
func (c *cli) getenv(name string) (string, bool) {
	for i := len(c.environment) - 1; i >= 0; i-- {
		if value, found := strings.CutPrefix(c.environment[i], name+"="); found {
			return value, true
		}
	}
	return "", false
}

// look is what a stream can show.
func (c *cli) look(w io.Writer) terminal.Look {
	return terminal.Detect(w, c.getenv, c.noColor)
}

func (c *cli) diagnosticOptions(w io.Writer) diagnostic.Options {
	look := c.look(w)
	return diagnostic.Options{Width: look.Width, Color: look.Color}
}

// redact strikes the secrets of the specification out of a text, as soon as they are known.
func (c *cli) redact(text string) string {
	if c.loaded == nil {
		return text
	}
	return c.loaded.Redact(text)
}

// trace begins to tell of what is done, when IMS_LOG asks for it.
func (c *cli) trace() error {
	text, _ := c.getenv("IMS_LOG")
	level, err := tracing.ParseLevel(text)
	if err != nil {
		return fmt.Errorf("IMS_LOG=%w", err)
	}
	if level < tracing.Off {
		c.tracer = tracing.New(lineWriter(c.warn), level, c.clock, c.redact)
	}
	return nil
}

// lineWriter passes each write on as a line.
type lineWriter func(string)

// Write implements io.Writer.
func (w lineWriter) Write(p []byte) (int, error) {
	w(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// warn prints a line to the side of the result; above a live display, which would paint over it.
func (c *cli) warn(line string) {
	if display := c.display.Load(); display != nil {
		display.Println(line)
		return
	}
	fmt.Fprintln(c.stderr, line)
}

// openDisplay begins a live display on w. closeDisplay ends it.
func (c *cli) openDisplay(w io.Writer) *terminal.Display {
	look := c.look(w)
	display := terminal.NewDisplay(w, look, c.clock)
	if look.Live {
		c.display.Store(display)
	}
	return display
}

func (c *cli) closeDisplay(display *terminal.Display) error {
	c.display.Store(nil)
	return display.Close()
}

// problem prints an error or a warning about one address.
func (c *cli) problem(severity, address string, err error) {
	diagnostic.Problem(c.stderr, severity, address, err, c.diagnosticOptions(c.stderr))
}
