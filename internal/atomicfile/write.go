// Package atomicfile replaces files so that a reader sees the old content or the new, never a part, and that the new
// content survives a power failure.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or makes it, with the given mode. On an error the old content is still there.
func Write(path string, data []byte, mode fs.FileMode) (err error) {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(file))
		}
	}()
	if err := file.Chmod(mode); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("making %s durable: %w", file.Name(), err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return errors.Join(file.Close(), SyncDirectory(folder))
}

// remove gives up a temporary file; that it was renamed or closed already is fine.
func remove(file *os.File) error {
	err := os.Remove(file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if closeErr := file.Close(); closeErr != nil && !errors.Is(closeErr, os.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// SyncDirectory makes the entries of a folder durable.
func SyncDirectory(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
