package azblob

import (
	"crypto/rand"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: destination "azblob".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindDestination,
		Type:    "azblob",
		Summary: "A container of Azure Blob Storage.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Account          string `hcl:"account,optional" doc:"The storage account. It may be left out where connection_string names it."`
	Container        string `hcl:"container" doc:"The container. It must exist."`
	Prefix           string `hcl:"prefix,optional" doc:"The folder in the container: what the names of its blobs begin with, before a slash."`
	Key              string `hcl:"account_key,optional" doc:"A key of the account; take it from the environment. Azure's default credentials when nothing is given."`
	SAS              string `hcl:"sas_token,optional" doc:"A shared access signature; take it from the environment."`
	ConnectionString string `hcl:"connection_string,optional" doc:"A connection string with a key or a shared access signature; take it from the environment."`
	Endpoint         string `hcl:"endpoint,optional" doc:"Another server with the same interface, as https://HOST, with the account as its path where the server wants it there. An emulator on this machine may be http://127.0.0.1:PORT/ACCOUNT."`
}

// longestName is how many characters the name of a blob may have.
const longestName = blobstorage.LongestName

// location is where the container is, and how to get in.
func (c *Config) location() *blobstorage.Location {
	return &blobstorage.Location{
		Account: c.Account, Container: c.Container, Prefix: c.Prefix, Key: c.Key, SAS: c.SAS, ConnectionString: c.ConnectionString, Endpoint: c.Endpoint,
	}
}

// Validate checks the names, the endpoint, and that there is one credential at most.
func (c *Config) Validate() []providers.Problem { return c.location().Check() }

// Credentials are the key or the signature, or those that the environment gives to all accounts.
func (c *Config) Credentials() string {
	found, problem := c.location().Access()
	if problem != nil {
		return "azblob"
	}
	return "azblob " + found.Key + found.SAS
}

// Destination returns the container as a destination. It connects when it is first used.
func (c *Config) Destination(environment providers.Environment) (providers.Destination, error) {
	connection, err := c.location().Connection(environment.Clock)
	if err != nil {
		return nil, err
	}
	return &destination{
		container:  c.Container,
		prefix:     c.location().Folder(),
		clock:      environment.Clock,
		random:     rand.Reader,
		blockSize:  blockSize,
		connection: connection,
		progress:   make(map[string]int),
	}, nil
}
