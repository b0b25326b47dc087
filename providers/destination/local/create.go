package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// attempts is how often a folder is looked for or made again that somebody else removed as empty meanwhile.
	attempts = 10
	// tick is how long Create waits for the file system's clock to move on, and clockLimit how long in all: the coarsest
	// stamps in use are of two seconds (FAT).
	tick       = 5 * time.Millisecond
	clockLimit = 3 * time.Second
)

// Create makes the folders of the key and a temporary file there.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.path(key), err)
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	existing, err := d.existing(key, options.Replace)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.path(key), err)
	}
	if err := d.checkSpace(key, options.Size); err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.path(key), err)
	}
	u := &upload{destination: d, ctx: ctx, key: key, options: options}
	if err := u.open(); err != nil {
		return nil, fmt.Errorf("creating %s: %w", d.path(key), err)
	}
	if err := u.outdate(existing); err != nil {
		return nil, errors.Join(fmt.Errorf("creating %s: %w", d.path(key), err), u.Abort(context.WithoutCancel(ctx)))
	}
	return u, nil
}

// existing describes what is under a key; the zero FileInfo when there is nothing. It is an error if it may not be replaced.
func (d *destination) existing(key string, replace bool) (providers.FileInfo, error) {
	if err := d.checkFolders(path.Dir(key)); errors.Is(err, fs.ErrNotExist) {
		return providers.FileInfo{}, nil
	} else if err != nil {
		return providers.FileInfo{}, err
	}
	info, err := d.files.Lstat(d.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return providers.FileInfo{}, nil
	case err != nil:
		return providers.FileInfo{}, err
	case !info.Mode.IsRegular():
		return providers.FileInfo{}, errors.New("there is a folder, a link or a special file of that name: move it away")
	case !replace:
		return providers.FileInfo{}, providers.ErrExists
	}
	return info, nil
}

// checkSpace checks that size bytes can be written under a key.
func (d *destination) checkSpace(key string, size int64) error {
	folder, free, err := d.room(d.path(path.Dir(key)))
	if err != nil {
		return err
	}
	if free > 0 && size <= free {
		return nil
	}
	needed := ""
	if size > 0 {
		needed = units.Bytes(size) + " are needed, and "
	}
	return fmt.Errorf("%w: %sthe file system of %s has %s to give, besides %s that are left alone",
		providers.ErrNoSpace, needed, folder, units.Bytes(free), units.Bytes(reserve))
}

// open makes the upload's folders and its temporary file.
func (u *upload) open() error {
	d, folder := u.destination, path.Dir(u.key)
	var last error
	for range attempts {
		name, err := partialName(d.random, path.Base(u.key))
		if err != nil {
			return err
		}
		made, err := d.makeFolders(folder)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			last = err
			continue // a folder was removed as empty while it or those below it were made
		}
		if err != nil {
			return err
		}
		u.temporary, u.made = path.Join(d.path(folder), name), made
		d.begin(u.temporary)
		u.file, err = d.files.Create(u.temporary, 0o600)
		if err == nil {
			return nil
		}
		d.end(u.temporary)
		if errors.Is(err, providers.ErrTemporary) {
			// It may have been made. What cannot be removed now is a remnant.
			_ = d.files.Remove(u.temporary)
		}
		last = err
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("making a temporary file: %w%s", err, advice(err))
			if isFull(err) {
				err = fmt.Errorf("%w: %w", providers.ErrNoSpace, err)
			}
			return errors.Join(err, d.removeMade(made))
		}
	}
	return fmt.Errorf("making a temporary file: %w", last)
}

// outdate waits until what is written now gets a later time stamp than the object that is to be replaced, since a Version is
// made of that. Stamps stand still for some milliseconds on most file systems and for seconds on some.
func (u *upload) outdate(existing providers.FileInfo) error {
	files := u.destination.files
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for waited := time.Duration(0); existing.Name != ""; waited += tick {
		info, err := u.file.Stat()
		if err != nil {
			return err
		}
		if !info.Modified.Equal(existing.Modified) {
			return nil
		}
		if waited > clockLimit {
			return fmt.Errorf("the file system's clock has stood still at %s for %s", info.Modified, clockLimit)
		}
		select {
		case <-u.ctx.Done():
			return u.ctx.Err()
		case <-ticker.C:
		}
		// A file gets its stamp when it is made, so a new one shows the clock.
		if err := errors.Join(u.file.Close(), files.Remove(u.temporary)); err != nil {
			return err
		}
		file, err := files.Create(u.temporary, 0o600)
		if err != nil {
			return err
		}
		u.file = file
	}
	return nil
}
