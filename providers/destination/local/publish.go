package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"github.com/castrolanda/imsctl/providers"
)

// publish gives the finished temporary file its name.
func (u *upload) publish() (providers.Object, error) {
	d := u.destination
	d.naming.Lock()
	defer d.naming.Unlock()
	if err := d.checkFolders(path.Dir(u.key)); err != nil {
		return providers.Object{}, fmt.Errorf("the folder was changed while it was being written: %w", err)
	}
	if u.options.Replace {
		return u.replace()
	}
	if err := u.link(); errors.Is(err, fs.ErrExist) {
		return providers.Object{}, providers.ErrExists
	} else if errors.Is(err, fs.ErrNotExist) {
		return providers.Object{}, u.gone(err)
	} else if err != nil {
		return providers.Object{}, err
	}
	object, err := u.settle()
	if err != nil {
		// It has a name, and may lose it in a power failure: nothing must be seen of it.
		return providers.Object{}, errors.Join(err, d.files.Remove(u.name()))
	}
	return object, nil
}

// link gives the temporary file its name and takes the temporary one away, unless the name is taken: fs.ErrExist.
func (u *upload) link() error {
	files := u.destination.files
	err := files.Link(u.temporary, u.name())
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist) && u.isLinked():
		// A network file system repeated a request whose answer was lost, and was told of its own success.
	case isUnsupported(err):
		return u.renameIfFree()
	default:
		return err
	}
	if err := files.Remove(u.temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("removing the temporary name: %w", err), files.Remove(u.name()))
	}
	return nil
}

// isLinked reports whether the name is that of the temporary file already.
func (u *upload) isLinked() bool {
	temporary, err := u.destination.files.Lstat(u.temporary)
	if err != nil {
		return false
	}
	final, err := u.destination.files.Lstat(u.name())
	return err == nil && final.Inode != 0 && final.Inode == temporary.Inode && final.Device == temporary.Device
}

// isUnsupported reports whether an error of Link means that the file system has no hard links, as FAT, exFAT and some
// network file systems have none.
func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM)
}

// renameIfFree renames the temporary file unless the name is taken. Two uploads of this process cannot both find it free;
// another process between the two steps is not noticed, which is why this is only for file systems without hard links.
func (u *upload) renameIfFree() error {
	_, err := u.destination.files.Lstat(u.name())
	if err == nil {
		return fs.ErrExist
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return u.destination.files.Rename(u.temporary, u.name())
}

// replace gives the temporary file its name, whoever has it.
func (u *upload) replace() (providers.Object, error) {
	err := u.destination.files.Rename(u.temporary, u.name())
	if errors.Is(err, fs.ErrNotExist) {
		return providers.Object{}, u.gone(err)
	}
	if err != nil {
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
