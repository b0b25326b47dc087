// Package paths declares that files, such as scripts, do not mention a path that is no longer the right one.
package paths

import (
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
	Host   providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Files  []string            `hcl:"files" doc:"The files to read, as patterns such as \"/home/**/*.sh\"."`
	Forbid []string            `hcl:"forbid" doc:"The paths that they must not mention."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if len(c.Files) == 0 {
		return []providers.Problem{{Attribute: "files", Summary: "No files", Detail: "Name at least one file or pattern."}}
	}
	if len(c.Forbid) == 0 {
		return []providers.Problem{{Attribute: "forbid", Summary: "No paths", Detail: "Name at least one path."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "paths checks are not built yet" }
