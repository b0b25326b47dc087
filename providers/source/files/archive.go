package files

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// maxWarnings is how many warnings one reading tells of each by itself.
	maxWarnings = 100
	// maxUnreadable is how many unreadable files are collected before the reading is given up.
	maxUnreadable = 20
	// copySize is how much of a file is read at once, in bytes.
	copySize = 256 << 10
)

// Read writes the archive.
func (s *source) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	a := &archive{source: s, ctx: ctx, tar: tar.NewWriter(w), links: make(map[inode]string), buffer: make([]byte, copySize)}
	root, _, err := s.rootInfo()
	if err != nil {
		return providers.Reading{}, err
	}
	a.root = root
	err = s.walk(ctx, a.add, func(relative string) { a.warn("vanished while reading: " + relative) }, a.unreadable)
	if err != nil {
		return providers.Reading{}, err
	}
	if err := errors.Join(a.problems...); err != nil {
		return providers.Reading{}, err
	}
	if err := a.tar.Close(); err != nil {
		return providers.Reading{}, fmt.Errorf("ending the archive: %w", err)
	}
	return providers.Reading{Warnings: a.allWarnings()}, nil
}

// inode identifies a file whatever it is called.
type inode struct{ device, inode uint64 }

// archive is one tar being written.
type archive struct {
	*source
	ctx  context.Context
	root string
	tar  *tar.Writer
	// links are the names under which files with several were written first.
	links    map[inode]string
	buffer   []byte
	warnings []string
	more     int
	problems []error
}

func (a *archive) warn(text string) {
	if len(a.warnings) == maxWarnings {
		a.more++
		return
	}
	a.warnings = append(a.warnings, text)
}

func (a *archive) allWarnings() []string {
	if a.more > 0 {
		return append(a.warnings, fmt.Sprintf("and %d more like these", a.more))
	}
	return a.warnings
}

// unreadable collects what cannot be read, so that all of it can be told at once.
func (a *archive) unreadable(relative string, err error) error {
	a.problems = append(a.problems, unreadableError(a.path(relative), err))
	if len(a.problems) == maxUnreadable {
		return errors.Join(append(a.problems, errors.New("there may be more; the reading was given up here"))...)
	}
	return nil
}

// path is where a relative name lies.
func (a *archive) path(relative string) string {
	if relative == "." {
		return a.root
	}
	return path.Join(a.root, relative)
}

// add writes one entry.
func (a *archive) add(relative string, info providers.FileInfo) error {
	name := a.name(relative, info)
	switch {
	case info.Mode.IsDir() && relative == "." && len(a.problems) == 0, info.Mode.IsDir():
		return a.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/"}, info)
	case info.Mode.IsRegular():
		return a.file(relative, name, info)
	case info.Mode&fs.ModeSymlink != 0:
		return a.link(relative, name, info)
	case info.Mode&fs.ModeNamedPipe != 0:
		return a.header(&tar.Header{Typeflag: tar.TypeFifo, Name: name}, info)
	case info.Mode&fs.ModeSocket != 0:
		a.warn("left out, because it is a socket: " + relative)
		return nil
	default:
		a.warn("left out, because it is a device: " + relative)
		return nil
	}
}

// name is what an entry is called in the archive: "." for the folder itself, "./a/b" below it, as tar -C FOLDER . does, and
// the name of the file where the path is one.
func (a *archive) name(relative string, info providers.FileInfo) string {
	switch {
	case relative != ".":
		return "./" + relative
	case info.Mode.IsDir():
		return "."
	default:
		return path.Base(a.source.root)
	}
}

// header completes and writes a header.
func (a *archive) header(header *tar.Header, info providers.FileInfo) error {
	if len(a.problems) > 0 {
		// The reading has failed already; it goes on only to find what else cannot be read.
		return nil
	}
	header.Format = tar.FormatPAX
	header.Mode = tarMode(info.Mode)
	header.ModTime = info.Modified
	header.Uid, header.Gid, header.Uname, header.Gname = info.UID, info.GID, info.Owner, info.Group
	if strings.ContainsRune(header.Name+header.Linkname, 0) || !utf8.ValidString(header.Name+header.Linkname) {
		return a.rawName(header)
	}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the entry of %q: %w", header.Name, err)
	}
	return nil
}

// rawName writes a header whose names are not UTF-8, which PAX records cannot hold. GNU's form takes any bytes, but no
// times below a second.
func (a *archive) rawName(header *tar.Header) error {
	header.Format = tar.FormatGNU
	header.ModTime = header.ModTime.Truncate(1e9)
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the entry of %q: %w", header.Name, err)
	}
	return nil
}

// tarMode is a file's mode as tar counts it.
func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// link writes a symbolic link.
func (a *archive) link(relative, name string, info providers.FileInfo) error {
	target, err := a.files.Readlink(a.path(relative))
	switch {
	case isGone(err):
		a.warn("vanished while reading: " + relative)
		return nil
	case err != nil:
		return a.unreadable(relative, err)
	}
	return a.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}, info)
}

// isGone reports whether something is not there any more, or is another kind of thing by now.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ELOOP)
}

// file writes a file, or a link to the name under which it was written already.
func (a *archive) file(relative, name string, info providers.FileInfo) error {
	id := inode{info.Device, info.Inode}
	if first, seen := a.links[id]; seen && info.Links > 1 && id != (inode{}) {
		return a.header(&tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: first}, info)
	}
	file, err := a.files.Open(a.path(relative))
	switch {
	case isGone(err):
		a.warn("vanished while reading: " + relative)
		return nil
	case err != nil:
		return a.unreadable(relative, err)
	}
	opened, err := file.Stat()
	if err == nil && !opened.Mode.IsRegular() {
		a.warn("became something else while reading: " + relative)
		return file.Close()
	}
	if err == nil && len(a.problems) == 0 {
		// What is described is what is read, whatever happened to the name since the folder was listed.
		opened.Owner, opened.Group = info.Owner, info.Group
		err = a.content(relative, name, file, opened)
	}
	if err == nil && info.Links > 1 {
		a.links[id] = name
	}
	return errors.Join(err, file.Close())
}

// content writes exactly as many bytes as the file had when it was opened.
func (a *archive) content(relative, name string, file io.Reader, info providers.FileInfo) error {
	if err := a.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size}, info); err != nil {
		return err
	}
	for left := info.Size; left > 0; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		n, err := file.Read(a.buffer[:min(left, copySize)])
		if n > 0 {
			if _, err := a.tar.Write(a.buffer[:n]); err != nil {
				return fmt.Errorf("writing the content of %q: %w", relative, err)
			}
			left -= int64(n)
		}
		switch {
		case err == io.EOF && left > 0:
			a.warn(fmt.Sprintf("shrank while reading, the last %d bytes are zeros: %s", left, relative))
			return a.zeros(left)
		case err != nil && err != io.EOF:
			return unreadableError(a.path(relative), err)
		}
	}
	return nil
}

// zeros fills up what a shrunken file does not have any more.
func (a *archive) zeros(n int64) error {
	clear(a.buffer)
	for n > 0 {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		written, err := a.tar.Write(a.buffer[:min(n, copySize)])
		if err != nil {
			return err
		}
		n -= int64(written)
	}
	return nil
}
