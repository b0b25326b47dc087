// Package stack is the test stack: a small copy of the real system that imsctl was made for. A docker compose project with PostgreSQL,
// Redis and a web server runs on a machine of its own that is reached by SSH, beside emulators of two clouds.
package stack

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// project is what the compose project is made of.
//
//go:embed project
var project embed.FS

// composeFile is the name of the project's file, which it has in the real system.
const composeFile = "docker-compose.production.fixed.yml"

// Stack is a running test stack. It must be closed.
type Stack struct {
	// Docker is the engine of the machine, SSH the way to it.
	Docker *testenv.DockerServer
	SSH    *testenv.SSHServer
	// Home is the folder that is /home/eciroma on the machine, which has the project's folders. Operator is a folder of the operator's
	// own machine, with the specification, and programs in bin.
	Home, Operator string
	// GCS and Azure are the clouds.
	GCS   string
	Azure testenv.AzuriteServer
	// Scratch is a PostgreSQL server of the operator, for drills.
	Scratch *testenv.PostgresServer
	// WebPort is where the project's web server can be reached from the operator's machine.
	WebPort int

	folder    string
	emulators []*testenv.Emulator
	web       *testenv.Gate
}

// Start starts all of it, with an empty project: Up and Seed come next. The operator works with an imsctl that is this program. It returns exec.ErrNotFound and errors.ErrUnsupported as
// testenv.StartDocker does, when something is missing on this machine.
func Start(ctx context.Context, imsctl string) (started *Stack, err error) {
	s := &Stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.folder, err = os.MkdirTemp("", "imsctl-stack-"); err != nil {
		return nil, err
	}
	s.Operator = filepath.Join(s.folder, "operator")
	if s.Docker, err = testenv.StartDocker(ctx); err != nil {
		return nil, err
	}
	s.Home = filepath.Join(s.Docker.Home, "eciroma")
	if err := s.Docker.PlugCompose(ctx); err != nil {
		return nil, err
	}
	if err := s.Docker.ImportDebian(ctx); err != nil {
		return nil, err
	}
	if s.SSH, err = s.Docker.StartSSH(); err != nil {
		return nil, err
	}
	if s.Scratch, err = testenv.StartPostgres(ctx); err != nil {
		return nil, err
	}
	if err := s.startClouds(ctx); err != nil {
		return nil, err
	}
	if err := s.writeFiles(); err != nil {
		return nil, err
	}
	if err := s.forwardWeb(); err != nil {
		return nil, err
	}
	return s, s.writeOperator(imsctl)
}

// Close stops everything and removes it.
func (s *Stack) Close() error {
	var errs []error
	if s.web != nil {
		s.web.Close()
	}
	for _, emulator := range s.emulators {
		emulator.Stop()
	}
	if s.SSH != nil {
		errs = append(errs, s.SSH.Close())
	}
	if s.Docker != nil {
		errs = append(errs, s.Docker.Close())
	}
	if s.Scratch != nil {
		errs = append(errs, s.Scratch.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// Project is the folder of the compose project on the machine.
func (s *Stack) Project() string { return filepath.Join(s.Home, "inventory-system-novo") }

// Up brings the project up and waits until all of it is healthy. What it prints goes to progress.
func (s *Stack) Up(ctx context.Context, progress io.Writer) error {
	return s.compose(ctx, progress, "up", "--detach", "--wait")
}

// Down removes the project with all its data.
func (s *Stack) Down(ctx context.Context, progress io.Writer) error {
	return s.compose(ctx, progress, "down", "--volumes")
}

func (s *Stack) compose(ctx context.Context, progress io.Writer, arguments ...string) error {
	command, err := s.Docker.Compose(ctx, s.Project(), append([]string{"--file", composeFile, "--progress", "plain"}, arguments...)...)
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = progress, progress
	if err := command.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w", arguments[0], err)
	}
	return nil
}

// forwardWeb lets the operator's machine reach the project's web server.
func (s *Stack) forwardWeb() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.WebPort = listener.Addr().(*net.TCPAddr).Port
	s.web = testenv.NewGate(func(ctx context.Context) (net.Conn, error) { return s.Docker.Dial(ctx, "tcp", "127.0.0.1:8000") })
	s.web.Serve(listener)
	return nil
}
