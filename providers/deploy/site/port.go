package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// portTaken is how an engine refuses a port of the host that it has given away.
var portTaken = regexp.MustCompile(`Bind for \S*:(\d+) failed: port is already allocated`)

// explainPort adds to what compose failed with whose the port is that the engine refused.
//
// It may be nobody's: an engine that loses its power while it starts a container has noted the port, and not whose it is, so that
// afterwards it keeps the port until it is restarted in order (moby/libnetwork issue 1790).
func (s *Site) explainPort(ctx context.Context, err error) error {
	var exit *providers.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	found := portTaken.FindStringSubmatch(exit.Stderr)
	if found == nil {
		return err
	}
	port := found[1]
	var said bytes.Buffer
	if askErr := s.host.Run(ctx, providers.Command{Arguments: []string{"docker", "ps", "--filter", "publish=" + port, "--format", "{{.Names}}"}, Stdout: &said}); askErr != nil {
		return errors.Join(err, fmt.Errorf("asking for the container that publishes port %s: %w", port, askErr))
	}
	if names := strings.Fields(said.String()); len(names) > 0 {
		return errors.Join(fmt.Errorf("port %s is published by the container %s: stop it, or give one of the two another port", port, strings.Join(names, ", ")), err)
	}
	return errors.Join(fmt.Errorf("no container that runs publishes port %s: the engine lost track of it, as one may that loses its power while a container starts; restart the engine (systemctl restart docker)", port), err)
}
