// Package files backs up a folder or a file as one tar archive, and restores it into a folder.
//
// # The archive
//
// The archive is in the PAX format, which every tar since the turn of the century reads: names of any length and in any
// script, owners by number and name, modes with setuid, setgid and sticky bits, and times below a second are kept. Names
// are as "tar -C PATH -c ." writes them: "./" is the folder itself, "./a/b" something in it; where the path is one file,
// its own name is the only entry. Entries come in the order of their names, so that the same tree gives the same bytes.
//
// Symbolic links are kept as links and never followed, dangling ones too; only where the path itself is a link is it
// followed, once, when the reading starts. The second name of a file with hard links becomes a link in the archive. Named
// pipes are kept as entries without content, and so are devices where the host tells their numbers. Sockets are left out
// with a warning. Holes of sparse files are read as the zeros that they stand for and vanish in the compression. Access
// lists and extended attributes are not kept.
//
// # A tree that changes
//
// The tree is read as it is found, not from a snapshot. Of a file that grows meanwhile exactly the size that it had when it
// was opened is kept. One that shrinks is filled up with zeros, one that vanishes is left out, and one whose content is
// changed in place may be kept half old and half new: each of these is a warning. A file or folder that cannot be read is
// an error and fails the backup; up to twenty of them are told at once.
//
// # Another machine
//
// A folder of another machine is read by the GNU tar there, where there is one: the names come from imsctl, by the same walk and the
// same exclusions, and what tar writes is written anew, so that the archive is that of a reading here, byte by byte. Without one
// every file is read by SFTP, which shows times in whole seconds and neither hard links nor the numbers of devices.
//
// # Restoring
//
// An archive, or what paths pick of it, is unpacked into a hidden folder beside the target, which gets its place when everything is
// there and proven; what was in that place is removed only then. Nothing in an archive can reach outside of it. Owners are
// restored by their numbers, and only by root, who alone may give files away; devices can only be made by root. On another
// machine GNU tar does the unpacking.
package files

import (
	"fmt"
	"path/filepath"
	"strings"

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

		Drill:      newDriller,
		CheckDrill: checkDrill,
	}
}

// Config is the body of the block.
type Config struct {
	Host          providers.Reference `hcl:"host,optional" doc:"The host the files are on; the machine imsctl runs on when left out."`
	Path          string              `hcl:"path" doc:"The folder or file, a relative path starting at the folder of the specification; where it is a symbolic link, what it points to is read."`
	Exclude       []string            `hcl:"exclude,optional" doc:"Patterns of what is left out, folders with all that is in them: without a slash a pattern is about names at any depth (\".git\", \"*.pyc\"), with one about paths below path (\"/tmp\", \"var/*/cache\"); * and ? match within a name, ** across folders, \"x/**\" everything in x but not x, and a pattern that ends with a slash matches folders only."`
	OneFileSystem bool                `hcl:"one_file_system,optional" doc:"Whether folders that other file systems are mounted on are kept empty; false when left out."`
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
	if !filepath.IsAbs(c.Path) && c.Path != "" && !strings.HasPrefix(c.Path, "~") && !c.here() {
		problems = append(problems, providers.Problem{Attribute: "path", Summary: "Relative path on another host",
			Detail: fmt.Sprintf("%q would start at the folder of the specification, which is not on %s. Write an absolute path.", c.Path, c.Host.Address)})
	}
	for _, pattern := range c.Exclude {
		if _, err := newExclusion(pattern); err != nil {
			problems = append(problems, providers.Problem{Attribute: "exclude", Summary: "Invalid pattern",
				Detail: fmt.Sprintf("The pattern %q %v.", pattern, err)})
		}
	}
	return problems
}

// here reports whether the files are on the machine imsctl runs on.
func (c *Config) here() bool {
	return c.Host.IsZero() || strings.HasPrefix(c.Host.Address+".", "host.local.")
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	excluded := make([]exclusion, 0, len(c.Exclude))
	for _, pattern := range c.Exclude {
		exclusion, err := newExclusion(pattern)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q %w", pattern, err)
		}
		excluded = append(excluded, exclusion)
	}
	return &source{host: host, far: !c.here(), files: host.Files(), root: c.root(environment), excluded: excluded, oneFileSystem: c.OneFileSystem}, nil
}

// root is the path, absolute.
func (c *Config) root(environment providers.Environment) string {
	if filepath.IsAbs(c.Path) {
		return filepath.Clean(c.Path)
	}
	return filepath.Join(environment.Directory, c.Path)
}

// Place implements providers.Placed.
func (c *Config) Place(environment providers.Environment) providers.Target {
	return providers.Target{Kind: providers.TargetDirectory, Host: c.Host, Location: c.root(environment)}
}

// Excludes implements providers.Excluding.
func (c *Config) Excludes() []string { return c.Exclude }

// Claim implements providers.Claimed.
func (c *Config) Claim(environment providers.Environment) providers.Claim {
	what := c.root(environment)
	if len(c.Exclude) > 0 {
		what += " without " + strings.Join(c.Exclude, ", ")
	}
	return providers.Claim{Host: c.Host, What: what}
}

// LeftOut implements providers.Holding.
func (c *Config) LeftOut(environment providers.Environment, path string, folder bool) string {
	root := c.root(environment)
	relative, err := filepath.Rel(root, path)
	switch {
	case err != nil || relative == ".." || strings.HasPrefix(relative, "../"):
		return fmt.Sprintf("%s is not in %s", path, root)
	case c.OneFileSystem:
		return "it reads one file system only, and whether " + path + " is on that one is not known"
	case relative == ".":
		return ""
	}
	for _, pattern := range c.Exclude {
		excluded, err := newExclusion(pattern)
		if err != nil {
			return fmt.Sprintf("the pattern %q %v", pattern, err)
		}
		for at, isFolder := relative, folder; at != "."; at, isFolder = filepath.Dir(at), true {
			if excluded.matches(at, isFolder) {
				return fmt.Sprintf("%s is excluded by %q", path, pattern)
			}
		}
	}
	return ""
}
