package site

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// longestRecord is how much of a small file is read, in bytes, and longestManifest of the hashes of a release's files.
	longestRecord, longestManifest = 4 << 20, 256 << 20
	// metaMode is the mode of imsctl's own files, folderMode that of folders. Records hold no secrets; what is validated may.
	metaMode, folderMode fs.FileMode = 0o600, 0o755
)

// read returns the content of a file of the host, which may have so many bytes.
func (s *Site) read(name string, most int64) ([]byte, error) {
	file, err := s.host.Files().Open(name)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(content)) > most {
		return nil, fmt.Errorf("%s is too big: more than %d bytes", name, most)
	}
	return content, nil
}

// write puts a file in the place of what has its name, whole and durably. Its folder is made where it is missing.
func (s *Site) write(name string, content []byte) error {
	files, folder := s.host.Files(), path.Dir(name)
	if err := files.MkdirAll(folder, folderMode); err != nil {
		return fmt.Errorf("making %s: %w", folder, err)
	}
	beside := s.beside(name)
	if err := writeNew(files, beside, content, metaMode); err != nil {
		return fmt.Errorf("writing %s: %w", name, errors.Join(err, removeQuietly(files, beside)))
	}
	if err := files.Rename(beside, name); err != nil {
		return fmt.Errorf("writing %s: %w", name, errors.Join(err, removeQuietly(files, beside)))
	}
	if err := files.SyncDir(folder); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// beside is a name beside another one that nobody else has.
func (s *Site) beside(name string) string { return name + "." + rand.Text()[:10] + newSuffix }

// writeNew writes a file that must not be there, durably.
func writeNew(files providers.FileSystem, name string, content []byte, mode fs.FileMode) error {
	file, err := files.Create(name, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// removeQuietly removes a file that need not be there.
func removeQuietly(files providers.FileSystem, name string) error {
	if err := files.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeJSON writes a value.
func (s *Site) writeJSON(name string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return s.write(name, append(content, '\n'))
}

// exists reports whether there is something under a name; a link counts whatever it leads to.
func (s *Site) exists(name string) (bool, error) {
	_, err := s.host.Files().Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at %s: %w", name, err)
	}
	return true, nil
}

// output runs a program on the host and returns what it wrote.
func (s *Site) output(ctx context.Context, directory string, arguments ...string) ([]byte, error) {
	var stdout bytes.Buffer
	err := s.host.Run(ctx, providers.Command{Arguments: arguments, Directory: directory, Stdout: &stdout})
	return stdout.Bytes(), err
}

// run runs a program on the host.
func (s *Site) run(ctx context.Context, arguments ...string) error {
	_, err := s.output(ctx, "", arguments...)
	return err
}

// shell runs a script of the host's shell with arguments, from $1 on, and returns what it wrote.
func (s *Site) shell(ctx context.Context, script string, arguments ...string) ([]byte, error) {
	return s.output(ctx, "", append([]string{"sh", "-c", script, "imsctl"}, arguments...)...)
}

// removeAll removes a folder with all that is in it. What is being removed has another name already, so that a half of it is
// taken for nothing else.
func (s *Site) removeAll(ctx context.Context, folder string) error {
	files := s.host.Files()
	leaving := folder
	if !strings.HasSuffix(folder, leavingSuffix) {
		leaving = s.beside(folder) + leavingSuffix
		if err := files.Rename(folder, leaving); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return fmt.Errorf("removing %s: %w", folder, err)
		}
	}
	if err := s.run(ctx, "rm", "-rf", "--", leaving); err != nil {
		return fmt.Errorf("removing %s: %w", folder, err)
	}
	return nil
}

// leavingSuffix ends the names of what is being removed, and newSuffix those of what has not got its own name yet.
const (
	leavingSuffix = ".removing"
	newSuffix     = ".new"
)
