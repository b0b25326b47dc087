// Command imsctl keeps backups and deployments as a specification declares them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

// version is the release; the linker sets it (-ldflags "-X main.version=1.2.3").
var version = "0.1.0-dev"

func main() {
	os.Exit(run())
}

// run is main with an exit code.
func run() int {
	cli := &cli{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environment: takeEnvironment(), clock: clock.System{}, version: version,
	}
	ctx, stop := cli.interruptible()
	defer stop()
	return cli.execute(ctx, os.Args[1:])
}

// takeEnvironment returns the environment and takes the private key out of it: no program that is run needs it.
func takeEnvironment() []string {
	environment := os.Environ()
	// The name is a valid one, so that this cannot fail.
	_ = os.Unsetenv(identityVariable)
	return environment
}

// debounce is how long equal signals count as one: a process group and its parent are often signalled together.
const debounce = time.Second

// interruptible returns a context that ends with the first interrupt, so that what runs is finished or undone. A second
// interrupt ends the process at once: the journal makes that safe.
func (c *cli) interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	// With a handler, writing to a pipe that nobody reads is an error like any other; without one it would end the process,
	// in the middle of an apply too. A handler, unlike ignoring it, is not inherited by the programs that are run.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var first time.Time
		for range signals {
			switch {
			case first.IsZero():
				first = time.Now()
				c.interrupted.Store(true)
				if !c.watching.Load() {
					c.warn(c.fold(c.stderr, "", "Interrupt received: finishing or undoing what runs. Interrupt again to stop at once.", 0))
				}
				cancel()
			case time.Since(first) > debounce:
				os.Exit(exitInterrupted)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-done
		cancel()
	}
}
