package gcs

import (
	"crypto/rand"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: destination "gcs".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindDestination,
		Type:    "gcs",
		Summary: "A bucket of Google Cloud Storage.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Bucket          string `hcl:"bucket" doc:"The bucket. It must exist."`
	Prefix          string `hcl:"prefix,optional" doc:"The folder in the bucket: what the names of its objects begin with, before a slash."`
	CredentialsFile string `hcl:"credentials_file,optional" doc:"A file with credentials: a service account's key, or the configuration of workload identity federation. The application default credentials when left out."`
	Endpoint        string `hcl:"endpoint,optional" doc:"Another server with the same interface, as https://HOST. An emulator on this machine may be http://localhost:PORT; no credentials are sent to it."`
}

// location is where the bucket is, and how to get in.
func (c *Config) location() *cloudstorage.Location {
	return &cloudstorage.Location{Bucket: c.Bucket, Prefix: c.Prefix, CredentialsFile: c.CredentialsFile, Endpoint: c.Endpoint}
}

// longestName is how many bytes the name of an object may have.
const longestName = cloudstorage.LongestName

// Validate checks the forms of the bucket's name, of the prefix and of the endpoint.
func (c *Config) Validate() []providers.Problem { return c.location().Check() }

// Credentials are the file of a key, or those that the environment gives to all buckets.
func (c *Config) Credentials() string { return "gcs " + c.CredentialsFile }

// Destination returns the bucket as a destination. It connects when it is first used.
func (c *Config) Destination(environment providers.Environment) (providers.Destination, error) {
	return &destination{
		bucket:     c.Bucket,
		prefix:     c.location().Folder(),
		clock:      environment.Clock,
		random:     rand.Reader,
		chunkSize:  chunkSize,
		patience:   chunkPatience,
		connection: c.location().Connection(environment.Directory),
	}, nil
}
