package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// What a server has in its folder, under the names that it gives when it is not told others (dbfilename, appendfilename,
// appenddirname). From Redis 7 on the append-only files are in a folder of their own.
const (
	dumpName     = "dump.rdb"
	appendName   = "appendonly.aof"
	appendFolder = "appendonlydir"
	baseName     = "appendonly.aof.1.base.rdb"
	manifestName = "appendonly.aof.manifest"
	manifestText = "file " + baseName + " seq 1 type b\n"
)

// fileMode lets the server's user read a file that somebody else restored. Who may look into the folder is the folder's affair.
const fileMode = 0o644

// folder implements providers.Restorer for a server that is stopped: the snapshot becomes the file that it loads when it starts.
// What is replaced stays beside it under another name.
type folder struct {
	host      string
	files     providers.FileSystem
	clock     clock.Clock
	path      string
	overwrite bool
	// there are the names of what the server would load.
	there []string
	// done are the steps to take back when a later one fails, in their order.
	done []func() error
}

func newFolder(environment providers.Environment, target providers.Target) (*folder, error) {
	if target.Container != "" {
		return nil, errors.New("a folder of a container cannot be restored into: name the folder of the host that it is, or restore into the server with -to-source")
	}
	host, err := environment.Hosts(target.Host)
	if err != nil {
		return nil, err
	}
	location := target.Location
	if target.Host.IsZero() {
		location = inFolder(environment.Directory, location)
	} else if !path.IsAbs(location) {
		return nil, fmt.Errorf("%q on host %q is not an absolute path", location, host.Name())
	}
	return &folder{host: host.Name(), files: host.Files(), clock: environment.Clock, path: location, overwrite: target.Overwrite}, nil
}

// Prepare looks for what the server would load.
func (f *folder) Prepare(context.Context) error {
	info, err := f.files.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s: name the one that the server keeps its data in (dir in its configuration)", f.path)
	case err != nil:
		return err
	case !info.Mode.IsDir():
		return fmt.Errorf("%s is no folder: name the one that the server keeps its data in (dir in its configuration)", f.path)
	}
	if err := f.files.CheckWritable(f.path); err != nil {
		return err
	}
	f.there = nil
	for _, name := range []string{dumpName, appendFolder, appendName} {
		switch _, err := f.files.Lstat(path.Join(f.path, name)); {
		case err == nil:
			f.there = append(f.there, name)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if len(f.there) > 0 && !f.overwrite {
		return &providers.OccupiedError{Target: "folder " + f.path, Holds: f.there}
	}
	return nil
}

// Restore writes the snapshot beside its place, and puts it there when all of it is proven.
func (f *folder) Restore(_ context.Context, input io.Reader) (restored providers.Restored, err error) {
	f.done = nil
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("restoring into folder %s: %w", f.path, err)
		for i := len(f.done) - 1; i >= 0; i-- {
			err = errors.Join(err, f.done[i]())
		}
	}()
	partial := path.Join(f.path, "."+dumpName+"."+rand.Text()+".partial")
	keys := newCounter(nil)
	found, err := f.write(partial, input, keys)
	if err != nil {
		return restored, err
	}
	if err := f.place(partial); err != nil {
		return restored, err
	}
	if err := f.files.SyncDir(f.path); err != nil {
		return restored, err
	}
	if found.Understood {
		var count int64
		for _, database := range keys.databases {
			count += database.Keys
		}
		restored.Notes = append(restored.Notes, fmt.Sprintf("%d keys of Redis %s wait for its start", count, found.Server))
	}
	restored.Warnings, err = f.warnings()
	return restored, err
}

// write writes the snapshot to a new file, to the disk, while it is scanned.
func (f *folder) write(name string, input io.Reader, keys *counter) (found rdb.Snapshot, err error) {
	file, err := f.files.Create(name, fileMode)
	if err != nil {
		return rdb.Snapshot{}, err
	}
	f.done = append(f.done, func() error {
		if err := f.files.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if found, err = rdb.Scan(input, rdb.Options{Output: file, Key: keys.add}); err == nil {
		err = file.Sync()
	}
	return found, errors.Join(err, file.Close())
}

// place gives the snapshot its name, and what was there another one.
func (f *folder) place(partial string) error {
	aside := ".before-restore-" + f.clock.Now().UTC().Format("20060102T150405Z")
	for _, name := range f.there {
		here, there := path.Join(f.path, name), path.Join(f.path, name+aside)
		if err := f.rename(here, there); err != nil {
			return err
		}
	}
	for _, name := range f.there {
		var err error
		switch name {
		case appendFolder:
			err = f.appendOnlyFolder(partial)
		case appendName:
			err = f.appendOnlyFile(partial)
		}
		if err != nil {
			return err
		}
	}
	// It does not replace a file that has come since.
	final := path.Join(f.path, dumpName)
	if err := f.files.Link(partial, final); err != nil {
		return err
	}
	f.done = append(f.done, func() error { return f.files.Remove(final) })
	return f.files.Remove(partial)
}

// rename gives something another name, which is free.
func (f *folder) rename(from, to string) error {
	if _, err := f.files.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already: remove it", to)
	}
	if err := f.files.Rename(from, to); err != nil {
		return err
	}
	f.done = append(f.done, func() error { return f.files.Rename(to, from) })
	return nil
}

// appendOnlyFolder makes the snapshot what a server with append-only files begins with. It reads this file and never writes
// to it, so that it may be the same as the other one.
func (f *folder) appendOnlyFolder(partial string) error {
	here := path.Join(f.path, appendFolder)
	if err := f.files.MkdirAll(here, 0o755); err != nil {
		return err
	}
	f.done = append(f.done, func() error { return f.files.Remove(here) })
	base := path.Join(here, baseName)
	if err := f.files.Link(partial, base); err != nil {
		return err
	}
	f.done = append(f.done, func() error { return f.files.Remove(base) })
	if err := f.copy(path.Join(here, manifestName), strings.NewReader(manifestText)); err != nil {
		return err
	}
	return f.files.SyncDir(here)
}

// appendOnlyFile makes a copy of the snapshot what a server from before Redis 7 begins with, and appends to.
func (f *folder) appendOnlyFile(partial string) error {
	file, err := f.files.Open(partial)
	if err != nil {
		return err
	}
	err = f.copy(path.Join(f.path, appendName), file)
	return errors.Join(err, file.Close())
}

// copy writes a new file.
func (f *folder) copy(name string, content io.Reader) error {
	file, err := f.files.Create(name, fileMode)
	if err != nil {
		return err
	}
	f.done = append(f.done, func() error { return f.files.Remove(name) })
	if _, err = io.Copy(file, content); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// warnings say what has to be seen to before the server is started.
func (f *folder) warnings() ([]string, error) {
	var warnings []string
	if len(f.there) == 0 || len(f.there) == 1 && f.there[0] == dumpName {
		warnings = append(warnings, "a server with appendonly yes does not load "+dumpName+": start it with --appendonly no, and then let it CONFIG SET appendonly yes")
	}
	around, err := f.files.Lstat(f.path)
	if err != nil {
		return nil, err
	}
	file, err := f.files.Lstat(path.Join(f.path, dumpName))
	if err != nil {
		return nil, err
	}
	if file.UID != around.UID {
		warnings = append(warnings, fmt.Sprintf("what was restored belongs to %s and the folder to %s: chown -R --reference=%s %s/*", owner(file), owner(around), f.path, f.path))
	}
	return warnings, nil
}

func owner(info providers.FileInfo) string {
	if info.Owner != "" {
		return info.Owner
	}
	return fmt.Sprint(info.UID)
}
