package site

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// Hook runs the hooks of a moment in a release, one after another, and writes what they say to output.
//
// On the host a hook starts in the folder of the release. In a service, migrate runs in a container of its own that is made of the
// release's image and files and joins the networks of the project; every other hook runs in a container of the service that
// is running, or, when none is, in one of its own as well. Hooks see IMSCTL_RELEASE, IMSCTL_COMMIT and IMSCTL_PREVIOUS.
func (s *Site) Hook(ctx context.Context, moment providers.Moment, release providers.Release, written io.Writer) error {
	if written == nil {
		written = io.Discard
	}
	for _, hook := range s.target.Hooks {
		if hook.Moment != moment {
			continue
		}
		if err := s.runHook(ctx, hook, release, written); err != nil {
			return fmt.Errorf("the hook %s (%s): %w", moment, strings.Join(hook.Command, " "), err)
		}
	}
	return nil
}

// runHook runs one hook, for as long as it may take.
func (s *Site) runHook(ctx context.Context, hook providers.Hook, release providers.Release, written io.Writer) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if hook.Timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, hook.Timeout)
	}
	defer cancel()
	var said output.Tail
	var err error
	// Both outputs are one, as a terminal would show them.
	both := io.MultiWriter(written, &said)
	environment := []string{"IMSCTL_RELEASE=" + release.ID, "IMSCTL_COMMIT=" + release.Commit, "IMSCTL_PREVIOUS=" + release.Previous}
	if hook.Service == "" {
		err = s.hookOnHost(limited, hook, release, environment, both)
	} else {
		err = s.hookInService(limited, hook, release, environment, both)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("was not done after %s and was ended", hook.Timeout)
	}
	return withLines(err, said.String())
}

// withLines adds the last lines of what was said.
func withLines(err error, said string) error {
	var exit *providers.ExitError
	if errors.As(err, &exit) {
		plain := *exit
		plain.Stderr = "" // it is among the lines
		err = &plain
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	const shown = 10
	if last := strings.TrimSpace(strings.Join(lines[max(0, len(lines)-shown):], "\n")); last != "" {
		return fmt.Errorf("%w\n%s", err, last)
	}
	return err
}

// inRelease is the release whose files a hook sees: that which is meant, or, where that brought no files, the one that runs. Without an ID
// it is a project that was never deployed.
func (s *Site) inRelease(release providers.Release) (folder, id string, err error) {
	if release.ID != "" {
		if sealed, err := s.isSealed(release.ID); err != nil || sealed {
			return s.Folder(release.ID), release.ID, err
		}
	}
	id, err = s.current()
	if id == "" {
		return s.target.Path, "", err
	}
	return s.Folder(id), id, err
}

func (s *Site) hookOnHost(ctx context.Context, hook providers.Hook, release providers.Release, environment []string, written io.Writer) error {
	folder, _, err := s.inRelease(release)
	if err != nil {
		return err
	}
	return s.host.Run(ctx, providers.Command{Arguments: hook.Command, Environment: environment, Directory: folder, Stdout: written, Stderr: written})
}

// hookPrefix is what the names of the containers begin with that are made for hooks.
const hookPrefix = "imsctl-"

func (s *Site) hookInService(ctx context.Context, hook providers.Hook, release providers.Release, environment []string, written io.Writer) error {
	if hook.Moment == providers.BeforeDeploy && s.isEmpty(release) {
		_, err := fmt.Fprintln(written, "before_deploy is left out: nothing runs yet")
		return err
	}
	c, err := s.hookCall(ctx, release)
	if err != nil {
		return err
	}
	found, err := s.containers(ctx, c.project)
	if err != nil {
		return err
	}
	index := slices.IndexFunc(found, func(one providers.Container) bool { return one.Service == hook.Service && one.State == "running" })
	if hook.Moment != providers.Migrate && index >= 0 {
		command := providers.Command{Arguments: hook.Command, Environment: environment, Stdout: written, Stderr: written}
		return s.engine.In(found[index].Name).Run(ctx, command)
	}
	name := fmt.Sprintf(hookPrefix+"%s-%s-%s", strings.ReplaceAll(string(hook.Moment), "_", "-"), hook.Service, strings.ToLower(rand.Text()[:8]))
	arguments := []string{"run", "--rm", "--no-TTY", "--quiet-pull", "--name", name}
	if len(found) > 0 {
		// What it works with runs already, and is not touched. The first time, compose brings that up.
		arguments = append(arguments, "--no-deps")
	}
	for _, variable := range environment {
		arguments = append(arguments, "--env", variable)
	}
	command, err := s.command(ctx, c, append(append(arguments, hook.Service), hook.Command...)...)
	if err != nil {
		return err
	}
	// What compose does for it is not what it says. Older versions do not know the variable, and are understood all the same.
	command.Environment = append(command.Environment, "COMPOSE_PROGRESS=quiet")
	command.Stdout, command.Stderr = written, written
	err = named(s.host.Run(ctx, command), arguments)
	if err != nil {
		// When compose was ended, its container may run on.
		clearing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if clearErr := s.removeContainer(clearing, name); clearErr != nil {
			err = errors.Join(err, fmt.Errorf("ending the container %s: %w", name, clearErr))
		}
	}
	return err
}

// removeContainer ends and removes a container, which need not be there.
func (s *Site) removeContainer(ctx context.Context, name string) error {
	_, err := s.shell(ctx, `said=$(docker rm --force "$1" 2>&1) || case $said in *"o such container"*) ;; *) echo "$said" >&2; exit 1 ;; esac`, name)
	return err
}

// hookCall is how compose is called with the files and the images of a release.
func (s *Site) hookCall(ctx context.Context, release providers.Release) (call, error) {
	folder, id, err := s.inRelease(release)
	if err != nil {
		return call{}, err
	}
	c, err := s.callIn(ctx, folder)
	if err == nil && id != "" {
		c.more = append(c.more, s.remembered(id, "images.yaml"))
	}
	return c, err
}

// isEmpty reports whether nothing was ever deployed or brought up by hand.
func (s *Site) isEmpty(release providers.Release) bool {
	_, id, err := s.inRelease(release)
	if err != nil || id != "" {
		return false
	}
	_, err = s.host.Files().Lstat(path.Join(s.target.Path, s.target.Compose))
	return errors.Is(err, fs.ErrNotExist)
}
