package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// socketName and snapshotName are files in the folder of a scratch server; longestSocket is how long the path of a socket may be on Linux.
	socketName    = "socket"
	snapshotName  = "dump.rdb"
	configName    = "redis.conf"
	longestSocket = 107
)

// checkDrill checks where the scratch servers of drills are to be.
func checkDrill(target providers.DrillTarget) []providers.Problem {
	switch {
	case target.URL != "":
		return []providers.Problem{{Attribute: "url", Summary: "Attribute without effect",
			Detail: `url belongs to into "postgres"; a snapshot of Redis is loaded by a server that is started for the drill, in the folder of path.`}}
	case len(target.Assertions) > 0:
		return []providers.Problem{{Attribute: "assert", Summary: "Block without effect",
			Detail: "An assertion is a query in SQL, and Redis answers none: every key is compared anyway. Leave it out."}}
	case !here(target.Host) && target.Path != "" && !path.IsAbs(target.Path):
		return []providers.Problem{{Attribute: "path", Summary: "Relative path on another host",
			Detail: fmt.Sprintf("%q would start at the folder of the specification, which is not on %s. Write an absolute path.", target.Path, target.Host.Address)}}
	}
	return nil
}

// here reports whether a host is the machine imsctl runs on.
func here(host providers.Reference) bool {
	return host.IsZero() || strings.HasPrefix(host.Address+".", "host.local.")
}

// newDriller makes what drills with servers of its own on a host.
func newDriller(environment providers.Environment, target providers.DrillTarget) (providers.Driller, error) {
	host, err := environment.Dialer(target.Host)
	if err != nil {
		return nil, err
	}
	folder := target.Path
	switch {
	case folder == "" && here(target.Host):
		folder = os.TempDir()
	case folder == "":
		folder = "/tmp"
	case !path.IsAbs(folder):
		folder = path.Join(target.Directory, folder)
	}
	return &driller{host: host, folder: path.Clean(folder)}, nil
}

// driller implements providers.Driller: each scratch place is a folder with a server that only its owner can reach.
type driller struct {
	host   providers.Dialer
	folder string
}

// Location implements providers.Driller.
func (d *driller) Location() string {
	if name := d.host.Name(); name != "local" {
		return d.folder + " on " + name
	}
	return d.folder
}

// server is how the server of a scratch place is reached.
func (d *driller) server(name string) *address {
	return &address{network: "unix", place: path.Join(d.folder, name, socketName), dialer: d.host}
}

// Begin makes a scratch folder. That there is a program that can be started is found out before.
func (d *driller) Begin(ctx context.Context, name string) (providers.Scratch, error) {
	if !providers.IsScratchName(name) {
		return nil, fmt.Errorf("%q is not the name of a scratch folder", name)
	}
	s := &scratch{driller: d, name: name, path: path.Join(d.folder, name)}
	if longest := longestSocket - len(s.server().place); longest < 0 {
		return nil, fmt.Errorf("%s is too long for the socket of a scratch server, by %d characters: name a shorter folder in path", d.folder, -longest)
	}
	for _, program := range []string{"redis-server", "valkey-server"} {
		found, err := d.host.LookPath(ctx, program)
		if err == nil {
			s.program = found
			break
		}
		if !errors.Is(err, exec.ErrNotFound) {
			return nil, err
		}
	}
	if s.program == "" {
		return nil, fmt.Errorf("%s has no redis-server, which a drill starts to load the snapshot: install it there (it need not run), or name another host", d.host.Name())
	}
	if _, err := d.host.Files().Lstat(s.path); err == nil {
		return nil, fmt.Errorf("%s is there already", s.path)
	}
	if err := d.host.Files().CheckWritable(d.folder); err != nil {
		return nil, fmt.Errorf("making a scratch folder in %s: %w", d.Location(), err)
	}
	if err := d.host.Files().MkdirAll(s.path, 0o700); err != nil {
		return nil, fmt.Errorf("making the scratch folder: %w", err)
	}
	return s, nil
}

// Remove implements providers.Driller. A server that a killed process left is ended first.
func (d *driller) Remove(ctx context.Context, name string) error {
	if !providers.IsScratchName(name) {
		return fmt.Errorf("%q is not the name of a scratch folder: it is not removed", name)
	}
	files, folder := d.host.Files(), path.Join(d.folder, name)
	info, err := files.Lstat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the scratch folder: %w", err)
	case !info.Mode.IsDir():
		return fmt.Errorf("%s is not a folder: it is not removed", folder)
	}
	if _, err := files.Lstat(path.Join(folder, socketName)); err == nil {
		// One that has ended leaves its socket, and one that ends does not answer.
		_, _ = d.server(name).ask(ctx, "SHUTDOWN", "NOSAVE")
	}
	entries, err := files.ReadDir(folder)
	for _, entry := range entries {
		if gone := files.Remove(path.Join(folder, entry.Name)); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err == nil {
		err = files.Remove(folder)
	}
	if err != nil {
		return fmt.Errorf("removing the scratch folder %s on %s: %w", folder, d.host.Name(), err)
	}
	return nil
}

// write makes a file of a scratch folder.
func (s *scratch) write(name string, content func(io.Writer) error) error {
	file, err := s.host.Files().Create(path.Join(s.path, name), 0o600)
	if err != nil {
		return fmt.Errorf("making a file in the scratch folder: %w", err)
	}
	return errors.Join(content(file), file.Close())
}
