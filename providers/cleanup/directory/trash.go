package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// trashName is the folder beside what is removed; on the same file system, because what is removed is no mount point.
	trashName = ".imsctl-trash"
	// trashTime is the form of the time in the name of a trash.
	trashTime = "20060102T150405.000Z"
	// removing is what the name of a trash begins with once its removal has begun.
	removing = "removing-"
)

func (c *cleaner) trashFolder() string { return path.Join(path.Dir(c.path), trashName) }

// TrashFor implements providers.Trashing.
func (c *cleaner) TrashFor(at time.Time) string {
	return path.Join(c.trashFolder(), at.UTC().Format(trashTime)+"-"+path.Base(c.path))
}

// trashes lists what was moved to the trash of the folder.
func (c *cleaner) trashes() ([]providers.TrashItem, error) {
	entries, err := c.files.ReadDir(c.trashFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the trash %s: %w", c.trashFolder(), err)
	}
	var items []providers.TrashItem
	for _, entry := range entries {
		name, partial := strings.CutPrefix(entry.Name, removing)
		begun, ok := strings.CutSuffix(name, "-"+path.Base(c.path))
		if !ok {
			continue
		}
		if at, err := time.Parse(trashTime, begun); err == nil {
			items = append(items, providers.TrashItem{Name: path.Join(c.trashFolder(), name), MovedAt: at, Partial: partial})
		}
	}
	return items, nil
}

// moveToTrash moves the folder by one rename.
func (c *cleaner) moveToTrash(trash string) error {
	if err := c.files.MkdirAll(c.trashFolder(), 0o700); err != nil {
		return fmt.Errorf("making the trash %s: %w", c.trashFolder(), err)
	}
	if err := c.rename(c.path, trash); err != nil {
		return fmt.Errorf("moving %s to the trash: %w", c.path, err)
	}
	return nil
}

// rename moves a folder to where nothing is, durably.
func (c *cleaner) rename(from, to string) error {
	if _, err := c.files.Lstat(to); err == nil {
		return fmt.Errorf("%w: %s is in the way", providers.ErrCleanupRefused, to)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.files.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(c.files.SyncDir(path.Dir(to)), c.files.SyncDir(path.Dir(from)))
}

// isTrash refuses what is no trash of this folder.
func (c *cleaner) isTrash(trash string) error {
	name, ok := strings.CutSuffix(path.Base(trash), "-"+path.Base(c.path))
	if _, err := time.Parse(trashTime, name); err != nil || !ok || path.Dir(trash) != c.trashFolder() {
		return fmt.Errorf("%w: %s is no trash of %s", providers.ErrCleanupRefused, trash, c.path)
	}
	return nil
}

// rest is where a trash lies once its removal has begun.
func rest(trash string) string { return path.Join(path.Dir(trash), removing+path.Base(trash)) }

// Restore implements providers.Trashing.
func (c *cleaner) Restore(_ context.Context, trash string) error {
	if err := c.isTrash(trash); err != nil {
		return err
	}
	if _, err := c.files.Lstat(rest(trash)); err == nil {
		return fmt.Errorf("%w: the removal of %s was begun, so that a part of it is gone: restore the backup instead", providers.ErrCleanupRefused, trash)
	}
	if _, err := c.files.Lstat(trash); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there", providers.ErrCleanupRefused, trash)
	} else if err != nil {
		return fmt.Errorf("looking at %s: %w", trash, err)
	}
	if err := c.rename(trash, c.path); err != nil {
		return fmt.Errorf("putting %s back: %w", c.path, err)
	}
	c.dropTrashFolder()
	return nil
}

// Purge implements providers.Trashing. The trash gets another name first: from then on it is no whole folder any more.
func (c *cleaner) Purge(ctx context.Context, trash string) (providers.CleanupOutcome, error) {
	none := providers.CleanupOutcome{}
	if err := c.isTrash(trash); err != nil {
		return none, err
	}
	switch _, err := c.files.Lstat(trash); {
	case err == nil:
		if err := c.rename(trash, rest(trash)); err != nil {
			return none, fmt.Errorf("beginning the removal of %s: %w", trash, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return none, fmt.Errorf("looking at %s: %w", trash, err)
	}
	if _, err := c.files.Lstat(rest(trash)); errors.Is(err, fs.ErrNotExist) {
		return none, nil
	} else if err != nil {
		return none, fmt.Errorf("looking at %s: %w", rest(trash), err)
	}
	mounted, err := c.mountsBelow(ctx, rest(trash))
	if err != nil {
		return none, err
	}
	if len(mounted) > 0 {
		return none, fmt.Errorf("%w: something is mounted in the trash at %s", providers.ErrCleanupRefused, mounted[0])
	}
	tree, err := c.survey(ctx, rest(trash))
	if err != nil {
		return none, err
	}
	if err := c.host.Run(ctx, providers.Command{Arguments: []string{"rm", "-rf", "--", rest(trash)}}); err != nil {
		return none, fmt.Errorf("removing %s: %w", rest(trash), err)
	}
	c.dropTrashFolder()
	return providers.CleanupOutcome{Freed: tree.blocks, Removed: []string{trash}}, nil
}

// dropTrashFolder removes the folder of the trash where nothing else is in it.
func (c *cleaner) dropTrashFolder() {
	_ = c.files.Remove(c.trashFolder()) // one that is not empty stays
}
