package local

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
)

// fileSystem is the machine's file system through package os.
type fileSystem struct{ users, groups names }

func newFileSystem() *fileSystem {
	return &fileSystem{
		users: names{lookup: func(id string) (string, error) {
			found, err := user.LookupId(id)
			if err != nil {
				return "", err
			}
			return found.Username, nil
		}},
		groups: names{lookup: func(id string) (string, error) {
			found, err := user.LookupGroupId(id)
			if err != nil {
				return "", err
			}
			return found.Name, nil
		}},
	}
}

// Lstat describes what is at path without following a symbolic link.
func (f *fileSystem) Lstat(path string) (providers.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return providers.FileInfo{}, err
	}
	return f.describe(info), nil
}

// ReadDir lists a folder sorted by name, without entries that vanish meanwhile.
func (f *fileSystem) ReadDir(path string) ([]providers.FileInfo, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	list := make([]providers.FileInfo, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f.describe(info))
	}
	return list, nil
}

// Readlink returns what a symbolic link says.
func (*fileSystem) Readlink(path string) (string, error) { return os.Readlink(path) }

// Open opens a file for reading. A symbolic link is refused, not followed, and a named pipe that nobody writes to does not
// block: what was a plain file when it was listed may have been replaced since.
func (f *fileSystem) Open(path string) (providers.ReadFile, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return &readFile{File: file, files: f}, nil
}

// Create makes a new file for writing; whatever has the name already, even a dangling link, is fs.ErrExist.
func (f *fileSystem) Create(path string, mode fs.FileMode) (providers.WriteFile, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return nil, err
	}
	return &writeFile{file: file, files: f}, nil
}

// MkdirAll makes a folder and its parents.
func (*fileSystem) MkdirAll(path string, mode fs.FileMode) error { return os.MkdirAll(path, mode) }

// Link gives a file a second name.
func (*fileSystem) Link(from, to string) error { return os.Link(from, to) }

// Rename replaces the target atomically.
func (*fileSystem) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file or an empty folder.
func (*fileSystem) Remove(path string) error { return os.Remove(path) }

// SyncDir makes the entries of a folder durable.
func (*fileSystem) SyncDir(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	// Some network file systems have no such operation and answer EINVAL; their entries are as durable as they get.
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// CheckWritable asks the system whether this process may make files in a folder: it knows of modes, access lists and
// file systems that are mounted for reading only.
func (*fileSystem) CheckWritable(folder string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "access", Path: folder, Err: err}
	}
	return nil
}

// describe translates what the system says of a file.
func (f *fileSystem) describe(info fs.FileInfo) providers.FileInfo {
	described := providers.FileInfo{
		Name:     info.Name(),
		Size:     info.Size(),
		Mode:     info.Mode(),
		Modified: info.ModTime(),
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		described.UID, described.GID = int(stat.Uid), int(stat.Gid)
		described.Owner, described.Group = f.users.name(described.UID), f.groups.name(described.GID)
		described.Device, described.Inode = uint64(stat.Dev), stat.Ino
		described.Links = uint64(stat.Nlink)
		described.Rdev = uint64(stat.Rdev)
	}
	return described
}

// names remembers what ids are called, for a folder of a million files has a handful of owners.
type names struct {
	lookup func(id string) (string, error)
	mu     sync.Mutex
	known  map[int]string
}

// name returns the name of an id, empty where it has none.
func (n *names) name(id int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.known[id]; ok {
		return name
	}
	name, err := n.lookup(strconv.Itoa(id))
	if err != nil {
		name = "" // a number without a name is ordinary, in containers above all
	}
	if n.known == nil {
		n.known = make(map[int]string)
	}
	n.known[id] = name
	return name
}
