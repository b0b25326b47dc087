package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"syscall"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// cleaner implements providers.Trashing.
type cleaner struct {
	path  string
	host  providers.Host
	files providers.FileSystem
	clock clock.Clock
	here  bool
	// places are where cron and systemd are looked for: the constant, but in tests.
	places string
	engine func() (providers.Containers, error)
}

// inspection is one look at the folder.
type inspection struct {
	*cleaner
	mu   sync.Mutex
	view providers.CleanupView
}

// refuse, wait and fact put words into the view. They are safe for concurrent use.
func (i *inspection) refuse(format string, arguments ...any) {
	i.say(&i.view.Refusals, format, arguments)
}
func (i *inspection) wait(format string, arguments ...any) { i.say(&i.view.Waits, format, arguments) }
func (i *inspection) fact(format string, arguments ...any) { i.say(&i.view.Facts, format, arguments) }

func (i *inspection) say(to *[]string, format string, arguments []any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*to = append(*to, fmt.Sprintf(format, arguments...))
}

// Inspect implements providers.Cleaner.
func (c *cleaner) Inspect(ctx context.Context) (providers.CleanupView, error) {
	i := &inspection{cleaner: c}
	var err error
	if i.view.Trash, err = c.trashes(); err != nil {
		return providers.CleanupView{}, err
	}
	info, err := c.files.Lstat(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		i.view.Gone = true
		return i.view, nil
	case err != nil:
		return providers.CleanupView{}, fmt.Errorf("looking at %s: %w", c.path, err)
	case info.Mode&fs.ModeSymlink != 0:
		i.refuse("%s is a symbolic link, not a folder: name what it leads to", c.path)
	case !info.Mode.IsDir():
		i.refuse("%s is not a folder", c.path)
	default:
		if err := i.look(ctx); err != nil {
			return providers.CleanupView{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return providers.CleanupView{}, err
	}
	return i.view, nil
}

// look looks at a folder that is there: whether it may be moved, how large it is, and who uses it.
func (i *inspection) look(ctx context.Context) error {
	if !i.mayBeMoved(ctx) {
		return nil
	}
	tree, err := i.measure(ctx)
	if err != nil {
		return err
	}
	i.view.Items = []providers.CleanupItem{{Name: i.path, Bytes: tree.bytes, Files: tree.files}}
	i.view.Newest, i.view.NewestName, i.view.Fingerprint = tree.newest, tree.newestName, tree.fingerprint()
	i.containers(ctx)
	i.processes(ctx)
	i.mentions(ctx)
	return nil
}

// Remove implements providers.Cleaner: it moves the folder to the trash that the order names.
func (c *cleaner) Remove(_ context.Context, order providers.CleanupOrder, seen providers.CleanupView) (providers.CleanupOutcome, error) {
	none := providers.CleanupOutcome{}
	switch {
	case len(seen.Items) == 0:
		return none, fmt.Errorf("%w: %s is not there any more", providers.ErrCleanupRefused, c.path)
	case len(order.Items) != 1 || order.Items[0].Name != c.path:
		return none, fmt.Errorf("%w: the plan is not about %s", providers.ErrCleanupRefused, c.path)
	case order.Fingerprint != seen.Fingerprint:
		return none, fmt.Errorf("%w: what is in %s has changed since the plan: make a new plan", providers.ErrCleanupRefused, c.path)
	case path.Dir(order.Trash) != c.trashFolder():
		return none, fmt.Errorf("%w: %s is no trash of %s", providers.ErrCleanupRefused, order.Trash, c.path)
	}
	if err := c.moveToTrash(order.Trash); err != nil {
		return none, err
	}
	return providers.CleanupOutcome{Removed: []string{c.path}}, nil
}
