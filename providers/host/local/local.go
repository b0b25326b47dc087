// Package local is the machine imsctl runs on, as a host.
package local

import (
	"context"
	"fmt"
	"net"
	"os/exec"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: host "local", a block without attributes.
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindHost,
		Type:    "local",
		Summary: "The machine imsctl runs on; host.local is always there and need not be declared.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block. It has no attributes.
type Config struct{}

// Validate finds nothing: there is nothing to be wrong.
func (*Config) Validate() []providers.Problem { return nil }

// Host returns the local machine.
func (*Config) Host(providers.Environment) (providers.Host, error) { return New(), nil }

// host implements providers.Host.
type host struct{ files *fileSystem }

// New returns the machine this process runs on.
func New() providers.Host { return &host{files: newFileSystem()} }

// Name is "local".
func (*host) Name() string { return "local" }

// Files reaches this machine's file system.
func (h *host) Files() providers.FileSystem { return h.files }

// Dial connects to a socket of this machine.
func (*host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// LookPath finds a program in PATH; a name with a slash is taken as it is. The error wraps exec.ErrNotFound where there is none.
func (*host) LookPath(ctx context.Context, program string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("looking for %s: %w", program, err)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", program, err)
	}
	return path, nil
}
