// Package directory declares that a folder should be gone once a verified backup of it exists.
package directory

import (
	"path"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: cleanup "directory".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCleanup,
		Type:    "directory",
		Summary: "A folder that should be gone, once a verified backup of it exists.",
		New:     func() providers.Config { return &Config{MinCopies: 2, Grace: units.Duration(7 * 24 * time.Hour)} },
	}
}

// Config is the body of the block.
type Config struct {
	Host           providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Path           string              `hcl:"path" doc:"The folder, an absolute path."`
	RequiresBackup providers.Reference `hcl:"requires_backup" kind:"backup" doc:"Its backup: verified, and younger than the folder's newest file."`
	MinCopies      int64               `hcl:"min_copies,optional" doc:"How many destinations must have the backup; 2 when left out."`
	Grace          units.Duration      `hcl:"grace,optional" doc:"How long it stays in a trash folder first; \"7d\" when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if !path.IsAbs(c.Path) || path.Clean(c.Path) == "/" {
		return []providers.Problem{{Attribute: "path", Summary: "Invalid path", Detail: "Write the absolute path of a folder that is not the root."}}
	}
	if c.MinCopies < 1 {
		return []providers.Problem{{Attribute: "min_copies", Summary: "Invalid count", Detail: "At least one destination must have the backup."}}
	}
	return nil
}

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "cleaning up directories is not built yet" }
