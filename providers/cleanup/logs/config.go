// Package logs removes old log files once a backup of them exists.
//
// # Files
//
// A file goes when it is older than it must be, when the backup's source reads it, when the artifact was begun after its last
// change, and when no process has it open. The last change is that of the content or of the inode, whichever is later: a file
// that was moved to its place after the backup has a new time of the second kind, whatever the first one says. Who has a file open is
// looked for by device and inode among all descriptors of all processes, since a process in a container sees it under another name.
// That takes root.
//
// A file that is open is never truncated. Whoever writes could write between the last look and the truncation, and these lines
// would be lost.
//
// # Logs of containers
//
// Of the logs that the engine keeps as json-file only rotated files go, whole, and only when all of their lines lie between where
// verified artifacts began and ended. The file that the engine writes to stays: nobody can empty it without losing what is written
// at that moment, and the last message that the backup has is where the next one goes on. So what bounds it is the engine's own
// rotation (max-size and max-file).
//
// # Removing
//
// A file is renamed within its folder first. Then nobody can open it any more, and if it is still the same and nobody has it open, it is
// removed; otherwise it gets its name back.
package logs

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: cleanup "logs".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCleanup,
		Type:    "logs",
		Summary: "Log files behind a backup of them.",
		New:     func() providers.Config { return &Config{OlderThan: units.Duration(usualAge), MinCopies: 2} },
	}
}

// usualAge is how old a file is that is removed, where nothing else is said.
const usualAge = 7 * 24 * time.Hour

// Config is the body of the block.
type Config struct {
	Host           providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Paths          []string            `hcl:"paths,optional" doc:"The files, as absolute paths or patterns such as \"/var/log/app/*.log.*\", ** across folders; either these or containers."`
	Containers     []string            `hcl:"containers,optional" doc:"The containers whose rotated logs are meant, as names or patterns such as \"ims_*\"; either these or paths."`
	OlderThan      units.Duration      `hcl:"older_than,optional" doc:"Only what was last changed longer ago; \"7d\" when left out."`
	RequiresBackup providers.Reference `hcl:"requires_backup" kind:"backup" doc:"Their backup, of a files source for paths and of a docker_logs source for containers: verified, and younger than they are."`
	MinCopies      int64               `hcl:"min_copies,optional" doc:"How many destinations must have the backup; 2 when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	mistake := func(attribute, summary, format string, arguments ...any) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(format, arguments...)})
	}
	switch {
	case len(c.Paths) == 0 && len(c.Containers) == 0:
		mistake("paths", "No logs", "Name files in paths, or containers in containers.")
	case len(c.Paths) > 0 && len(c.Containers) > 0:
		mistake("containers", "Files and containers", "Paths and containers have backups of different sources: write a block for each.")
	}
	for _, pattern := range c.Paths {
		base, _ := doublestar.SplitPattern(pattern)
		switch {
		case !path.IsAbs(pattern) || !doublestar.ValidatePattern(pattern) || slices.Contains(strings.Split(pattern, "/"), ".."):
			mistake("paths", "Invalid pattern", "%q is no absolute path and no pattern of such: * and ? stand for text within a name, ** for any folders.", pattern)
		case slices.ContainsFunc([]string{"/", "/proc", "/sys", "/dev"}, func(folder string) bool {
			return path.Clean(base) == folder || folder != "/" && strings.HasPrefix(path.Clean(base), folder+"/")
		}):
			mistake("paths", "Pattern too wide", "%q begins at %s. Name a folder of logs before the first pattern.", pattern, path.Clean(base))
		}
	}
	for _, pattern := range c.Containers {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			mistake("containers", "Invalid pattern", "%q is no name of a container and no pattern of names.", pattern)
		}
	}
	if c.MinCopies < 1 {
		mistake("min_copies", "Invalid count", "At least one destination must have the backup.")
	}
	return problems
}

// Guard implements providers.CleanupConfig.
func (c *Config) Guard() providers.CleanupGuard {
	return providers.CleanupGuard{Backup: c.RequiresBackup, MinCopies: int(c.MinCopies)}
}

// Removes implements providers.CleanupConfig: which files go is known only by looking.
func (*Config) Removes(providers.Environment) []providers.Occupied { return nil }

// Uncovered implements providers.CleanupConfig. Of each file it is asked again when it is seen.
func (c *Config) Uncovered(source providers.SourceConfig, environment providers.Environment) string {
	if len(c.Containers) > 0 {
		holding, ok := source.(providers.LogHolding)
		if !ok {
			return "it is no backup of the logs of containers (docker_logs)"
		}
		if host, _ := holding.LogsOf(); host.OfHost() != c.Host.OfHost() {
			return fmt.Sprintf("it is of the logs of containers on %s, not on %s", host.OfHost(), c.Host.OfHost())
		}
		return ""
	}
	holding, ok := source.(providers.Holding)
	placed, isPlaced := source.(providers.Placed)
	if !ok || !isPlaced {
		return "it is no backup of files (files)"
	}
	if host := placed.Place(environment).Host; host.OfHost() != c.Host.OfHost() {
		return fmt.Sprintf("it is of files on %s, not on %s", host.OfHost(), c.Host.OfHost())
	}
	for _, pattern := range c.Paths {
		base, rest := doublestar.SplitPattern(pattern)
		if why := holding.LeftOut(environment, path.Join(base, rest), false); rest != "" && !hasMeta(rest) && why != "" {
			return why
		}
		if why := holding.LeftOut(environment, path.Clean(base), true); why != "" && hasMeta(rest) {
			return why
		}
	}
	return ""
}

// hasMeta reports whether a text is a pattern.
func hasMeta(text string) bool { return strings.ContainsAny(text, `*?[{\`) }

// Cleaner makes what cleans up.
func (c *Config) Cleaner(environment providers.Environment) (providers.Cleaner, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	made := &cleaner{config: *c, host: host, environment: environment}
	if len(c.Containers) == 0 {
		return made, nil
	}
	containers, err := environment.ContainersOn(host)
	if err != nil {
		return nil, err
	}
	engine, ok := containers.(providers.Stockkeeper)
	if !ok {
		return nil, fmt.Errorf("the container engine on %s does not tell where it keeps logs", host.Name())
	}
	made.engine = engine
	return made, nil
}
