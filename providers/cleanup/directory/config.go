// Package directory removes a folder that should be gone, once a verified backup of it exists and nothing uses it any more.
//
// What would remove it knows nothing of backups: it says how large the folder is, when the newest in it was changed, and who uses it.
// Everything is looked at on the host of the folder, as the user who is logged in there, or as root where the host says so. What could
// not be looked at is a refusal: that nobody was seen to use the folder is worth nothing where not everybody could be seen.
//
// The folder is moved to a trash beside it by one rename, so that it is whole in one place or in the other at any moment, and removed
// for good only after a while.
package directory

import (
	"fmt"
	"path"
	"slices"
	"strings"
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

// system are folders that every machine needs.
var system = []string{
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys",
	"/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/spool", "/Users", "/Volumes",
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	at := path.Clean(c.Path)
	switch {
	case !path.IsAbs(c.Path) || at == "/":
		return []providers.Problem{{Attribute: "path", Summary: "Invalid path", Detail: "Write the absolute path of a folder that is not the root."}}
	case slices.Contains(system, at):
		return []providers.Problem{{Attribute: "path", Summary: "Invalid path", Detail: fmt.Sprintf("%s belongs to the system. Name a folder in it.", at)}}
	case strings.ContainsAny(c.Path, "\x00\n\r"):
		return []providers.Problem{{Attribute: "path", Summary: "Invalid path", Detail: "A path with a line break in it is not looked for in other files. Rename the folder first."}}
	}
	if c.MinCopies < 1 {
		return []providers.Problem{{Attribute: "min_copies", Summary: "Invalid count", Detail: "At least one destination must have the backup."}}
	}
	return nil
}

// Cleaner makes what removes the folder.
func (c *Config) Cleaner(environment providers.Environment) (providers.Cleaner, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	return &cleaner{
		path: path.Clean(c.Path), host: host, files: host.Files(), clock: environment.Clock, places: places,
		here: c.Host.OfHost() == providers.LocalHost, engine: func() (providers.Containers, error) { return environment.Containers(host) },
	}, nil
}

// Guard implements providers.CleanupConfig.
func (c *Config) Guard() providers.CleanupGuard {
	return providers.CleanupGuard{Backup: c.RequiresBackup, MinCopies: int(c.MinCopies)}
}

// GraceTime implements providers.Graced.
func (c *Config) GraceTime() time.Duration { return c.Grace.Std() }

// Removes implements providers.CleanupConfig.
func (c *Config) Removes(providers.Environment) []providers.Occupied {
	return []providers.Occupied{{Host: c.Host, Path: path.Clean(c.Path)}}
}

// Uncovered implements providers.CleanupConfig.
func (c *Config) Uncovered(source providers.SourceConfig, environment providers.Environment) string {
	placed, ok := source.(providers.Placed)
	if !ok {
		return "it is no backup of files"
	}
	target := placed.Place(environment)
	at := path.Clean(c.Path)
	switch read := path.Clean(target.Location); {
	case target.Kind != providers.TargetDirectory:
		return "it is no backup of files"
	case target.Host.OfHost() != c.Host.OfHost():
		return fmt.Sprintf("it reads %s on %s, and the folder is on %s", read, target.Host.OfHost(), c.Host.OfHost())
	case at != read && !strings.HasPrefix(at, strings.TrimSuffix(read, "/")+"/"):
		return fmt.Sprintf("it reads %s, not %s", read, at)
	}
	if excluding, ok := source.(providers.Excluding); ok && len(excluding.Excludes()) > 0 {
		return "it leaves out " + strings.Join(excluding.Excludes(), ", ") + ", which would be in no backup"
	}
	return ""
}
