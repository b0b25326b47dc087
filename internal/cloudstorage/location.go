package cloudstorage

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// Location is a folder in a bucket, and how to get in, as a specification says it.
type Location struct {
	Bucket, Prefix, CredentialsFile, Endpoint string
}

// bucketPattern is that of bucket names (https://cloud.google.com/storage/docs/buckets#naming).
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// LongestName is how many bytes the name of an object may have, and longestPrefix how many of them the prefix.
const LongestName, longestPrefix = 1024, 512

// Check checks the forms of the bucket's name, of the prefix and of the endpoint.
func (l *Location) Check() []endpoint.Problem {
	var problems []endpoint.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, endpoint.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if !bucketPattern.MatchString(l.Bucket) {
		report("bucket", "Invalid bucket",
			"A bucket's name has at least 3 characters: small letters, digits, '-', '_' and '.', with a letter or digit at both ends.")
	}
	if why := endpoint.CheckPrefix(l.Prefix, longestPrefix, func(prefix string) int { return len(prefix) }, "bytes"); why != "" {
		report("prefix", "Invalid prefix", fmt.Sprintf("The prefix %q %s.", l.Prefix, why))
	}
	if l.Endpoint != "" {
		if why := endpoint.Check(l.Endpoint, ""); why != "" {
			report("endpoint", "Invalid endpoint", why)
		}
	}
	if l.CredentialsFile != "" && strings.HasPrefix(l.Endpoint, "http:") {
		report("credentials_file", "Credentials without encryption",
			"Credentials are never sent to an endpoint without encryption. Leave credentials_file out, or let the endpoint begin with https://.")
	}
	return problems
}

// Connection makes the connection to the bucket. A relative path of credentials starts at the folder.
func (l *Location) Connection(folder string) *Connection {
	credentials := l.CredentialsFile
	if credentials != "" && !filepath.IsAbs(credentials) {
		credentials = filepath.Join(folder, credentials)
	}
	return &Connection{Endpoint: l.Endpoint, CredentialsFile: credentials}
}

// Folder is what the names of objects begin with.
func (l *Location) Folder() string {
	if l.Prefix == "" {
		return ""
	}
	return l.Prefix + "/"
}
