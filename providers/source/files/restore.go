package files

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/castrolanda/imsctl/providers"
)

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetDirectory {
		return nil, fmt.Errorf("an archive of files cannot be restored to a %s: restore it to a folder, a file or standard output", target.Kind)
	}
	path, err := filepath.Abs(target.Location)
	if err != nil {
		return nil, err
	}
	return &restorer{target: path}, nil
}

// restorer implements providers.Restorer on the machine imsctl runs on.
type restorer struct{ target string }

// Prepare refuses a target that holds something.
func (r *restorer) Prepare(context.Context) error {
	parent, err := os.Stat(filepath.Dir(r.target))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s, in which %s would be made, does not exist", filepath.Dir(r.target), filepath.Base(r.target))
	case err != nil:
		return err
	case !parent.IsDir():
		return fmt.Errorf("%s is not a folder", filepath.Dir(r.target))
	}
	entries, err := os.ReadDir(r.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be used: %w", r.target, err)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty (it has %s): nothing was changed; name a folder that does not exist, or an empty one", r.target, entries[0].Name())
	}
	return nil
}

// Restore unpacks beside the target and gives the result the target's name when all of it is there.
func (r *restorer) Restore(ctx context.Context, archive io.Reader) (err error) {
	temporary, err := os.MkdirTemp(filepath.Dir(r.target), "."+filepath.Base(r.target)+".restore-")
	if err != nil {
		return fmt.Errorf("making a folder to unpack into: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	if err := unpack(ctx, archive, temporary); err != nil {
		return err
	}
	if err := os.Remove(r.target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not empty any more: %w", r.target, err)
	}
	return os.Rename(temporary, r.target)
}

// unpack reads an archive to its end. Nothing in it can reach outside of the folder: os.Root sees to that.
func unpack(ctx context.Context, archive io.Reader, folder string) (err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := &unpacking{ctx: ctx, root: root, asRoot: os.Geteuid() == 0}
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if err := u.entry(header, reader); err != nil {
			return fmt.Errorf("unpacking %q: %w", header.Name, err)
		}
	}
	// What lies behind the archive's end proves the archive: only its end says that all of it is right.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	return u.finish()
}
