// Package git asks git about a repository: what a revision is, what lies between two of them, what is not committed, and
// what a remote has. It runs the git command of a machine, so that it works on every host in the same way.
//
// What comes from people or from a remote never becomes an option or a second command: names are checked before git sees
// them, and revisions are whole hashes, which Resolve makes of names. Git never asks anybody anything.
package git

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Repository is a git repository on a machine: a working copy, or a bare one. Its methods may be called at the same time.
type Repository struct {
	runner    providers.Runner
	clock     clock.Clock
	directory string // where the commands run: the top level, or the bare repository
	folder    string // the .git folder
	bare      bool
	patience  time.Duration // how long a remote may take to say what it has
}

// Open finds the repository that a folder belongs to. An error that is ErrNoRepository when it belongs to none, and also
// fs.ErrNotExist when there is no such folder; git must be 2.30 or later.
func Open(ctx context.Context, runner providers.Runner, clock clock.Clock, directory string) (*Repository, error) {
	r := &Repository{runner: runner, clock: clock, directory: directory, patience: patience}
	if err := r.requireGit(ctx); err != nil {
		return nil, err
	}
	answer, err := r.text(ctx, "rev-parse", "--is-bare-repository", "--absolute-git-dir")
	if err != nil {
		return nil, r.notOpened(ctx, err)
	}
	bare, folder, _ := strings.Cut(strings.TrimSuffix(answer, "\n"), "\n")
	r.bare, r.folder = bare == "true", folder
	if r.bare {
		r.directory = folder
		return r, nil
	}
	top, err := r.text(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("finding the top level of the working copy at %s: %w", directory, err)
	}
	r.directory = strings.TrimSuffix(top, "\n")
	return r, nil
}

// notOpened says why there is no repository in a folder.
func (r *Repository) notOpened(ctx context.Context, err error) error {
	// Hosts differ in how they say that there is no folder to start in.
	missing := providers.Command{Arguments: []string{"test", "!", "-e", r.directory}}
	if r.runner.Run(ctx, missing) == nil {
		return fmt.Errorf("%s on %s: %w: %w", r.directory, r.runner.Name(), ErrNoRepository, fs.ErrNotExist)
	}
	said := err.Error()
	switch {
	case strings.Contains(said, "not a git repository"), strings.Contains(said, "not a gitdir"):
		return fmt.Errorf("%s on %s: %w", r.directory, r.runner.Name(), ErrNoRepository)
	case strings.Contains(said, "dubious ownership"), strings.Contains(said, "unsafe repository"):
		return fmt.Errorf("%s on %s belongs to another user, and git refuses to work there: connect as that user, or run git config --global --add safe.directory %s there",
			r.directory, r.runner.Name(), r.directory)
	}
	return fmt.Errorf("opening the repository at %s on %s: %w", r.directory, r.runner.Name(), err)
}

// Create makes an empty bare repository in a folder, an absolute path, and opens it. One that is there already is opened as it
// is; parents are made.
func Create(ctx context.Context, runner providers.Runner, clock clock.Clock, directory string) (*Repository, error) {
	if !path.IsAbs(directory) {
		return nil, fmt.Errorf("%q is no absolute path", directory)
	}
	r := &Repository{runner: runner, clock: clock, directory: "/"}
	if err := r.requireGit(ctx); err != nil {
		return nil, err
	}
	if _, err := r.text(ctx, "init", "--quiet", "--bare", "--template=", "--end-of-options", directory); err != nil {
		return nil, fmt.Errorf("making a repository at %s on %s: %w", directory, runner.Name(), err)
	}
	return Open(ctx, runner, clock, directory)
}

// Directory is the top level of the working copy, or the folder of a bare repository: an absolute path.
func (r *Repository) Directory() string { return r.directory }

// Bare reports whether there is no working copy.
func (r *Repository) Bare() bool { return r.bare }

// requireGit says what is missing where there is no git, or none that can be used.
func (r *Repository) requireGit(ctx context.Context) error {
	if _, err := r.runner.LookPath(ctx, "git"); err != nil {
		return fmt.Errorf("git is needed on %s: %w", r.runner.Name(), err)
	}
	elsewhere := *r
	elsewhere.directory = "/"
	answer, err := elsewhere.text(ctx, "version")
	if err != nil {
		return fmt.Errorf("asking git on %s for its version: %w", r.runner.Name(), err)
	}
	if major, minor, ok := parseVersion(answer); ok && (major < 2 || major == 2 && minor < 30) {
		return fmt.Errorf("git on %s is %d.%d: 2.30 or later is needed", r.runner.Name(), major, minor)
	}
	return nil
}

// parseVersion reads "git version 2.39.5 (Apple Git-154)". What has no such form is for nobody to judge.
func parseVersion(answer string) (major, minor int, ok bool) {
	n, err := fmt.Sscanf(answer, "git version %d.%d", &major, &minor)
	return major, minor, err == nil && n == 2
}
