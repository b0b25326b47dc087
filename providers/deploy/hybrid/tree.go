package hybrid

import (
	"archive/tar"
	"bytes"
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
	"strings"

	"github.com/castrolanda/imsctl/providers/deploy/git"
)

// Permissions as git archive writes them.
const (
	plainMode      = 0o664
	executableMode = 0o775
)

// sentFolder holds in the folder of a release what is only needed until it is whole.
const sentFolder = ".imsctl-sent"

// entry is a file, link or empty folder of the wanted revision.
type entry struct {
	header tar.Header
	// sum is that of a file's content.
	sum [sha256.Size]byte
	// local is the path of what is not committed, empty for what is.
	local string
}

// executable reports whether it is a file that can be run.
func (e entry) executable() bool { return e.header.Typeflag == tar.TypeReg && e.header.Mode&0o100 != 0 }

// tree is all that the new release shall have, by path.
type tree map[string]entry

// archiver is a repository of which archives can be made.
type archiver interface {
	Archive(ctx context.Context, commit string, w io.Writer) error
}

// names are the paths in their order.
func (t tree) names() []string { return slices.Sorted(maps.Keys(t)) }

// readTree finds out what a commit has, as an archive of it would.
func readTree(ctx context.Context, repository archiver, commit string) (tree, error) {
	found := make(tree)
	err := eachEntry(ctx, repository, commit, func(header *tar.Header, content io.Reader) error {
		e := entry{header: *header}
		if header.Typeflag == tar.TypeReg {
			hash := sha256.New()
			if _, err := io.Copy(hash, content); err != nil {
				return err
			}
			hash.Sum(e.sum[:0])
		}
		found[header.Name] = e
		return nil
	})
	return found, err
}

// eachEntry calls yield for each file, link and folder in the archive of a commit.
func eachEntry(ctx context.Context, repository archiver, commit string, yield func(*tar.Header, io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader, writer := io.Pipe()
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		writer.CloseWithError(repository.Archive(ctx, commit, writer))
	}()
	err := eachOf(reader, yield)
	if err == nil {
		_, err = io.Copy(io.Discard, reader) // what stands behind the end of the archive, and the error of git
	}
	reader.CloseWithError(err)
	<-done
	return err
}

// eachOf calls yield for each file, link and folder of an archive.
func eachOf(r io.Reader, yield func(*tar.Header, io.Reader) error) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		header.Name = strings.TrimSuffix(header.Name, "/")
		switch header.Typeflag {
		case tar.TypeReg, tar.TypeSymlink, tar.TypeDir:
		default:
			continue // a comment that names the commit
		}
		if !filepath.IsLocal(header.Name) || path.Clean(header.Name) != header.Name || header.Name == sentFolder {
			return fmt.Errorf("the archive of the commit has the path %q", header.Name)
		}
		if err := yield(header, archive); err != nil {
			return err
		}
	}
}

// overlay puts what is not committed in a working copy over what is, and returns the paths that cannot be deployed.
func (t tree) overlay(folder string, changes []git.Change) (left []string, err error) {
	filled := t.parents()
	for _, change := range changes {
		if change.OldPath != "" {
			t.remove(change.OldPath)
		}
		switch {
		case change.Kind == git.Unmerged:
			return nil, fmt.Errorf("%s in %s has a merge that is not decided: resolve and commit it", change.Path, folder)
		case change.Kind == git.Deleted:
			t.remove(change.Path)
		case strings.HasSuffix(change.Path, "/") || change.Mode.IsDir():
			left = append(left, change.Path)
		default:
			if err := t.take(folder, change.Path); err != nil {
				return nil, err
			}
		}
	}
	// Git keeps no folder that has become empty.
	still := t.parents()
	maps.DeleteFunc(t, func(name string, e entry) bool {
		return e.header.Typeflag == tar.TypeDir && filled[name] && !still[name]
	})
	return left, nil
}

// parents are the folders that have something in them at whatever depth that is none.
func (t tree) parents() map[string]bool {
	found := make(map[string]bool)
	for name, e := range t {
		if e.header.Typeflag == tar.TypeDir {
			continue
		}
		for name = path.Dir(name); name != "." && !found[name]; name = path.Dir(name) {
			found[name] = true
		}
	}
	return found
}

// take takes a file or link from a working copy; one that is gone by now is removed.
func (t tree) take(folder, name string) error {
	local := filepath.Join(folder, filepath.FromSlash(name))
	info, err := os.Lstat(local)
	if errors.Is(err, fs.ErrNotExist) {
		t.remove(name)
		return nil
	}
	if err != nil {
		return err
	}
	e := entry{local: local, header: tar.Header{Name: name, ModTime: info.ModTime(), Mode: plainMode, Typeflag: tar.TypeReg, Size: info.Size()}}
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		e.header.Typeflag, e.header.Size = tar.TypeSymlink, 0
		e.header.Linkname, err = os.Readlink(local)
	case info.Mode().IsRegular():
		if info.Mode()&0o100 != 0 {
			e.header.Mode = executableMode
		}
		e.sum, e.header.Size, err = sumOf(local)
	default:
		return fmt.Errorf("%s is neither a file nor a link", local)
	}
	// A file takes the place of a folder, and a folder that of a file.
	t.remove(name)
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if above, ok := t[parent]; ok && above.header.Typeflag != tar.TypeDir {
			delete(t, parent)
		}
	}
	t[name] = e
	return err
}

// remove removes a path, and what is below it.
func (t tree) remove(name string) {
	if e, ok := t[name]; ok && e.header.Typeflag != tar.TypeDir {
		delete(t, name)
		return
	}
	maps.DeleteFunc(t, func(path string, _ entry) bool { return path == name || strings.HasPrefix(path, name+"/") })
}

// sumOf reads a file to its end.
func sumOf(name string) (sum [sha256.Size]byte, size int64, err error) {
	file, err := os.Open(name)
	if err != nil {
		return sum, 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	hash.Sum(sum[:0])
	return sum, size, err
}

// writeSums writes what sha256sum checks: those files among the chosen ones that can stand in its list. Those whose names have a backslash or a
// line end cannot; they are sent each time.
func (t tree) writeSums(w io.Writer, chosen func(name string) bool) error {
	var lines bytes.Buffer
	for _, name := range t.names() {
		if e := t[name]; e.header.Typeflag == tar.TypeReg && isPlain(name) && chosen(name) {
			fmt.Fprintf(&lines, "%x  ./%s\n", e.sum, name)
		}
	}
	_, err := lines.WriteTo(w)
	return err
}

// isPlain reports whether a name can stand in a list of lines.
func isPlain(name string) bool { return !strings.ContainsAny(name, "\\\n\r") }
