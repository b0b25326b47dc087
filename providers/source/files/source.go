package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// source implements providers.Source.
type source struct {
	host providers.Host
	// far is set where the host is another machine: a tar there is used when there is a fit one.
	far           bool
	files         providers.FileSystem
	root          string
	excluded      []exclusion
	oneFileSystem bool
}

const (
	// tarBlock is what a tar archive counts in, in bytes.
	tarBlock = 512
	// maxLinks is how many links are followed from the path of the specification to what it stands for, as Linux does.
	maxLinks = 40
)

// Format is that of a tar archive: every header has its mark, and it ends with two blocks of zeros.
func (s *source) Format() providers.Format {
	return providers.Format{Extension: ".tar", Headers: [][]byte{[]byte("ustar")}, Trailer: make([]byte, 2*tarBlock)}
}

// Inspect walks the tree and adds up what an archive of it would have. That a file cannot be read shows only in Read.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	root, info, err := s.resolve()
	if err != nil {
		return providers.Inspection{}, err
	}
	if info.Mode.IsRegular() {
		file, err := s.files.Open(root)
		if err != nil {
			return providers.Inspection{}, unreadableError(root, err)
		}
		if err := file.Close(); err != nil {
			return providers.Inspection{}, err
		}
	}
	estimate := &estimate{root: root, bytes: 2 * tarBlock, seen: make(map[inode]bool)}
	if err := s.walk(ctx, root, info, estimate); err != nil {
		return providers.Inspection{}, err
	}
	return providers.Inspection{Bytes: estimate.bytes}, nil
}

// estimate adds up the size of an archive.
type estimate struct {
	root  string
	bytes int64
	seen  map[inode]bool
}

// entry counts a header, the two blocks of a PAX record for the time below a second, and the content.
func (e *estimate) entry(_ context.Context, _ string, info providers.FileInfo) error {
	e.bytes += 3 * tarBlock
	if !info.Mode.IsRegular() {
		return nil
	}
	if info.Links > 1 {
		id := inode{info.Device, info.Inode}
		if e.seen[id] {
			return nil
		}
		e.seen[id] = id != inode{}
	}
	e.bytes += (info.Size + tarBlock - 1) / tarBlock * tarBlock
	return nil
}

// vanished does nothing: the estimate was of something that is no more.
func (*estimate) vanished(string) {}

// unreadable ends the walk.
func (e *estimate) unreadable(relative string, err error) error {
	return unreadableError(below(e.root, relative), err)
}

// resolve finds the folder or file that the path stands for. It is the only place where links are followed. A path through
// links is not cleaned, for ".." behind a link is not the folder before it.
func (s *source) resolve() (string, providers.FileInfo, error) {
	root := s.root
	for range maxLinks {
		info, err := s.files.Lstat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist) && root != s.root:
			return "", info, fmt.Errorf("%s is a link to %s, which does not exist", s.root, root)
		case errors.Is(err, fs.ErrNotExist):
			return "", info, fmt.Errorf("%s does not exist", root)
		case err != nil:
			return "", info, unreadableError(root, err)
		case info.Mode.IsDir() || info.Mode.IsRegular():
			return root, info, nil
		case info.Mode&fs.ModeSymlink == 0:
			return "", info, fmt.Errorf("%s is neither a folder nor a file", root)
		}
		target, err := s.files.Readlink(root)
		if err != nil {
			return "", info, unreadableError(root, err)
		}
		if !path.IsAbs(target) {
			target = root[:strings.LastIndex(root, "/")+1] + target
		}
		if root = strings.TrimRight(target, "/"); root == "" {
			root = "/"
		}
	}
	return "", providers.FileInfo{}, fmt.Errorf("%s is a link that leads in a circle", s.root)
}

// below is where a relative name lies.
func below(root, relative string) string {
	if relative == "." {
		return root
	}
	return strings.TrimSuffix(root, "/") + "/" + relative
}

// unreadableError says what cannot be read and what to do.
func unreadableError(path string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s cannot be read: %w; run imsctl as a user that can read it, or exclude it", printable(path), err)
}

// printable is a name as it may be shown: what could steer a terminal or break a line is escaped.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
