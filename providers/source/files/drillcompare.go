package files

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// entry is what an archive or a folder has under a name.
type entry struct {
	kind fs.FileMode
	// sum is the hash of a file's content, link what a symbolic link says.
	sum  [sha256.Size]byte
	size int64
	link string
}

// list reads an archive to its end and notes what is in it, a file by its hash.
func list(archive io.Reader) (map[string]entry, error) {
	entries := make(map[string]entry)
	buffer := make([]byte, copySize)
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		name, found := path.Clean(header.Name), entry{}
		switch header.Typeflag {
		case tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg:
			sum := sha256.New()
			if found.size, err = io.CopyBuffer(sum, struct{ io.Reader }{reader}, buffer); err != nil {
				return nil, err
			}
			found.sum = [sha256.Size]byte(sum.Sum(nil))
		case tar.TypeLink:
			// The second name of a file that came before.
			found = entries[path.Clean(header.Linkname)]
		default:
			found.kind = header.FileInfo().Mode().Type()
			if found.kind == fs.ModeSymlink {
				found.link = header.Linkname
			}
		}
		entries[name] = found
	}
	_, err := io.Copy(io.Discard, archive)
	return entries, err
}

// compare holds a folder against a list.
func compare(ctx context.Context, folder string, expected map[string]entry) (found providers.Comparison, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return found, fmt.Errorf("opening what was restored: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := open(folder); err != nil {
		return found, fmt.Errorf("opening what was restored: %w", err)
	}
	return compareEntries(expected, func(name string) (entry, error) {
		if err := ctx.Err(); err != nil {
			return entry{}, err
		}
		return read(root, name)
	}, func(surplus func(name string, folder bool)) error {
		return filepath.WalkDir(folder, func(at string, item fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(folder, at)
			if err != nil {
				return err
			}
			surplus(filepath.ToSlash(name), item.IsDir())
			return ctx.Err()
		})
	})
}

// compareEntries holds what read finds under each name against a list, and what all names is there against it, too.
func compareEntries(expected map[string]entry, read func(name string) (entry, error), all func(surplus func(name string, folder bool)) error) (found providers.Comparison, err error) {
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		found.Files++
		actual, err := read(name)
		if err != nil {
			found.Differences = append(found.Differences, fmt.Sprintf("%s: %v", printable(name), err))
		} else if difference := expected[name].difference(actual); difference != "" {
			found.Differences = append(found.Differences, printable(name)+": "+difference)
		}
	}
	var more []string
	err = all(func(name string, folder bool) {
		// Folders that an archive does not name are made for what is in them.
		if _, known := expected[name]; !known && !folder {
			more = append(more, printable(name)+" is there and not in the archive")
		}
	})
	if err != nil {
		return found, fmt.Errorf("looking through what was restored: %w", err)
	}
	slices.Sort(more)
	found.Differences = append(found.Differences, more...)
	return found, nil
}

// errMissing: there is nothing under a name of the archive.
var errMissing = errors.New("it is missing")

// open lets the owner look into every folder and file: they have the modes of what was backed up.
func open(folder string) error {
	return filepath.WalkDir(folder, func(path string, item fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case item.IsDir():
			return os.Chmod(path, 0o700)
		case item.Type().IsRegular():
			return os.Chmod(path, 0o600)
		}
		return nil
	})
}

// read looks at one restored entry.
func read(root *os.Root, name string) (entry, error) {
	info, err := root.Lstat(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return entry{}, errMissing
		}
		return entry{}, err
	}
	found := entry{kind: info.Mode().Type()}
	switch found.kind {
	case fs.ModeSymlink:
		found.link, err = root.Readlink(name)
		return found, err
	case 0:
		file, err := root.Open(name)
		if err != nil {
			return found, err
		}
		sum := sha256.New()
		found.size, err = io.Copy(sum, file)
		found.sum = [sha256.Size]byte(sum.Sum(nil))
		return found, errors.Join(err, file.Close())
	}
	return found, nil
}

// difference says how what was restored differs from what the archive has.
func (e entry) difference(restored entry) string {
	switch {
	case e.kind != restored.kind:
		return fmt.Sprintf("it is of another kind (%s, the archive has %s)", restored.kind, e.kind)
	case e.link != restored.link:
		return fmt.Sprintf("it leads to %s, in the archive to %s", printable(restored.link), printable(e.link))
	case e.size != restored.size:
		return fmt.Sprintf("it has %d bytes, the archive %d", restored.size, e.size)
	case e.sum != restored.sum:
		return "its content is not that of the archive"
	}
	return ""
}
