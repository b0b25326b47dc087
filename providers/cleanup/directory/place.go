package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// mayBeMoved reports whether the folder can be moved as one, and says why not.
func (i *inspection) mayBeMoved(ctx context.Context) bool {
	before := len(i.view.Refusals)
	if err := i.real(ctx); err != nil {
		i.refuse("%v", err)
		return false
	}
	mounted, err := i.mountsBelow(ctx, i.path)
	switch {
	case err != nil:
		i.refuse("%v", err)
	case len(mounted) > 0 && mounted[0] == i.path:
		i.refuse("%s is a mount point, so that it cannot be moved away as a whole: unmount it, or name a folder in it", i.path)
	case len(mounted) > 0:
		i.refuse("%s is mounted in it, and what is there is in no backup of the folder: unmount it", mounted[0])
	}
	i.homes(ctx)
	if err := i.files.CheckWritable(path.Dir(i.path)); err != nil {
		i.refuse("it cannot be moved out of %s: %v", path.Dir(i.path), err)
	}
	return len(i.view.Refusals) == before
}

// real refuses a path that leads through a symbolic link: who uses the folder is known by its real path.
func (i *inspection) real(ctx context.Context) error {
	told, err := i.run(ctx, "readlink", "-f", "--", i.path)
	if err != nil {
		return fmt.Errorf("where %s really is cannot be said: %w", i.path, err)
	}
	if found := strings.TrimSuffix(told, "\n"); found != i.path {
		return fmt.Errorf("%s leads through a symbolic link: write %s", i.path, found)
	}
	return nil
}

// homes refuses the home of a user.
func (i *inspection) homes(ctx context.Context) {
	told, err := i.run(ctx, "cat", "/etc/passwd")
	if err != nil {
		i.refuse("the users' homes are not known: %v", err)
		return
	}
	for line := range strings.Lines(told) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) == 7 && path.IsAbs(fields[5]) && isBelow(fields[5], i.path) && path.Clean(fields[5]) != "/" {
			i.refuse("the home of the user %s is %s", fields[0], fields[5])
		}
	}
}

// run runs a command on the host and returns what it prints.
func (c *cleaner) run(ctx context.Context, arguments ...string) (string, error) {
	var said bytes.Buffer
	err := c.host.Run(ctx, providers.Command{Arguments: arguments, Environment: []string{"LC_ALL=C"}, Stdout: &said})
	return said.String(), err
}

// runLoosely runs a command that goes over what vanishes while it looks: what it complains of is returned, and its status says nothing.
func (c *cleaner) runLoosely(ctx context.Context, command providers.Command) (said, complaints string, err error) {
	var stdout, stderr bytes.Buffer
	command.Environment = append(command.Environment, "LC_ALL=C")
	command.Stdout, command.Stderr = &stdout, &limited{w: &stderr, left: 64 << 10}
	err = c.host.Run(ctx, command)
	var exit *providers.ExitError
	if errors.As(err, &exit) && exit.Signal == "" && exit.Code < 126 && ctx.Err() == nil {
		err = nil
	}
	return stdout.String(), stderr.String(), err
}

// limited passes on the first bytes that it is given.
type limited struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	part := p[:min(len(p), l.left)]
	l.left -= len(part)
	if _, err := l.w.Write(part); err != nil {
		return 0, err
	}
	return len(p), nil
}

// isBelow reports whether a path is a folder or lies in it.
func isBelow(one, folder string) bool {
	one, folder = path.Clean(one), path.Clean(folder)
	return one == folder || strings.HasPrefix(one, strings.TrimSuffix(folder, "/")+"/")
}
