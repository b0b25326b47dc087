package local

import (
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// linkless is a file system without hard links.
type linkless struct{ providers.FileSystem }

func (linkless) Link(from, to string) error {
	return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
}

// Rename takes its time, as those file systems do, so that whoever looks before renaming must see to it that it still holds.
func (l linkless) Rename(from, to string) error {
	time.Sleep(5 * time.Millisecond)
	return l.FileSystem.Rename(from, to)
}

// coarse is a file system whose time stamps are of tenths of a second.
type coarse struct{ providers.FileSystem }

func round(info providers.FileInfo, err error) (providers.FileInfo, error) {
	info.Modified = info.Modified.Truncate(100 * time.Millisecond)
	return info, err
}

func (c coarse) Lstat(path string) (providers.FileInfo, error) {
	return round(c.FileSystem.Lstat(path))
}

func (c coarse) ReadDir(path string) ([]providers.FileInfo, error) {
	list, err := c.FileSystem.ReadDir(path)
	for i := range list {
		list[i], _ = round(list[i], nil)
	}
	return list, err
}

func (c coarse) Create(path string, mode fs.FileMode) (providers.WriteFile, error) {
	file, err := c.FileSystem.Create(path, mode)
	return coarseFile{file}, err
}

type coarseFile struct{ providers.WriteFile }

func (c coarseFile) Stat() (providers.FileInfo, error) { return round(c.WriteFile.Stat()) }

// faulty is a file system whose calls fail where its functions say so.
type faulty struct {
	providers.FileSystem
	syncDir, remove func(path string) error
	sync            func() error
	linked          func(from, to string) error
}

func (f faulty) SyncDir(path string) error {
	if f.syncDir != nil {
		if err := f.syncDir(path); err != nil {
			return err
		}
	}
	return f.FileSystem.SyncDir(path)
}

func (f faulty) Remove(path string) error {
	if f.remove != nil {
		if err := f.remove(path); err != nil {
			return err
		}
	}
	return f.FileSystem.Remove(path)
}

func (f faulty) Create(path string, mode fs.FileMode) (providers.WriteFile, error) {
	file, err := f.FileSystem.Create(path, mode)
	if err == nil && f.sync != nil {
		file = faultyFile{file, f.sync}
	}
	return file, err
}

// Link answers what linked says of a link that was made.
func (f faulty) Link(from, to string) error {
	err := f.FileSystem.Link(from, to)
	if err == nil && f.linked != nil {
		return f.linked(from, to)
	}
	return err
}

type faultyFile struct {
	providers.WriteFile
	sync func() error
}

func (f faultyFile) Sync() error {
	if err := f.sync(); err != nil {
		return err
	}
	return f.WriteFile.Sync()
}
