// Package files backs up a folder or a file as one tar archive, and restores it into a folder.
//
// The archive is in the PAX format: long and non-ASCII names, owners, modes, and times below a second are kept, and every tar
// since the turn of the century reads it. Symbolic links are kept as links and never followed; only the path itself may be one.
// A second name of a file with hard links becomes a link in the archive. Devices and named pipes are kept as entries; sockets
// are left out with a warning. Holes of sparse files are read as the zeros that they stand for and vanish in the compression.
//
// The tree is read as it is found, not from a snapshot: of a file that grows meanwhile exactly the size that it had when it
// was opened is kept, one that shrinks is filled up with zeros, and one that vanishes is left out; the last two are warnings.
// A file that cannot be read is an error.
package files

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "files".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "files",
		Summary: "A folder or a file, as one tar archive.",
		New:     func() providers.Config { return &Config{} },
		Restore: newRestorer,
	}
}

// Config is the body of the block.
type Config struct {
	Host    providers.Reference `hcl:"host,optional" doc:"The host the files are on; the machine imsctl runs on when left out."`
	Path    string              `hcl:"path" doc:"The folder or file; a relative path starts at the folder of the specification."`
	Exclude []string            `hcl:"exclude,optional" doc:"Patterns of what is left out. Without a slash a pattern is about names at any depth (\".git\", \"*.pyc\"); with one, about paths below path (\"var/cache/**\")."`
}

// Validate checks the path and the patterns.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	switch {
	case c.Path == "":
		problems = append(problems, providers.Problem{Attribute: "path", Summary: "Missing path", Detail: "The path is empty. Name a folder or a file."})
	case c.Path == "~" || strings.HasPrefix(c.Path, "~/"):
		problems = append(problems, providers.Problem{Attribute: "path", Summary: "Invalid path",
			Detail: fmt.Sprintf("%q is not a shell's path: ~ is not expanded. Write the whole path, or use env(\"HOME\").", c.Path)})
	}
	for _, pattern := range c.Exclude {
		if pattern == "" || !doublestar.ValidatePattern(pattern) {
			problems = append(problems, providers.Problem{Attribute: "exclude", Summary: "Invalid pattern",
				Detail: fmt.Sprintf("%q is not a pattern. Write a name such as \".git\", or use *, ?, ** and […].", pattern)})
		}
	}
	return problems
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	root := c.Path
	if !filepath.IsAbs(root) {
		root = filepath.Join(environment.Directory, root)
	}
	return &source{files: host.Files(), root: filepath.Clean(root), exclude: c.Exclude}, nil
}

// excluded reports whether a path below the root, relative to it, is left out.
func (s *source) excluded(relative string) bool {
	for _, pattern := range s.exclude {
		trimmed := strings.TrimSuffix(strings.TrimPrefix(pattern, "/"), "/")
		subject := relative
		if !strings.Contains(strings.TrimSuffix(pattern, "/"), "/") {
			subject = path.Base(relative)
		}
		if matched, err := doublestar.Match(trimmed, subject); err == nil && matched {
			return true
		}
	}
	return false
}
