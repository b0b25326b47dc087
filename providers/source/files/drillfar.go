package files

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"github.com/castrolanda/imsctl/providers"
)

// farDriller implements providers.Driller with folders on another machine. What was restored is hashed there.
type farDriller struct {
	there
	folder string
}

// Location implements providers.Driller.
func (d *farDriller) Location() string { return d.folder + " on " + d.host.Name() }

// Begin implements providers.Driller. That what is needed there is there is found out before.
func (d *farDriller) Begin(ctx context.Context, name string) (providers.Scratch, error) {
	if !providers.IsScratchName(name) {
		return nil, fmt.Errorf("%q is not the name of a scratch folder", name)
	}
	if err := d.ready(ctx, d.folder); err != nil {
		return nil, fmt.Errorf("making a scratch folder in %s: %w", d.Location(), err)
	}
	for _, program := range []string{"find", "xargs", "sha256sum"} {
		if _, err := d.host.LookPath(ctx, program); err != nil {
			return nil, err
		}
	}
	s := &farScratch{farDriller: d, name: name, path: path.Join(d.folder, name)}
	if _, err := d.look(s.path); err == nil {
		return nil, fmt.Errorf("%s is there already", s.path)
	}
	if err := d.files.MkdirAll(s.path, 0o700); err != nil {
		return nil, fmt.Errorf("making the scratch folder: %w", err)
	}
	return s, nil
}

// Remove implements providers.Driller. A name that leads somewhere else is refused.
func (d *farDriller) Remove(ctx context.Context, name string) error {
	if !providers.IsScratchName(name) {
		return fmt.Errorf("%q is not the name of a scratch folder: it is not removed", name)
	}
	folder := path.Join(d.folder, name)
	mode, err := d.look(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the scratch folder: %w", err)
	case !mode.IsDir():
		return fmt.Errorf("%s is not a folder: it is not removed", folder)
	}
	if err := d.discard(ctx, folder); err != nil {
		return fmt.Errorf("removing the scratch folder %s on %s: %w", folder, d.host.Name(), err)
	}
	return nil
}

// farScratch implements providers.Scratch: a folder of one drill on another machine.
type farScratch struct {
	*farDriller
	name, path string
	expected   map[string]entry
}

// Restore implements providers.Scratch.
func (s *farScratch) Restore(ctx context.Context, archive io.Reader) (err error) {
	s.expected, err = listing(archive, func(archive io.Reader) error {
		all, err := newPicker(ctx, archive, nil)
		if err != nil {
			return err
		}
		if err := s.unpack(ctx, all, s.path); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, archive)
		return err
	})
	return err
}

// Warnings implements providers.Scratch.
func (*farScratch) Warnings() []string { return nil }

// Close implements providers.Scratch.
func (s *farScratch) Close(ctx context.Context) error {
	return s.Remove(context.WithoutCancel(ctx), s.name)
}

// Compare implements providers.Scratch: every entry of the archive is there with its content, and nothing else.
func (s *farScratch) Compare(ctx context.Context, _ providers.DrillExpectation) (providers.Comparison, error) {
	// They have the modes of what was backed up.
	if err := s.host.Run(ctx, providers.Command{Arguments: []string{"chmod", "-R", "u+rwX", "--", s.path}}); err != nil {
		return providers.Comparison{}, fmt.Errorf("opening what was restored: %w", err)
	}
	restored, err := s.entries(ctx)
	if err != nil {
		return providers.Comparison{}, fmt.Errorf("looking through what was restored: %w", err)
	}
	return compareEntries(s.expected, func(name string) (entry, error) {
		found, ok := restored[name]
		if !ok {
			return entry{}, errMissing
		}
		return found, nil
	}, func(surplus func(name string, folder bool)) error {
		for name, found := range restored {
			surplus(name, found.kind.IsDir())
		}
		return nil
	})
}

// kinds are those of find's %y.
var kinds = map[string]fs.FileMode{
	"f": 0, "d": fs.ModeDir, "l": fs.ModeSymlink, "p": fs.ModeNamedPipe, "s": fs.ModeSocket, "b": fs.ModeDevice, "c": fs.ModeDevice | fs.ModeCharDevice,
}

// entries describes everything in the scratch folder, with the hashes of files.
func (s *farScratch) entries(ctx context.Context) (map[string]entry, error) {
	var list, sums bytes.Buffer
	if err := s.host.Run(ctx, providers.Command{Arguments: []string{"find", s.path, "-printf", `%y\0%s\0%P\0%l\0`}, Stdout: &list}); err != nil {
		return nil, err
	}
	hash := `cd -- "$1" && find . -type f -print0 | LC_ALL=C xargs -0 -r sha256sum -z --`
	if err := s.host.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", hash, "sh", s.path}, Stdout: &sums}); err != nil {
		return nil, err
	}
	found := make(map[string]entry)
	fields := bytes.Split(list.Bytes(), []byte{0})
	for ; len(fields) > 4; fields = fields[4:] {
		kind, known := kinds[string(fields[0])]
		size, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if !known || err != nil {
			return nil, fmt.Errorf("find on %s says what is not understood: %q", s.host.Name(), bytes.Join(fields[:4], []byte(" ")))
		}
		one := entry{kind: kind, link: string(fields[3])}
		if kind == 0 {
			one.size = size
		}
		found[path.Clean(string(fields[2]))] = one
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(sums.Bytes(), []byte{0}), []byte{0}) {
		if len(line) == 0 {
			continue
		}
		sum, name, ok := bytes.Cut(line, []byte("  "))
		one := found[path.Clean(string(name))]
		if n, err := hex.Decode(one.sum[:], sum[:min(len(sum), 2*len(one.sum))]); !ok || err != nil || n != len(one.sum) {
			return nil, fmt.Errorf("sha256sum on %s says what is not understood: %q", s.host.Name(), line)
		}
		found[path.Clean(string(name))] = one
	}
	return found, nil
}
