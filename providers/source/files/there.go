package files

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/providers"
)

// there is another machine. What SFTP cannot do, programs do there: tar unpacks, because SFTP makes no owners, links or times below
// a second, and rm and chmod tidy up.
type there struct {
	host  providers.Host
	files providers.FileSystem
}

func (t *there) look(path string) (fs.FileMode, error) {
	info, err := t.files.Lstat(path)
	return info.Mode, err
}

// mounted tells nothing: the rename fails then, and nothing is changed.
func (*there) mounted(string) bool { return false }

func (t *there) list(folder string, limit int) ([]string, error) {
	entries, err := t.files.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if names = append(names, entry.Name); len(names) == limit {
			break
		}
	}
	return names, nil
}

func (t *there) ready(ctx context.Context, folder string) error {
	if err := t.files.CheckWritable(folder); err != nil {
		return err
	}
	_, err := findTar(ctx, t.host)
	return err
}

// findTar finds a tar that unpacks what imsctl packs.
func findTar(ctx context.Context, host providers.Runner) (string, error) {
	program, err := host.LookPath(ctx, "tar")
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s has no tar: install GNU tar there", host.Name())
	}
	if err != nil {
		return "", err
	}
	var version bytes.Buffer
	if err := host.Run(ctx, providers.Command{Arguments: []string{program, "--version"}, Stdout: &version}); err != nil {
		return "", fmt.Errorf("asking tar on %s for its version: %w", host.Name(), err)
	}
	if !strings.Contains(version.String(), "GNU tar") {
		return "", fmt.Errorf("the tar on %s is not GNU tar, which is needed: install that", host.Name())
	}
	return program, nil
}

func (t *there) temporary(ctx context.Context, folder string) (string, error) {
	made := strings.TrimSuffix(folder, "/") + "/.imsctl-restore-" + strings.ToLower(rand.Text()[:10])
	if err := t.files.MkdirAll(made, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"new", "old"} {
		if err := t.files.MkdirAll(made+"/"+name, 0o700); err != nil {
			return "", errors.Join(err, t.discard(context.WithoutCancel(ctx), made))
		}
	}
	return made, nil
}

// unpack sends what is picked to a tar there.
func (t *there) unpack(ctx context.Context, from *picker, folder string) error {
	program, err := findTar(ctx, t.host)
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := repack(from, writer)
		writer.CloseWithError(err)
		packed <- err
	}()
	arguments := []string{program, "--extract", "--file=-", "--directory=" + folder, "--same-permissions", "--numeric-owner"}
	err = t.host.Run(ctx, providers.Command{Arguments: arguments, Environment: []string{"LC_ALL=C"}, Stdin: reader})
	reader.CloseWithError(io.ErrClosedPipe)
	if packErr := <-packed; packErr != nil && !errors.Is(packErr, io.ErrClosedPipe) {
		return packErr
	}
	if err != nil {
		return fmt.Errorf("unpacking with tar on %s: %w", t.host.Name(), err)
	}
	// One call for the file system, which older programs do not have.
	if err := t.host.Run(ctx, providers.Command{Arguments: []string{"sync", "-f", folder}}); err != nil {
		err = t.host.Run(ctx, providers.Command{Arguments: []string{"sync"}})
		if err != nil {
			return fmt.Errorf("making what was unpacked durable: %w", err)
		}
	}
	return nil
}

// repack writes what is picked as an archive.
func repack(from *picker, w io.Writer) error {
	archive := tar.NewWriter(w)
	buffer := make([]byte, copySize)
	links := make(map[string]bool)
	for {
		header, err := from.next()
		if err == io.EOF {
			return archive.Close()
		}
		if err != nil {
			return err
		}
		if err := unpackable(header); err != nil {
			return fmt.Errorf("unpacking %s: %w", printable(header.Name), err)
		}
		for name := header.Name; name != "."; name = path.Dir(name) {
			if links[name] {
				return fmt.Errorf("unpacking %s: it lies behind a link of the archive", printable(header.Name))
			}
		}
		if header.Typeflag == tar.TypeSymlink {
			links[header.Name] = true
		}
		again := *header
		again.Format, again.PAXRecords = tar.FormatPAX, nil
		if again.Typeflag == tar.TypeLink {
			if again.Linkname, err = localName(header.Linkname); err != nil {
				return fmt.Errorf("unpacking %s: a link to %s: %w", printable(header.Name), printable(header.Linkname), err)
			}
		}
		if !utf8.ValidString(again.Name + again.Linkname + again.Uname + again.Gname) {
			again.PAXRecords = map[string]string{"hdrcharset": "BINARY"}
		}
		if err := archive.WriteHeader(&again); err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{archive}, from.tar, buffer); err != nil {
			return err
		}
	}
}

// exchange takes two steps: between them there is nothing at the place for a moment.
func (t *there) exchange(folder, other string) error {
	aside := path.Join(path.Dir(folder), "old", "replaced")
	if err := t.files.Rename(other, aside); err != nil {
		return err
	}
	if err := t.files.Rename(folder, other); err != nil {
		if undoErr := t.files.Rename(aside, other); undoErr != nil {
			return fmt.Errorf("%w; and putting back what was there failed: %w; it is at %s", err, undoErr, aside)
		}
		return err
	}
	return nil
}

func (t *there) rename(from, to string) error { return t.files.Rename(from, to) }

func (t *there) alike(ctx context.Context, folder, like string) error {
	for _, command := range [][]string{{"chmod", "--reference=" + like, folder}, {"touch", "--reference=" + like, folder}} {
		if err := t.host.Run(ctx, providers.Command{Arguments: command}); err != nil {
			return err
		}
	}
	return nil
}

// discard removes a folder. Modes may keep its owner from that, so they are changed where it fails.
func (t *there) discard(ctx context.Context, folder string) error {
	remove := providers.Command{Arguments: []string{"rm", "-rf", "--", folder}}
	if t.host.Run(ctx, remove) == nil {
		return nil
	}
	change := t.host.Run(ctx, providers.Command{Arguments: []string{"chmod", "-R", "u+rwX", "--", folder}})
	if err := t.host.Run(ctx, remove); err != nil {
		return errors.Join(err, change)
	}
	return nil
}
