package gcs

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/castrolanda/imsctl/internal/endpoint"
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

// bucketPattern is that of bucket names (https://cloud.google.com/storage/docs/buckets#naming).
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// longestName is how many bytes the name of an object may have, and longestPrefix how many of them the prefix.
const longestName, longestPrefix = 1024, 512

// Validate checks the forms of the bucket's name, of the prefix and of the endpoint.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if !bucketPattern.MatchString(c.Bucket) {
		report("bucket", "Invalid bucket",
			"A bucket's name has at least 3 characters: small letters, digits, '-', '_' and '.', with a letter or digit at both ends.")
	}
	if why := endpoint.CheckPrefix(c.Prefix, longestPrefix, func(prefix string) int { return len(prefix) }, "bytes"); why != "" {
		report("prefix", "Invalid prefix", fmt.Sprintf("The prefix %q %s.", c.Prefix, why))
	}
	if c.Endpoint != "" {
		if why := endpoint.Check(c.Endpoint, ""); why != "" {
			report("endpoint", "Invalid endpoint", why)
		}
	}
	if c.CredentialsFile != "" && strings.HasPrefix(c.Endpoint, "http:") {
		report("credentials_file", "Credentials without encryption",
			"Credentials are never sent to an endpoint without encryption. Leave credentials_file out, or let the endpoint begin with https://.")
	}
	return problems
}

// Credentials are the file of a key, or those that the environment gives to all buckets.
func (c *Config) Credentials() string { return "gcs " + c.CredentialsFile }

// Destination returns the bucket as a destination. It connects when it is first used.
func (c *Config) Destination(environment providers.Environment) (providers.Destination, error) {
	credentials := c.CredentialsFile
	if credentials != "" && !filepath.IsAbs(credentials) {
		credentials = filepath.Join(environment.Directory, credentials)
	}
	prefix := ""
	if c.Prefix != "" {
		prefix = c.Prefix + "/"
	}
	return &destination{
		bucket:     c.Bucket,
		prefix:     prefix,
		clock:      environment.Clock,
		random:     rand.Reader,
		chunkSize:  chunkSize,
		patience:   chunkPatience,
		connection: connection{endpoint: c.Endpoint, credentialsFile: credentials},
	}, nil
}
