// Package builtin is the list of the providers that imsctl is built with.
package builtin

import (
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	destinationlocal "github.com/castrolanda/imsctl/providers/destination/local"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/command"
	"github.com/castrolanda/imsctl/providers/source/files"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// Registry returns the registry of what is built in. Its order is that of the language reference.
func Registry() (*providers.Registry, error) {
	return providers.NewRegistry(compression.NewCodec,
		hostlocal.Provider(),
		postgres.Provider(),
		files.Provider(),
		command.Provider(),
		destinationlocal.Provider(),
	)
}
