package local

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"syscall"

	"github.com/castrolanda/imsctl/providers"
)

// publish gives the finished temporary file its name. When the connection to the host breaks meanwhile, it is not known
// whether it has it, and publish can be called again.
func (u *upload) publish() (providers.Object, error) {
	d := u.destination
	d.naming.Lock()
	defer d.naming.Unlock()
	if err := d.checkFolders(path.Dir(u.key)); err != nil {
		return providers.Object{}, fmt.Errorf("the folder was changed while it was being written: %w", err)
	}
	give := u.attach
	if u.options.Replace {
		give = u.replace
	}
	object, err := give(u.named)
	switch {
	case errors.Is(err, providers.ErrExists):
		u.named = false
	case errors.Is(err, providers.ErrTemporary):
		u.named = true
	}
	return object, err
}

// attach gives the temporary file its name, unless somebody has it. With again it may be there from the last time.
func (u *upload) attach(again bool) (providers.Object, error) {
	if err := u.link(again); errors.Is(err, fs.ErrExist) {
		return providers.Object{}, providers.ErrExists
	} else if errors.Is(err, fs.ErrNotExist) {
		return providers.Object{}, u.gone(err)
	} else if err != nil {
		return providers.Object{}, err
	}
	object, err := u.settle()
	if err != nil && !errors.Is(err, providers.ErrTemporary) {
		// It has a name, and may lose it in a power failure: nothing must be seen of it.
		err = errors.Join(err, u.destination.files.Remove(u.name()))
	}
	return object, err
}

// link gives the temporary file its name and takes the temporary one away, unless the name is taken: fs.ErrExist. When it
// is done again, the first time may have gone well.
func (u *upload) link(again bool) error {
	files := u.destination.files
	err := files.Link(u.temporary, u.name())
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist) && u.isLinked(again):
		// A network file system repeated a request whose answer was lost, and was told of its own success; or we did.
	case errors.Is(err, fs.ErrNotExist) && again && u.hasContent():
		return nil // the answer that was lost is that to the removal of the temporary name
	case isUnsupported(err):
		return u.renameIfFree(again)
	default:
		return err
	}
	err = files.Remove(u.temporary)
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, providers.ErrTemporary):
		return fmt.Errorf("removing the temporary name: %w", err)
	}
	return errors.Join(fmt.Errorf("removing the temporary name: %w", err), files.Remove(u.name()))
}

// isLinked reports whether the name is that of the temporary file already. Where files do not show whether they are one and
// the same, a name that was perhaps given before is ours if its content is.
func (u *upload) isLinked(again bool) bool {
	temporary, err := u.destination.files.Lstat(u.temporary)
	if err != nil {
		return false
	}
	if temporary.Inode == 0 {
		return again && u.hasContent()
	}
	final, err := u.destination.files.Lstat(u.name())
	return err == nil && final.Inode == temporary.Inode && final.Device == temporary.Device
}

// hasContent reports whether the file under the name has what was written.
func (u *upload) hasContent() bool {
	file, err := u.destination.files.Open(u.name())
	if err != nil {
		return false
	}
	defer file.Close()
	sum := crc32.New(castagnoli())
	size, err := io.Copy(sum, file)
	return err == nil && size == u.written && sum.Sum32() == u.crc
}

// unname takes the name away that a commit gave without having learned of it.
func (u *upload) unname() error {
	if !u.named || u.options.Replace {
		return nil
	}
	d := u.destination
	d.naming.Lock()
	defer d.naming.Unlock()
	if _, err := d.files.Lstat(u.name()); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if !u.hasContent() {
		return nil // it is somebody else's
	}
	if err := d.files.Remove(u.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.syncNearest(path.Dir(u.key))
}

// isUnsupported reports whether an error of Link means that the file system has no hard links, as FAT, exFAT and some
// network file systems have none.
func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM)
}

// renameIfFree renames the temporary file unless the name is taken. Two uploads of this process cannot both find it free;
// another process between the two steps is not noticed, which is why this is only for file systems without hard links.
func (u *upload) renameIfFree(again bool) error {
	_, err := u.destination.files.Lstat(u.name())
	if err == nil && again && u.hasContent() {
		return nil
	}
	if err == nil {
		return fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return u.destination.files.Rename(u.temporary, u.name())
}

// replace gives the temporary file its name, whoever has it. With again it may be there from the last time.
func (u *upload) replace(again bool) (providers.Object, error) {
	err := u.destination.files.Rename(u.temporary, u.name())
	switch {
	case errors.Is(err, fs.ErrNotExist) && again && u.hasContent():
		// The answer that was lost is that to the first renaming.
	case errors.Is(err, fs.ErrNotExist):
		return providers.Object{}, u.gone(err)
	case err != nil:
		return providers.Object{}, err
	}
	return u.settle()
}

// settle makes the name durable and describes the object under it.
func (u *upload) settle() (providers.Object, error) {
	if err := u.destination.syncFolders(path.Dir(u.key), u.made); err != nil {
		return providers.Object{}, err
	}
	object, err := u.destination.find(u.key)
	if err != nil {
		return providers.Object{}, err
	}
	if object.Size != u.written {
		return providers.Object{}, fmt.Errorf("the file has %d bytes, %d were written", object.Size, u.written)
	}
	return object, nil
}

func (u *upload) gone(err error) error {
	return fmt.Errorf("the temporary file %s is gone: somebody removed it or its folder while it was being written: %w", u.temporary, err)
}
