package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// checkDrill checks the folder that drills are to be made in.
func checkDrill(target providers.DrillTarget) []providers.Problem {
	switch {
	case !hereOn(target.Host) && target.Path != "" && !path.IsAbs(target.Path):
		return []providers.Problem{{Attribute: "path", Summary: "Relative path on another host",
			Detail: fmt.Sprintf("%q would start at the folder of the specification, which is not on %s. Write an absolute path.", target.Path, target.Host.Address)}}
	case target.URL != "":
		return []providers.Problem{{Attribute: "url", Summary: "Attribute without effect",
			Detail: `url belongs to into "postgres"; a scratch folder is made in the folder of path.`}}
	case len(target.Assertions) > 0:
		return []providers.Problem{{Attribute: "assert", Summary: "Block without effect",
			Detail: "An assertion is a query, and files answer none: every file is compared by its hash anyway. Leave it out."}}
	}
	return nil
}

// hereOn reports whether a host is the machine imsctl runs on.
func hereOn(host providers.Reference) bool {
	return host.IsZero() || strings.HasPrefix(host.Address+".", "host.local.")
}

// newDriller makes what drills in a folder of a machine.
func newDriller(environment providers.Environment, target providers.DrillTarget) (providers.Driller, error) {
	folder := target.Path
	if !hereOn(target.Host) {
		host, err := environment.Hosts(target.Host)
		if err != nil {
			return nil, err
		}
		if folder == "" {
			folder = "/tmp"
		}
		return &farDriller{there{host: host, files: host.Files()}, path.Clean(folder)}, nil
	}
	switch {
	case folder == "":
		folder = os.TempDir()
	case !filepath.IsAbs(folder):
		folder = filepath.Join(target.Directory, folder)
	}
	return &driller{folder: filepath.Clean(folder)}, nil
}

// driller implements providers.Driller with folders in one folder.
type driller struct{ folder string }

// Location implements providers.Driller.
func (d *driller) Location() string { return d.folder }

// Begin makes a scratch folder, which only its owner may look into.
func (d *driller) Begin(_ context.Context, name string) (providers.Scratch, error) {
	if !providers.IsScratchName(name) {
		return nil, fmt.Errorf("%q is not the name of a scratch folder", name)
	}
	s := &scratch{path: filepath.Join(d.folder, name)}
	if err := os.Mkdir(s.path, 0o700); err != nil {
		return nil, fmt.Errorf("making the scratch folder: %w", err)
	}
	return s, nil
}

// Remove implements providers.Driller. A name that leads somewhere else is refused.
func (d *driller) Remove(_ context.Context, name string) error {
	if !providers.IsScratchName(name) {
		return fmt.Errorf("%q is not the name of a scratch folder: it is not removed", name)
	}
	path := filepath.Join(d.folder, name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the scratch folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: it is not removed", path)
	}
	if err := discard(path); err != nil {
		return fmt.Errorf("removing the scratch folder %s: %w", path, err)
	}
	return nil
}

// scratch implements providers.Scratch: a folder of one drill.
type scratch struct {
	path string
	// expected are the entries of the archive.
	expected map[string]entry
}

// Restore unpacks the archive and notes what is in it.
func (s *scratch) Restore(ctx context.Context, archive io.Reader) (err error) {
	s.expected, err = listing(archive, func(archive io.Reader) error { return unpackAll(ctx, archive, s.path) })
	return err
}

// listing lists an archive while it is unpacked.
func listing(archive io.Reader, unpack func(io.Reader) error) (entries map[string]entry, err error) {
	reader, writer := io.Pipe()
	listed := make(chan error, 1)
	go func() {
		var err error
		entries, err = list(reader)
		// The unpacking must not wait for a list that has failed.
		reader.CloseWithError(err)
		listed <- err
	}()
	err = unpack(io.TeeReader(archive, writer))
	// Without an error it is the end of the archive.
	writer.CloseWithError(err)
	if listing := <-listed; err == nil && listing != nil {
		err = fmt.Errorf("reading the archive: %w", listing)
	}
	return entries, err
}

// Warnings implements providers.Scratch.
func (s *scratch) Warnings() []string { return nil }

// Compare implements providers.Scratch: every entry of the archive is there with its content, and nothing else.
func (s *scratch) Compare(ctx context.Context, _ providers.DrillExpectation) (providers.Comparison, error) {
	return compare(ctx, s.path, s.expected)
}

// Close implements providers.Scratch.
func (s *scratch) Close(context.Context) error {
	if err := discard(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the scratch folder %s: %w", s.path, err)
	}
	return nil
}
