package ssh

import (
	"github.com/castrolanda/imsctl/providers"
)

// host implements providers.Host.
type host struct {
	config     Config
	connection *connection
	files      *fileSystem
}

func newHost(config Config, around func() (surroundings, error), timing timing) *host {
	h := &host{config: config, connection: newConnection(config, around, timing)}
	h.files = newFileSystem(h)
	return h
}

// Name is the address that the block has.
func (h *host) Name() string { return h.config.Address }

// Files reaches the machine's file system over SFTP.
func (h *host) Files() providers.FileSystem { return h.files }

// Close ends the connection, which a later operation would make again.
func (h *host) Close() error {
	h.connection.close()
	return nil
}
