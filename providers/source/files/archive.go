package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

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
	root, info, err := s.resolve()
	if err != nil {
		return providers.Reading{}, err
	}
	buffered := bufio.NewWriterSize(w, copySize)
	a := &archive{source: s, root: root, tar: tar.NewWriter(buffered), links: make(map[inode]string), buffer: make([]byte, copySize)}
	if err := s.fill(ctx, root, info, a); err != nil {
		return providers.Reading{}, err
	}
	if err := errors.Join(a.problems...); err != nil {
		return providers.Reading{}, err
	}
	if a.entries == 0 {
		return providers.Reading{}, fmt.Errorf("%s vanished while it was read", root)
	}
	if err := errors.Join(a.tar.Close(), buffered.Flush()); err != nil {
		return providers.Reading{}, fmt.Errorf("ending the archive: %w", err)
	}
	return providers.Reading{Warnings: a.allWarnings()}, nil
}

// fill puts the tree into the archive: with a tar on another machine, when there is a GNU tar and it is a folder, or by reading
// every file.
func (s *source) fill(ctx context.Context, root string, info providers.FileInfo, a *archive) error {
	if s.far && info.Mode.IsDir() && !s.oneFileSystem {
		if program, err := findTar(ctx, s.host); err == nil {
			return s.readFar(ctx, program, root, info, a)
		}
	}
	return s.walk(ctx, root, info, a)
}

// inode identifies a file whatever it is called.
type inode struct{ device, inode uint64 }

// archive is one tar being written, as the visitor of a walk.
type archive struct {
	*source
	root    string
	tar     *tar.Writer
	entries int
	// links are the names under which files with several were written first.
	links    map[inode]string
	buffer   []byte
	warnings []string
	more     int
	problems []error
}

// warn keeps a warning about a name, or counts it where there are too many.
func (a *archive) warn(text, relative string) {
	if len(a.warnings) == maxWarnings {
		a.more++
		return
	}
	a.warnings = append(a.warnings, text+": "+printable(relative))
}

func (a *archive) allWarnings() []string {
	if a.more > 0 {
		return append(a.warnings, fmt.Sprintf("and %d more like these", a.more))
	}
	return a.warnings
}

// vanished warns of what is gone.
func (a *archive) vanished(relative string) { a.warn("vanished while reading", relative) }

// unreadable collects what cannot be read, so that all of it can be told at once.
func (a *archive) unreadable(relative string, err error) error {
	a.problems = append(a.problems, unreadableError(below(a.root, relative), err))
	if len(a.problems) == maxUnreadable {
		return errors.Join(append(a.problems, errors.New("there may be more; the reading was given up here"))...)
	}
	return nil
}

// failed reports whether something could not be read. The walk then goes on only to find what else cannot.
func (a *archive) failed() bool { return len(a.problems) > 0 }

// entry writes one entry.
func (a *archive) entry(ctx context.Context, relative string, info providers.FileInfo) error {
	switch kind := info.Mode.Type(); {
	case kind == 0:
		return a.file(ctx, relative, info)
	case kind == fs.ModeDir:
		return a.header(relative, info, tar.Header{Typeflag: tar.TypeDir})
	case kind == fs.ModeSymlink:
		return a.link(relative, info)
	case kind == fs.ModeNamedPipe:
		return a.header(relative, info, tar.Header{Typeflag: tar.TypeFifo})
	case kind&fs.ModeDevice != 0 && info.Rdev != 0:
		return a.device(relative, info)
	case kind == fs.ModeSocket:
		a.warn("left out, because it is a socket", relative)
	case kind&fs.ModeDevice != 0:
		a.warn("left out, because it is a device whose number the host does not tell", relative)
	default:
		a.warn("left out, because it is no kind of file that an archive can hold", relative)
	}
	return nil
}

// link writes a symbolic link.
func (a *archive) link(relative string, info providers.FileInfo) error {
	target, err := a.files.Readlink(below(a.root, relative))
	switch {
	case isGone(err) || errors.Is(err, syscall.EINVAL): // EINVAL: there is something else than a link by now
		a.vanished(relative)
		return nil
	case err != nil:
		return a.unreadable(relative, err)
	}
	return a.header(relative, info, tar.Header{Typeflag: tar.TypeSymlink, Linkname: target})
}

// isGone reports whether what was listed is not there any more: nothing is, a folder above it is not one any more, or there
// is a link (ELOOP) or a socket (ENXIO) by now.
func isGone(err error) bool {
	for _, gone := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ELOOP, syscall.ENXIO} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
