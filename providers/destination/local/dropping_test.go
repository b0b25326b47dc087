package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// dropping is the file system of a host whose connection breaks at one of the calls that change something, before or after
// it was carried out. Like one over SFTP it has no inodes. Files that are open are lost with the connection.
type dropping struct {
	providers.FileSystem
	// at is the number of the call, counted from 1, and after whether it is carried out.
	at    int
	after bool
	calls int
	lost  int // connections
}

func (d *dropping) call(operate func() error) error {
	d.calls++
	if d.calls != d.at {
		return operate()
	}
	d.lost++
	var err error
	if d.after {
		err = operate()
	}
	return errors.Join(fmt.Errorf("%w: the connection broke", providers.ErrTemporary), err)
}

func (d *dropping) Link(from, to string) error {
	return d.call(func() error { return d.FileSystem.Link(from, to) })
}

func (d *dropping) Rename(from, to string) error {
	return d.call(func() error { return d.FileSystem.Rename(from, to) })
}

func (d *dropping) Remove(path string) error {
	return d.call(func() error { return d.FileSystem.Remove(path) })
}

func (d *dropping) SyncDir(path string) error {
	return d.call(func() error { return d.FileSystem.SyncDir(path) })
}

func (d *dropping) Lstat(path string) (info providers.FileInfo, err error) {
	err = d.call(func() error {
		info, err = d.FileSystem.Lstat(path)
		info.Inode, info.Device, info.Links = 0, 0, 0
		return err
	})
	return info, err
}

func (d *dropping) Create(path string, mode fs.FileMode) (file providers.WriteFile, err error) {
	err = d.call(func() error {
		file, err = d.FileSystem.Create(path, mode)
		return err
	})
	return &droppingFile{file, d, d.lost}, err
}

type droppingFile struct {
	providers.WriteFile
	files *dropping
	lost  int
}

func (f *droppingFile) call(operate func() error) error {
	if f.lost != f.files.lost {
		return fmt.Errorf("%w: the connection broke", providers.ErrTemporary)
	}
	return f.files.call(operate)
}

func (f *droppingFile) Write(p []byte) (n int, err error) {
	err = f.call(func() error {
		n, err = f.WriteFile.Write(p)
		return err
	})
	return n, err
}

func (f *droppingFile) Sync() error  { return f.call(f.WriteFile.Sync) }
func (f *droppingFile) Close() error { return errors.Join(f.call(f.WriteFile.Close)) }

// TestConnectionThatBreaksAnywhere lets the connection break at every step of an upload, before and after the step. What
// may be done again is done again: it must succeed, and what may not must leave nothing.
func TestConnectionThatBreaksAnywhere(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			for at := 1; ; at++ {
				name := fmt.Sprintf("replace %t, after %t, call %d", replace, after, at)
				d := overBreaks(t, filepath.Join(t.TempDir(), "root"), at, after)
				committed, err := uploadOverBreaks(d, replace)
				if left := tree(t, d.root); committed != slices.Equal(left, []string{"a", "a/object"}) || !committed && len(left) != 0 {
					t.Errorf("%s: left: %q after %v", name, left, err)
				}
				if d.files.(*dropping).lost == 0 {
					break
				}
			}
		}
	}
}

// overBreaks is a destination over a connection that breaks at a call.
func overBreaks(t *testing.T, root string, call int, after bool) *destination {
	t.Helper()
	d := at(t, root)
	d.files = &dropping{FileSystem: d.files, at: call, after: after}
	return d
}

// uploadOverBreaks uploads, and does again what may be done again. It aborts what has failed for good.
func uploadOverBreaks(d *destination, replace bool) (committed bool, err error) {
	ctx, data := context.Background(), []byte("data")
	upload, err := d.Create(ctx, "a/object", providers.CreateOptions{Replace: replace})
	if errors.Is(err, providers.ErrTemporary) {
		upload, err = d.Create(ctx, "a/object", providers.CreateOptions{Replace: replace})
	}
	if err != nil {
		return false, err
	}
	if _, err = upload.Write(data); err == nil {
		_, err = upload.Commit(ctx, sums(data))
		if errors.Is(err, providers.ErrTemporary) {
			_, err = upload.Commit(ctx, sums(data))
		}
	}
	if err == nil {
		return true, nil
	}
	return false, errors.Join(err, upload.Abort(ctx))
}

// TestCommitThatIsGivenUpAfterABreak gives up what could be committed again: nothing must be seen of it, whether or not it
// had its name already.
func TestCommitThatIsGivenUpAfterABreak(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			d := overBreaks(t, filepath.Join(t.TempDir(), "root"), at, after)
			upload, err := d.Create(t.Context(), "a/object", providers.CreateOptions{})
			if err != nil {
				continue // the other test is about these
			}
			if _, err := upload.Write([]byte("data")); err == nil {
				_, err = upload.Commit(t.Context(), sums([]byte("data")))
				if err == nil {
					break
				}
			}
			if err := upload.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			if left := tree(t, d.root); len(left) != 0 {
				t.Errorf("after %t, call %d: left: %q", after, at, left)
			}
		}
	}
}
