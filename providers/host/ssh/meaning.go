package ssh

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/pkg/sftp"

	"github.com/castrolanda/imsctl/providers"
)

// Codes of SFTP's answers (draft-ietf-secsh-filexfer-02, 7), and what OpenSSH's server means by them.
const (
	codeFailure     = 4 // everything that has no code
	codeBadMessage  = 5 // EINVAL, ENAMETOOLONG
	codeUnsupported = 8
)

// readOnly is the flag of statvfs@openssh.com for a file system that is mounted for reading only.
const readOnly = 1

// nearlyFull is how little space makes a failure one for want of it, in bytes.
const nearlyFull = 1 << 20

// isFailure reports whether an answer says no more than that something went wrong.
func isFailure(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.Code == codeFailure
}

// meaning translates the error of an operation on a path. What the server only calls a failure is looked into: a file
// system may be full, or mounted for reading only.
func (s server) meaning(name string, err error) error {
	if _, meant := err.(syscall.Errno); meant || err == nil {
		return err
	}
	var status *sftp.StatusError
	switch {
	case errors.As(err, &status):
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, fs.ErrPermission):
		return syscall.EACCES
	case errors.Is(err, fs.ErrExist) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrClosed) || errors.Is(err, providers.ErrTemporary):
		return err
	default:
		return s.link.lost(err)
	}
	switch status.Code {
	case codeBadMessage:
		return syscall.EINVAL
	case codeUnsupported:
		return errors.Join(errors.ErrUnsupported, err)
	case codeFailure:
		return s.failure(name, err)
	}
	return err
}

// failure looks for the reason of a failure.
func (s server) failure(name string, err error) error {
	for folder := name; ; folder = path.Dir(folder) {
		told, statErr := s.StatVFS(folder)
		switch {
		case errors.Is(statErr, fs.ErrNotExist) && folder != "/" && folder != ".":
			continue
		case statErr != nil:
			return err
		case told.Flag&readOnly != 0:
			return syscall.EROFS
		case told.Bavail*told.Frsize < nearlyFull || told.Files > 0 && told.Favail == 0:
			return syscall.ENOSPC
		}
		return err
	}
}

// isReadOnly reports whether a folder is on a file system that is mounted for reading only.
func (s server) isReadOnly(folder string) bool {
	told, err := s.StatVFS(folder)
	return err == nil && told.Flag&readOnly != 0
}

// taken is the error of a new name: fs.ErrExist when something has it.
func (s server) taken(name string, err error) error {
	if isFailure(err) {
		if _, there := s.Client.Lstat(name); there == nil {
			return syscall.EEXIST
		}
	}
	return err
}

// noFolder tells a path that goes through something that is no folder from one that is not there: the server has one answer
// for both. Only a path that ends with "/." asks for it.
func (s server) noFolder(name string, err error) error {
	trimmed, asks := strings.CutSuffix(name, "/.")
	if !asks || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for ; trimmed != "" && trimmed != "/"; trimmed = path.Dir(trimmed) {
		info, statErr := s.Client.Stat(trimmed)
		if errors.Is(statErr, fs.ErrNotExist) {
			continue
		}
		if statErr == nil && !info.IsDir() {
			return syscall.ENOTDIR
		}
		break
	}
	return err
}

// openFile is what reading and writing have in common.
type openFile struct {
	file   *sftp.File
	server server
	files  *fileSystem
	path   string
}

// failed names what went wrong with the file.
func (o *openFile) failed(operation string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &fs.PathError{Op: operation, Path: o.path, Err: o.server.meaning(o.path, err)}
}

// Stat describes the open file itself.
func (o *openFile) Stat() (providers.FileInfo, error) {
	info, err := o.file.Stat()
	if err != nil {
		return providers.FileInfo{}, o.failed("stat", err)
	}
	return o.files.describe(o.server, info), nil
}

// Close closes the file.
func (o *openFile) Close() error { return o.failed("close", o.file.Close()) }
