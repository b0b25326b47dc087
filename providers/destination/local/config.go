package local

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: destination "local".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindDestination,
		Type:    "local",
		Summary: "A folder on the machine imsctl runs on or on another host.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host providers.Reference `hcl:"host,optional" doc:"The host the folder is on; the machine imsctl runs on when left out."`
	Path string              `hcl:"path" doc:"The folder, made when the first copy is stored; a relative path starts at the folder of the specification."`
}

// Validate checks the form of the path and the kind of the host.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if !c.Host.IsZero() && c.Host.Kind != providers.KindHost {
		report("host", "Not a host", fmt.Sprintf("%s is not a host. Name a host, such as host.local.", c.Host.Address))
	}
	switch {
	case c.Path == "":
		report("path", "Missing path", "The path is empty. Name a folder, such as /var/backups/ims.")
	case strings.ContainsRune(c.Path, 0):
		report("path", "Invalid path", "The path has a NUL character, which no file system accepts.")
	case c.Path == "~" || strings.HasPrefix(c.Path, "~/"):
		report("path", "Invalid path", fmt.Sprintf("%q is not a shell's path: ~ is not expanded. Write the whole path, or use env(\"HOME\").", c.Path))
	case !filepath.IsAbs(c.Path) && !c.here():
		report("path", "Relative path on another host", fmt.Sprintf("%q would start at the folder of the specification, which is not on %s. Write an absolute path.", c.Path, c.Host.Address))
	}
	return problems
}

// here reports whether the folder is on the machine imsctl runs on.
func (c *Config) here() bool {
	return c.Host.IsZero() || strings.HasPrefix(c.Host.Address+".", "host.local.")
}

// Destination returns the folder as a destination.
func (c *Config) Destination(environment providers.Environment) (providers.Destination, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, fmt.Errorf("finding the host of destination folder %s: %w", c.Path, err)
	}
	made := newDestination(host.Files(), c.root(environment))
	made.here = c.here()
	return made, nil
}

// root is the folder, absolute.
func (c *Config) root(environment providers.Environment) string {
	if filepath.IsAbs(c.Path) {
		return filepath.Clean(c.Path)
	}
	return filepath.Join(environment.Directory, c.Path)
}

// AssumedUploadRate implements providers.Paced: what a disk takes at least, or a line to another host.
func (c *Config) AssumedUploadRate() float64 {
	if c.here() {
		return 200e6
	}
	return providers.UsualUploadRate
}

// Occupies implements providers.Occupying.
func (c *Config) Occupies(environment providers.Environment) providers.Occupied {
	return providers.Occupied{Host: c.Host, Path: c.root(environment)}
}
