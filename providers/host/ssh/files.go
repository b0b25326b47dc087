package ssh

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/pkg/sftp"

	"github.com/castrolanda/imsctl/providers"
)

// fileSystem is the file system of a host over SFTP.
//
// What SFTP cannot do or tell: times are in whole seconds; files have no inode and no number of links, so that hard links
// cannot be seen, and devices no numbers; a symbolic link is not followed by Open, but one that takes the place of a file in
// the moment between the look at it and its opening is. Owners have the names that /etc/passwd and /etc/group give them.
//
// An error that wraps providers.ErrTemporary is that of the connection. Whether what was asked for was done is not known then.
type fileSystem struct {
	host  *host
	names names
}

func newFileSystem(h *host) *fileSystem { return &fileSystem{host: h} }

// server is a session for files and the link that it goes over.
type server struct {
	*sftp.Client
	link *link
}

// server returns the session of the connection that there is now.
func (f *fileSystem) server() (server, error) {
	for first := true; ; first = false {
		link, err := f.host.connection.get(context.Background())
		if err != nil {
			return server{}, err
		}
		client, err := link.sftp(f.host.config.Sudo)
		if first && err != nil && link.isBroken() {
			continue // see ask
		}
		return server{client, link}, err
	}
}

// do calls operate with a session. Errors name the operation and the path, unless nobody was let in.
func (f *fileSystem) do(operation, name string, operate func(server) error) error {
	server, err := f.server()
	if err != nil {
		return err
	}
	if err := operate(server); err != nil {
		return &fs.PathError{Op: operation, Path: name, Err: server.meaning(name, err)}
	}
	return nil
}

// ask is do for what can be done twice: a connection that broke while nobody used it is only noticed when it is used.
func (f *fileSystem) ask(operation, name string, operate func(server) error) error {
	err := f.do(operation, name, operate)
	var during *fs.PathError
	if errors.Is(err, providers.ErrTemporary) && errors.As(err, &during) {
		return f.do(operation, name, operate)
	}
	return err
}

// Lstat describes what is at a path without following a symbolic link.
func (f *fileSystem) Lstat(name string) (described providers.FileInfo, err error) {
	err = f.ask("lstat", name, func(s server) error {
		info, err := s.Lstat(name)
		if err != nil {
			return s.noFolder(name, err)
		}
		described = f.describe(s, info)
		return nil
	})
	return described, err
}

// ReadDir lists a folder sorted by name, without entries that vanish meanwhile: the server leaves them out.
func (f *fileSystem) ReadDir(name string) (list []providers.FileInfo, err error) {
	err = f.ask("readdir", name, func(s server) error {
		list = nil
		entries, err := s.ReadDir(name)
		if err != nil {
			return s.noFolder(name+"/.", err)
		}
		for _, entry := range entries {
			list = append(list, f.describe(s, entry))
		}
		return nil
	})
	slices.SortFunc(list, func(a, b providers.FileInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// Readlink returns what a symbolic link says.
func (f *fileSystem) Readlink(name string) (target string, err error) {
	err = f.ask("readlink", name, func(s server) error {
		target, err = s.ReadLink(name)
		return err
	})
	return target, err
}

// Open opens a file or a folder for reading. A symbolic link is refused (ELOOP), and so is what could block (ENXIO): the
// server opens a named pipe for as long as nobody writes to it.
func (f *fileSystem) Open(name string) (providers.ReadFile, error) {
	var opened *readFile
	err := f.ask("open", name, func(s server) error {
		info, err := s.Lstat(name)
		switch {
		case err != nil:
			return s.noFolder(name, err)
		case info.Mode()&fs.ModeSymlink != 0:
			return syscall.ELOOP
		case !info.Mode().IsRegular() && !info.IsDir():
			return syscall.ENXIO
		}
		file, err := s.Open(name)
		if err == nil {
			opened = &readFile{openFile: openFile{file: file, server: s, files: f, path: name}}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// Create makes a new file for writing; whatever has the name already, even a dangling link, is fs.ErrExist.
func (f *fileSystem) Create(name string, mode fs.FileMode) (providers.WriteFile, error) {
	var created *writeFile
	err := f.do("create", name, func(s server) error {
		file, err := s.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return s.taken(name, err)
		}
		// Nothing is in it that somebody could have read by now.
		if err := file.Chmod(mode); err != nil {
			return errors.Join(err, file.Close(), s.Remove(name))
		}
		created = &writeFile{openFile: openFile{file: file, server: s, files: f, path: name}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}

// MkdirAll makes a folder and its parents.
func (f *fileSystem) MkdirAll(name string, mode fs.FileMode) error {
	return f.ask("mkdir", name, func(s server) error { return s.makeFolders(path.Clean(name), mode) })
}

// makeFolders makes a folder that may be there already.
func (s server) makeFolders(name string, mode fs.FileMode) error {
	info, err := s.Stat(name)
	if err == nil && !info.IsDir() {
		return syscall.ENOTDIR
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if parent := path.Dir(name); parent != name {
		if err := s.makeFolders(parent, mode); err != nil {
			return err
		}
	}
	if err := s.Mkdir(name); err != nil {
		if info, statErr := s.Stat(name); statErr == nil && info.IsDir() {
			return nil // somebody else made it
		}
		return err
	}
	return s.Chmod(name, mode)
}

// Link gives a file a second name.
func (f *fileSystem) Link(from, to string) error {
	return f.do("link", to, func(s server) error {
		if _, can := s.HasExtension("hardlink@openssh.com"); !can {
			return errors.ErrUnsupported
		}
		err := s.Client.Link(from, to)
		if errors.Is(err, fs.ErrPermission) {
			return syscall.EPERM // as file systems without hard links answer
		}
		if err != nil {
			return s.taken(to, err)
		}
		return nil
	})
}

// Rename replaces the target atomically.
func (f *fileSystem) Rename(from, to string) error {
	return f.do("rename", to, func(s server) error {
		if _, can := s.HasExtension("posix-rename@openssh.com"); !can {
			return errors.ErrUnsupported
		}
		return s.PosixRename(from, to)
	})
}

// Remove removes a file or an empty folder.
func (f *fileSystem) Remove(name string) error {
	return f.do("remove", name, func(s server) error {
		err := s.Client.Remove(name)
		if isFailure(err) {
			if inside, listErr := s.ReadDir(name); listErr == nil && len(inside) > 0 {
				return syscall.ENOTEMPTY
			}
		}
		return err
	})
}

// SyncDir makes the entries of a folder durable.
func (f *fileSystem) SyncDir(name string) error {
	return f.ask("sync", name, func(s server) error {
		folder, err := s.Open(name)
		if err != nil {
			return err
		}
		err = folder.Sync()
		closeErr := folder.Close()
		// Some network file systems have no such operation; their entries are as durable as they get.
		if errors.Is(s.meaning(name, err), syscall.EINVAL) {
			err = nil
		}
		return errors.Join(err, closeErr)
	})
}

// Space tells the bytes that an ordinary user can still write on the file system of a path.
func (f *fileSystem) Space(name string) (free int64, err error) {
	err = f.ask("statvfs", name, func(s server) error {
		told, err := s.StatVFS(name)
		if err == nil {
			free = int64(told.Bavail * told.Frsize)
		}
		return err
	})
	return free, err
}

// CheckWritable asks the machine whether this user may make files in a folder: it knows of modes, access lists and file
// systems that are mounted for reading only. Where the user may run no commands, only the last of these is known.
func (f *fileSystem) CheckWritable(folder string) error {
	return f.ask("access", folder, func(s server) error {
		info, err := s.Stat(folder)
		switch {
		case err != nil:
			return err
		case !info.IsDir():
			return syscall.ENOTDIR
		case s.isReadOnly(folder):
			return syscall.EROFS
		}
		err = f.host.Run(context.Background(), providers.Command{
			Arguments: []string{"sh", "-c", `test -w "$1" && test -x "$1"`, "sh", folder}})
		var exit *providers.ExitError
		if errors.As(err, &exit) && exit.Code == 1 {
			return syscall.EACCES
		}
		if errors.Is(err, errNoCommands) {
			return nil
		}
		return err
	})
}
