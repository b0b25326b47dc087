package files

import (
	"archive/tar"
	"fmt"
	"io/fs"
	"path"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
)

// header completes and writes a header, unless the reading has failed already.
func (a *archive) header(relative string, info providers.FileInfo, header tar.Header) error {
	if a.failed() {
		return nil
	}
	a.entries++
	header.Format = tar.FormatPAX
	header.Name = a.name(relative, info)
	header.Mode = tarMode(info.Mode)
	header.ModTime = info.Modified
	header.Uid, header.Gid, header.Uname, header.Gname = info.UID, info.GID, info.Owner, info.Group
	if !utf8.ValidString(header.Name + header.Linkname + header.Uname + header.Gname) {
		// POSIX (pax, "Extended Header Keywords"): the names are bytes, not UTF-8.
		header.PAXRecords = map[string]string{"hdrcharset": "BINARY"}
	}
	if err := a.tar.WriteHeader(&header); err != nil {
		return fmt.Errorf("writing the entry of %s: %w", printable(relative), err)
	}
	return nil
}

// name is what an entry is called in the archive: "./" for the folder itself, "./a/b" below it, as "tar -C PATH ." does,
// and the name of the file where the path is one.
func (a *archive) name(relative string, info providers.FileInfo) string {
	switch {
	case relative == "." && info.Mode.IsDir():
		return "./"
	case relative == ".":
		return path.Base(a.source.root)
	case info.Mode.IsDir():
		return "./" + relative + "/"
	default:
		return "./" + relative
	}
}

// device writes a device node.
func (a *archive) device(relative string, info providers.FileInfo) error {
	header := tar.Header{Typeflag: tar.TypeBlock, Devmajor: int64(unix.Major(info.Rdev)), Devminor: int64(unix.Minor(info.Rdev))}
	if info.Mode&fs.ModeCharDevice != 0 {
		header.Typeflag = tar.TypeChar
	}
	return a.header(relative, info, header)
}
