package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/castrolanda/imsctl/providers"
)

// reserve is how much space an upload leaves free, in bytes, for the manifests and whoever else needs the disk.
const reserve = 1 << 20

// Status checks that objects can be read and written: that files may be made in the folder, or in the nearest one that it
// can be made in. It changes nothing. A full disk is no error; nothing is free then. Free is what uploads may use.
func (d *destination) Status(ctx context.Context) (providers.Status, error) {
	if err := ctx.Err(); err != nil {
		return providers.Status{}, fmt.Errorf("looking at destination folder %s: %w", d.root, err)
	}
	folder, free, err := d.room(d.root)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination folder %s cannot be used: %w", d.root, err)
	}
	if folder == d.root {
		if _, err := d.files.ReadDir(folder); err != nil {
			return providers.Status{}, fmt.Errorf("destination folder %s cannot be read: %w%s", d.root, err, advice(err))
		}
	}
	if err := d.files.CheckWritable(folder); err != nil && folder != d.root {
		return providers.Status{}, fmt.Errorf("destination folder %s cannot be made in %s: %w%s", d.root, folder, err, advice(err))
	} else if err != nil {
		return providers.Status{}, fmt.Errorf("destination folder %s cannot be written to: %w%s", d.root, err, advice(err))
	}
	return providers.Status{Free: free}, nil
}

// nearest returns a folder, or the nearest above it that exists.
func (d *destination) nearest(folder string) (string, error) {
	for {
		exists, err := d.isFolder(folder)
		if err != nil {
			return "", err
		}
		if exists || folder == "/" {
			return folder, nil
		}
		folder = path.Dir(folder)
	}
}

// room tells how many bytes uploads may still write below a folder, and the nearest existing one that was asked about.
func (d *destination) room(folder string) (existing string, free int64, err error) {
	for range attempts {
		existing, err = d.nearest(folder)
		if err != nil {
			return "", 0, err
		}
		free, err = d.files.Space(existing)
		if err == nil {
			return existing, max(0, free-reserve), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		// It was removed as empty meanwhile.
	}
	return "", 0, fmt.Errorf("asking for the free space of %s: %w", existing, err)
}
