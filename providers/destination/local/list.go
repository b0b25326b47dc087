package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// List calls yield for every regular file whose path makes a legal key, in the order of keys. Temporary files are not
// among them. A folder that is not there is empty.
func (d *destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	return d.walk(ctx, prefix, func(folder string, info providers.FileInfo) error {
		key := path.Join(folder, info.Name)
		if checkKey(key) != nil || !strings.HasPrefix(key, prefix) {
			return nil
		}
		return yield(object(key, info))
	})
}

// Remnants lists the temporary files of uploads that are not in progress in this process.
func (d *destination) Remnants(ctx context.Context, prefix string) ([]providers.Remnant, error) {
	var remnants []providers.Remnant
	err := d.walk(ctx, prefix, func(folder string, info providers.FileInfo) error {
		key, ok := partialKey(folder, info.Name)
		name := path.Join(d.path(folder), info.Name)
		if !ok || !strings.HasPrefix(key, prefix) || d.inProgress(name) {
			return nil
		}
		remnants = append(remnants, providers.Remnant{Key: key, Name: name, Size: info.Size, Modified: info.Modified.UTC()})
		return nil
	})
	return remnants, err
}

// RemoveRemnant removes a temporary file that Remnants has named, and the folders that become empty by it.
func (d *destination) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("removing %s: %w", remnant.Name, err)
	}
	relative, inside := d.beneath(remnant.Name)
	folder := path.Dir(relative)
	key, partial := partialKey(folder, path.Base(relative))
	if !inside || !partial || key != remnant.Key {
		return fmt.Errorf("removing %s: it is not the file of an unfinished upload to %s of the destination %s", remnant.Name, remnant.Key, d.root)
	}
	if d.inProgress(remnant.Name) {
		return fmt.Errorf("removing %s: its upload is still in progress", remnant.Name)
	}
	if err := d.checkFolders(folder); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("removing %s: %w", remnant.Name, err)
	}
	info, err := d.files.Lstat(remnant.Name)
	if err == nil && !info.Mode.IsRegular() {
		return fmt.Errorf("removing %s: it is not a plain file", remnant.Name)
	}
	if err == nil {
		err = d.files.Remove(remnant.Name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing %s: %w", remnant.Name, err)
	}
	d.tidy(folder)
	return nil
}

// walk calls visit for every regular file that may belong to a prefix, with the folder of keys that it is in, in the order
// of keys. It looks at no folder that cannot hold a key with that prefix.
func (d *destination) walk(ctx context.Context, prefix string, visit func(folder string, info providers.FileInfo) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("listing %s: %w", d.root, err)
	}
	start := "."
	if slash := strings.LastIndexByte(prefix, '/'); slash >= 0 {
		start = prefix[:slash]
		if checkKey(start) != nil {
			return nil // no key begins like that
		}
	}
	if err := d.checkFolders(start); d.isAbsent(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("listing %s: %w", d.root, err)
	}
	return d.walkFolder(ctx, start, prefix, visit)
}

// walkFolder is walk for one folder and those below it.
func (d *destination) walkFolder(ctx context.Context, folder, prefix string, visit func(string, providers.FileInfo) error) error {
	entries, err := d.files.ReadDir(d.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it became empty and was removed meanwhile
	}
	if err != nil {
		return fmt.Errorf("listing %s: %w", d.path(folder), err)
	}
	slices.SortFunc(entries, func(a, b providers.FileInfo) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("listing %s: %w", d.path(folder), err)
		}
		name := path.Join(folder, entry.Name)
		switch {
		case entry.Mode.IsDir():
			if below := name + "/"; checkKey(name) != nil || !strings.HasPrefix(below, prefix) && !strings.HasPrefix(prefix, below) {
				continue
			}
			err = d.walkFolder(ctx, name, prefix, visit)
		case entry.Mode.IsRegular():
			err = visit(folder, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sortName puts a folder where its keys come, for "a-b" is before "a/b" and "a/b" before "a0".
func sortName(info providers.FileInfo) string {
	if info.Mode.IsDir() {
		return info.Name + "/"
	}
	return info.Name
}
