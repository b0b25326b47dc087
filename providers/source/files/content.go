package files

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// file writes a file, or a link to the name under which it was written already.
func (a *archive) file(ctx context.Context, relative string, info providers.FileInfo) error {
	if first, written := a.links[inode{info.Device, info.Inode}]; written && info.Links > 1 {
		return a.header(relative, info, tar.Header{Typeflag: tar.TypeLink, Linkname: first})
	}
	file, err := a.files.Open(below(a.root, relative))
	switch {
	case isGone(err):
		a.vanished(relative)
		return nil
	case err != nil:
		return a.unreadable(relative, err)
	}
	err = a.opened(ctx, relative, file, info)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = a.unreadable(relative, closeErr)
	}
	return err
}

// opened writes an open file. What is described is what is read, whatever has become of the name since it was listed.
func (a *archive) opened(ctx context.Context, relative string, file providers.ReadFile, listed providers.FileInfo) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return a.unreadable(relative, err)
	case !info.Mode.IsRegular():
		a.vanished(relative)
		return nil
	case a.failed():
		return nil
	}
	if info.Owner == "" && info.UID == listed.UID {
		info.Owner = listed.Owner
	}
	if info.Group == "" && info.GID == listed.GID {
		info.Group = listed.Group
	}
	if err := a.header(relative, info, tar.Header{Typeflag: tar.TypeReg, Size: info.Size}); err != nil {
		return err
	}
	short, err := a.content(ctx, relative, file, info.Size)
	if err != nil || a.failed() {
		return err
	}
	if id := (inode{info.Device, info.Inode}); info.Links > 1 && id != (inode{}) {
		a.links[id] = a.name(relative, info)
	}
	if short > 0 {
		a.warn(fmt.Sprintf("shrank while reading, the last %d bytes are zeros", short), relative)
		return nil
	}
	// One that has only grown is whole: what was there when it was opened has been kept.
	if after, err := file.Stat(); err == nil && after.Size <= info.Size && !after.Modified.Equal(info.Modified) {
		a.warn("changed while reading", relative)
	}
	return nil
}

// content writes exactly size bytes; where the file has fewer by now, zeros stand for the short ones that are missing.
func (a *archive) content(ctx context.Context, relative string, file io.Reader, size int64) (short int64, err error) {
	for left := size; left > 0; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := file.Read(a.buffer[:min(left, copySize)])
		if err := a.write(relative, n); err != nil {
			return 0, err
		}
		left -= int64(n)
		switch {
		case errors.Is(err, io.EOF) && left > 0:
			return left, a.zeros(ctx, relative, left)
		case err != nil && !errors.Is(err, io.EOF):
			return 0, a.unreadable(relative, err)
		}
	}
	return 0, nil
}

// zeros fills up what a shrunken file does not have any more.
func (a *archive) zeros(ctx context.Context, relative string, left int64) error {
	clear(a.buffer)
	for left > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(left, copySize)
		if err := a.write(relative, int(n)); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// write writes the first n bytes of the buffer.
func (a *archive) write(relative string, n int) error {
	if _, err := a.tar.Write(a.buffer[:n]); err != nil {
		return fmt.Errorf("writing the content of %s: %w", printable(relative), err)
	}
	return nil
}
