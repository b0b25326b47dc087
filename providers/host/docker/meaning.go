package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/providers"
)

// meaning translates the error of a request: what is the matter, and what to do.
func (e *engine) meaning(ctx context.Context, err error) error {
	var unreachable *dialError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return cause.Interruption(ctx)
	case errors.As(err, &unreachable):
		return e.unreachable(unreachable.err)
	case client.IsErrConnectionFailed(err):
		return fmt.Errorf("%w: the container engine on %s did not answer to the end: %w", providers.ErrTemporary, e.host.Name(), err)
	}
	return errors.New(said(err))
}

// unreachable explains why no engine can be reached.
func (e *engine) unreachable(err error) error {
	where := fmt.Sprintf("the container engine on %s (%s)", e.host.Name(), e.socket)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s may not be used by this user: add the user to the group that owns the socket (usermod -aG docker USER) and log in again", providers.ErrDenied, where)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there: is Docker installed and started (systemctl status docker)? %w", where, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %s does not answer: is Docker started (systemctl status docker)? %w", providers.ErrTemporary, where, err)
	case errors.Is(err, providers.ErrTemporary):
		return err
	}
	return fmt.Errorf("%s cannot be reached: is Docker started there, and is the user in the group that owns the socket? %w", where, err)
}

// said is what the engine said, without what its client puts before that.
func said(err error) string { return strings.TrimPrefix(err.Error(), "Error response from daemon: ") }

// isAbsent reports whether the engine said that there is no such thing.
func isAbsent(err error) bool { return cerrdefs.IsNotFound(err) }
