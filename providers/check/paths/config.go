// Package paths checks that files, such as scripts, do not mention a path that is no longer the right one.
package paths

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "paths".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "paths",
		Summary: "Files that must not mention a path.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Host    providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Files   []string            `hcl:"files" doc:"The files to read, as patterns such as \"/home/**/*.sh\". Links are not followed, and files that are not text or above 4 MiB are passed over."`
	Forbid  []string            `hcl:"forbid" doc:"The paths that they must not mention. \"/srv/app\" does not stand for /srv/app-new."`
	Instead string              `hcl:"instead,optional" doc:"The path that should be there, for the suggestion."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	if len(c.Files) == 0 {
		problems = append(problems, providers.Problem{Attribute: "files", Summary: "No files", Detail: "Name at least one file or pattern."})
	}
	for _, pattern := range c.Files {
		if !path.IsAbs(pattern) || !doublestar.ValidatePattern(pattern) {
			problems = append(problems, providers.Problem{Attribute: "files", Summary: "Invalid pattern",
				Detail: fmt.Sprintf("%q is no pattern of absolute paths; write one such as \"/home/**/*.sh\".", pattern)})
		}
	}
	if len(c.Forbid) == 0 {
		problems = append(problems, providers.Problem{Attribute: "forbid", Summary: "No paths", Detail: "Name at least one path."})
	}
	for _, forbidden := range c.Forbid {
		if strings.Trim(forbidden, "/") == "" {
			problems = append(problems, providers.Problem{Attribute: "forbid", Summary: "Invalid path",
				Detail: fmt.Sprintf("%q is in every file that has a path; name the folder that is not to be used any more.", forbidden)})
		}
	}
	return problems
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	return &check{config: *c, files: host.Files()}, nil
}

// Forbids implements providers.Forbidding.
func (c *Config) Forbids(place providers.Occupied) bool {
	if c.Host.OfHost() != place.Host.OfHost() {
		return false
	}
	at := path.Clean(place.Path)
	return slices.ContainsFunc(c.Forbid, func(forbidden string) bool {
		forbidden = path.Clean(forbidden)
		return at == forbidden || strings.HasPrefix(at, forbidden+"/") || strings.HasPrefix(forbidden, at+"/")
	})
}
