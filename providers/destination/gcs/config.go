// Package gcs declares a bucket of Google Cloud Storage.
package gcs

import (
	"errors"
	"regexp"

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
	Bucket          string `hcl:"bucket" doc:"The bucket."`
	Prefix          string `hcl:"prefix,optional" doc:"What the names of its objects begin with."`
	CredentialsFile string `hcl:"credentials_file,optional" doc:"The file of a service account's key; the application default credentials when left out."`
	Endpoint        string `hcl:"endpoint,optional" doc:"Another server with the same interface."`
}

// bucketPattern is that of bucket names (https://cloud.google.com/storage/docs/buckets#naming).
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// Validate checks the name of the bucket.
func (c *Config) Validate() []providers.Problem {
	if !bucketPattern.MatchString(c.Bucket) {
		return []providers.Problem{{Attribute: "bucket", Summary: "Invalid bucket",
			Detail: "A bucket's name has at least 3 characters: small letters, digits, '-', '_' and '.', with a letter or digit at both ends."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "gcs destinations are not built yet" }

// Destination makes the destination.
func (c *Config) Destination(providers.Environment) (providers.Destination, error) {
	return nil, errors.New(c.NotBuilt())
}
