package files

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// unpacking is an archive being unpacked below a root.
type unpacking struct {
	ctx    context.Context
	root   *os.Root
	asRoot bool
	// folders get their modes and times last, because what is put into them changes both.
	folders []*tar.Header
}

// entry unpacks one entry.
func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	name := path.Clean(strings.TrimPrefix(header.Name, "./"))
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the name leads out of the folder")
	}
	header.Name = name
	if name != "." {
		if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if name != "." {
			if err := u.root.Mkdir(name, 0o700); err != nil && !isFolder(u.root, name) {
				return err
			}
		}
		u.folders = append(u.folders, header)
		return nil
	case tar.TypeReg:
		return u.file(header, content)
	case tar.TypeSymlink:
		if err := u.root.Symlink(header.Linkname, name); err != nil {
			return err
		}
		return u.describe(header)
	case tar.TypeLink:
		first := path.Clean(strings.TrimPrefix(header.Linkname, "./"))
		if !filepath.IsLocal(first) {
			return fmt.Errorf("the link leads out of the folder")
		}
		return u.root.Link(first, name)
	case tar.TypeFifo:
		return u.pipe(header)
	default:
		return fmt.Errorf("entries of type %q are not unpacked", header.Typeflag)
	}
}

// isFolder reports whether there is a folder, not a link to one, under a name already.
func isFolder(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	return err == nil && info.IsDir()
}

// file writes a file.
func (u *unpacking) file(header *tar.Header, content io.Reader) error {
	file, err := u.root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	written, err := io.Copy(file, content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if written != header.Size {
		return fmt.Errorf("%d bytes instead of %d", written, header.Size)
	}
	return u.describe(header)
}

// pipe makes a named pipe.
func (u *unpacking) pipe(header *tar.Header) error {
	folder, err := u.root.Open(path.Dir(header.Name))
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := unix.Mkfifoat(int(folder.Fd()), path.Base(header.Name), 0o600); err != nil {
		return err
	}
	return u.describe(header)
}

// describe gives an entry its owner, mode and times. Owners are for root only, as with every tar; changing them takes
// setuid bits away, so that modes come after.
func (u *unpacking) describe(header *tar.Header) error {
	if u.asRoot {
		if err := u.root.Lchown(header.Name, header.Uid, header.Gid); err != nil {
			return err
		}
	}
	if header.Typeflag == tar.TypeSymlink {
		return nil
	}
	if err := u.root.Chmod(header.Name, fileMode(header.Mode)); err != nil {
		return err
	}
	return u.root.Chtimes(header.Name, header.ModTime, header.ModTime)
}

// fileMode is the reverse of tarMode.
func fileMode(bits int64) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

// finish describes the folders, the deepest first.
func (u *unpacking) finish() error {
	for _, header := range slices.Backward(u.folders) {
		if err := u.describe(header); err != nil {
			return fmt.Errorf("unpacking %q: %w", header.Name, err)
		}
	}
	return nil
}
