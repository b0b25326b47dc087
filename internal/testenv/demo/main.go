// Command demo gives a person the test stack to try imsctl on, until it is interrupted. scripts/demo builds what it needs and runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/castrolanda/imsctl/internal/testenv/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

const guide = `
The stack is up: PostgreSQL, Redis and a web server in containers of a machine that is reached by SSH, and
emulators of two clouds. Everything is in memory or in %[1]s, and goes with it.

  cd %[1]s
  bin/imsctl plan                   # ims.hcl is examples/ims.hcl; stack.auto.vars.hcl says where things are here
  bin/imsctl apply
  bin/ssh vm docker ps              # the machine

The web server: http://127.0.0.1:%[2]d/cgi-bin/health
Ctrl-C stops all of it.
`

// run starts the stack around a program of imsctl and keeps it until ctx ends.
func run(ctx context.Context, arguments []string) (err error) {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: demo IMSCTL")
	}
	fmt.Fprintln(os.Stderr, "Starting the stack…")
	s, err := stack.Start(ctx, arguments[0])
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(os.Stderr, "Stopping the stack…")
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	if err := s.Up(ctx, os.Stderr); err != nil {
		return err
	}
	if err := s.Seed(ctx); err != nil {
		return err
	}
	fmt.Printf(guide, s.Operator, s.WebPort)
	<-ctx.Done()
	return nil
}
