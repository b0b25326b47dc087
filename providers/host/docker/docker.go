// Package docker is the container engine of a host: Docker's Engine API over whatever way there is to that host, from API
// 1.40 (Docker 19.03) on. Nothing is installed there, and no docker command is run anywhere.
//
// # Commands in a container
//
// The API starts a command in a container and cannot end it. Its standard streams arrive over one connection, and when that
// breaks the command runs on. So a command gets two executions here. The first is a shell (/bin/sh; see bare.go for containers that
// have none) that says its process group, runs the command, and says how it ended and that all of its output has been written. The
// second is a shell that ends that group when it is told to, and when its own input ends: when imsctl is killed or the
// connection breaks. What a command says of its end is believed only when the first shell said so.
package docker

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/providers"
)

// DefaultSocket is where an engine listens unless it was told otherwise.
const DefaultSocket = "/var/run/docker.sock"

// engine implements providers.Containers.
type engine struct {
	host   providers.Dialer
	socket string
	client *client.Client
	timing timing
}

// New returns the container engine that listens at a socket of a host, DefaultSocket when it is empty. It does no I/O. A
// host whose sockets cannot be reached is an error.
func New(host providers.Host, socket string) (providers.Containers, error) {
	dialer, ok := host.(providers.Dialer)
	if !ok {
		return nil, fmt.Errorf("the sockets of %s cannot be reached, and so no container engine there", host.Name())
	}
	if socket == "" {
		socket = DefaultSocket
	}
	return newEngine(dialer, socket, usualTiming())
}

func newEngine(host providers.Dialer, socket string, timing timing) (*engine, error) {
	e := &engine{host: host, socket: socket, timing: timing}
	made, err := client.New(client.WithDialContext(e.dial))
	if err != nil {
		return nil, fmt.Errorf("preparing the container engine on %s: %w", host.Name(), err)
	}
	e.client = made
	return e, nil
}

// Socket is the path of the socket that DOCKER_HOST names, or nothing where it is empty. Only an engine that listens on a
// socket of the same machine can be meant by it.
func Socket(dockerHost string) (string, error) {
	if dockerHost == "" {
		return "", nil
	}
	path, ok := strings.CutPrefix(dockerHost, "unix://")
	if !ok || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("DOCKER_HOST is %q: imsctl reaches an engine through a socket only, such as unix://%s. "+
			"For an engine on another machine declare a host \"ssh\" and name it where containers are meant", dockerHost, DefaultSocket)
	}
	return path, nil
}

// dial connects to the engine, whatever address the client believes that it has.
func (e *engine) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	connection, err := e.host.Dial(ctx, "unix", e.socket)
	if err != nil {
		return nil, &dialError{err}
	}
	return connection, nil
}

// dialError is why there is no connection to an engine. The client replaces what it believes to understand by words of its
// own, so that nothing is shown to it.
type dialError struct{ err error }

// Error says nothing; see meaning.
func (*dialError) Error() string { return "no way to the engine" }
