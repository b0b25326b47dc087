// Package local keeps objects as plain files in a folder, on the machine imsctl runs on or on another host.
//
// An object is the file ROOT/KEY, mode 0600 in folders of mode 0700. While it is written it is ROOT/…/.NAME.RANDOM.partial
// beside that, which no listing shows. A commit makes the content durable, gives it its name in one step, and makes the
// name durable.
//
// Symbolic links: ROOT itself may be or contain links. Below it none is followed, neither to read nor to write: whatever is
// reached through one is not part of the destination. This is checked before every access; it is no protection against
// somebody who may write to the folder and swaps parts of it while imsctl works there.
package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/castrolanda/imsctl/providers"
)

// destination implements providers.Destination.
type destination struct {
	files  providers.FileSystem
	root   string
	random io.Reader
	// here: the folder is on the machine imsctl runs on, so that reading it costs no way.
	here bool

	// naming is held while a name is given or taken away, between looking at what is there and acting on it.
	naming sync.Mutex

	mu       sync.Mutex
	progress map[string]bool // the temporary files of uploads in progress, by path
}

// newDestination returns the folder root, an absolute clean path, as a destination.
func newDestination(files providers.FileSystem, root string) *destination {
	return &destination{files: files, root: root, random: rand.Reader, progress: make(map[string]bool)}
}

// Stat describes an object.
func (d *destination) Stat(ctx context.Context, key string) (providers.Object, error) {
	if err := ctx.Err(); err != nil {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.path(key), err)
	}
	return d.find(key)
}

// find describes the object under a key.
func (d *destination) find(key string) (providers.Object, error) {
	if err := checkKey(key); err != nil {
		return providers.Object{}, err
	}
	if err := d.checkFolders(path.Dir(key)); d.isAbsent(err) {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.path(key), providers.ErrNotExist)
	} else if err != nil {
		return providers.Object{}, err
	}
	info, err := d.files.Lstat(d.path(key))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode.IsRegular() {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.path(key), providers.ErrNotExist)
	}
	if err != nil {
		return providers.Object{}, fmt.Errorf("looking at %s: %w", d.path(key), err)
	}
	return object(key, info), nil
}

// Open reads an object. Reading ends with ctx.
func (d *destination) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.path(key), err)
	}
	if _, err := d.find(key); err != nil {
		return nil, err
	}
	file, err := d.files.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening %s: %w", d.path(key), providers.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.path(key), err)
	}
	return &reader{ctx: ctx, file: file}, nil
}

// reader reads an object until ctx ends.
type reader struct {
	ctx  context.Context
	file providers.ReadFile
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(p)
}

func (r *reader) Close() error { return r.file.Close() }

// Delete removes an object if it is the given version, and the folders that become empty by it.
func (d *destination) Delete(ctx context.Context, key, version string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("deleting %s: %w", d.path(key), err)
	}
	d.naming.Lock()
	defer d.naming.Unlock()
	found, err := d.find(key)
	if err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	if found.Version != version {
		return fmt.Errorf("deleting %s: %w: it is version %s, not %q", d.path(key), providers.ErrChanged, found.Version, version)
	}
	err = d.files.Remove(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting %s: %w", d.path(key), providers.ErrNotExist)
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", d.path(key), err)
	}
	if err := d.syncNearest(path.Dir(key)); err != nil {
		return fmt.Errorf("making the deletion of %s durable: %w", d.path(key), err)
	}
	d.tidy(path.Dir(key))
	return nil
}

// path is where a key, or a folder of keys, lies.
func (d *destination) path(key string) string { return path.Join(d.root, key) }

// object describes a file as an object.
func object(key string, info providers.FileInfo) providers.Object {
	modified := info.Modified.UTC()
	return providers.Object{
		Key:      key,
		Size:     info.Size,
		Version:  fmt.Sprintf("%d-%d", modified.UnixNano(), info.Size),
		Modified: modified,
	}
}

// checkKey refuses keys that are illegal, that no file system could hold, or that would look like temporary files.
func checkKey(key string) error {
	if err := providers.CheckKey(key); err != nil {
		return err
	}
	for part := range strings.SplitSeq(key, "/") {
		if len(part) > maxPart {
			return fmt.Errorf("key %q has a part of %d characters; a file name may have %d here", key, len(part), maxPart)
		}
		if _, temporary := partialOf(part); temporary {
			return fmt.Errorf("key %q has the part %q, a name that is kept for unfinished uploads", key, part)
		}
	}
	return nil
}

// isFull reports whether an error means that nothing more can be stored: the disk or the user's quota is used up.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, providers.ErrNoSpace)
}
