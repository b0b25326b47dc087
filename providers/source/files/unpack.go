package files

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// unpackAll puts all of an archive into an empty folder.
func unpackAll(ctx context.Context, archive io.Reader, folder string) error {
	all, err := newPicker(ctx, archive, nil)
	if err != nil {
		return err
	}
	return unpack(all, folder)
}

// unpack puts what is picked into an empty folder. Nothing in an archive can reach outside: os.Root sees to that.
func unpack(from *picker, folder string) (err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("opening the folder to unpack into: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	u := &unpacking{root: root, asRoot: os.Geteuid() == 0, buffer: make([]byte, copySize)}
	for {
		header, err := from.next()
		if err == io.EOF {
			return u.finish()
		}
		if err != nil {
			return err
		}
		if err := u.entry(header, from.tar); err != nil {
			return fmt.Errorf("unpacking %s: %w", printable(header.Name), err)
		}
	}
}

// untilDone is a reader that fails when its context has ended.
type untilDone struct {
	ctx    context.Context
	reader io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.reader.Read(p)
}

// unpacking is an archive being unpacked below a root.
type unpacking struct {
	root   *os.Root
	asRoot bool
	buffer []byte
	// folders get their modes and times last, because what is put into them changes both.
	folders []*tar.Header
}

// entry unpacks one entry.
func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	if err := unpackable(header); err != nil {
		return err
	}
	name := header.Name
	if name != "." {
		if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.folder(header)
	case tar.TypeReg:
		return u.file(header, content)
	case tar.TypeSymlink:
		if err := u.root.Symlink(header.Linkname, name); err != nil {
			return err
		}
		return u.describe(header)
	case tar.TypeLink:
		first, err := localName(header.Linkname)
		if err != nil {
			return fmt.Errorf("a link to %s: %w", printable(header.Linkname), err)
		}
		return u.root.Link(first, name)
	case tar.TypeFifo, tar.TypeChar, tar.TypeBlock:
		if err := u.parent(name, func(folder *os.File, base string) error { return makeSpecial(folder, base, header) }); err != nil {
			return err
		}
		return u.describe(header)
	}
	return nil
}

// unpackable refuses an entry that cannot be unpacked, or should not be.
func unpackable(header *tar.Header) error {
	if !strings.ContainsRune(string([]byte{tar.TypeDir, tar.TypeReg, tar.TypeSymlink, tar.TypeLink, tar.TypeFifo, tar.TypeChar, tar.TypeBlock}), rune(header.Typeflag)) {
		return fmt.Errorf("entries of type %q cannot be unpacked", header.Typeflag)
	}
	for record := range header.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			// A few bytes could stand for any number of zeros on the disk.
			return errors.New("files in GNU's sparse form cannot be unpacked; restore to a file and use GNU tar")
		}
	}
	return nil
}

// localName cleans a name of the archive and refuses one that leads out of it.
func localName(name string) (string, error) {
	clean := path.Clean(name)
	if !filepath.IsLocal(clean) {
		return "", errors.New("the name leads out of the archive's folder")
	}
	return clean, nil
}

// folder makes a folder, which may be there already for what is in it.
func (u *unpacking) folder(header *tar.Header) error {
	if header.Name != "." {
		if err := u.root.Mkdir(header.Name, 0o700); err != nil {
			if info, statErr := u.root.Lstat(header.Name); statErr != nil || !info.IsDir() {
				return err
			}
		}
	}
	u.folders = append(u.folders, header)
	return nil
}

// file writes a file.
func (u *unpacking) file(header *tar.Header, content io.Reader) error {
	file, err := u.root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	// Without the file's own ReadFrom, which would do with a small buffer.
	_, err = io.CopyBuffer(struct{ io.Writer }{file}, content, u.buffer)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return u.describe(header)
}

// parent calls do with the open folder that an entry is in and the entry's name there.
func (u *unpacking) parent(name string, do func(folder *os.File, base string) error) error {
	folder, err := u.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(do(folder, path.Base(name)), folder.Close())
}

// finish describes the folders, what is in a folder before the folder, and makes everything durable before it gets its name.
func (u *unpacking) finish() error {
	depth := func(header *tar.Header) int {
		if header.Name == "." {
			return 0
		}
		return 1 + strings.Count(header.Name, "/")
	}
	slices.SortStableFunc(u.folders, func(a, b *tar.Header) int { return cmp.Compare(depth(b), depth(a)) })
	if len(u.folders) == 0 || u.folders[len(u.folders)-1].Name != "." {
		// The archive of a single file says nothing of the folder it is restored to.
		if err := u.root.Chmod(".", 0o755); err != nil {
			return err
		}
	}
	for _, header := range u.folders {
		if err := u.describe(header); err != nil {
			return fmt.Errorf("unpacking %s: %w", printable(header.Name), err)
		}
	}
	folder, err := u.root.Open(".")
	if err != nil {
		return err
	}
	if err := errors.Join(makeDurable(folder), folder.Close()); err != nil {
		return fmt.Errorf("making what was unpacked durable: %w", err)
	}
	return nil
}
