package providers

import (
	"context"
	"io"
	"io/fs"
	"net"
	"time"
)

// Host is a machine: commands can be run and files be reached there. It is safe for concurrent use.
type Host interface {
	Runner
	// Files reaches the host's file system.
	Files() FileSystem
}

// Dialer is a Host that reaches what listens on it, whatever this machine's own way to that host is.
type Dialer interface {
	Host
	// Dial connects to a socket as a program on that host would: network is "unix" with an absolute path, or "tcp" with
	// HOST:PORT. The connection has a CloseWrite() error; ctx is for the dialling only.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Command is a program with its arguments; no shell is involved.
type Command struct {
	// Arguments, the first of which is the program.
	Arguments []string
	// Environment is added to the host's own, "NAME=value" each. Secrets go here, never into Arguments.
	Environment []string
	// Directory is where it starts; empty for the host's own choice.
	Directory      string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Framed says that its streams tell by themselves whether they are whole: who reads Stdout finds out when its end is missing, and the command
	// does not take an early end of Stdin for the end of what was meant for it. Where nobody else can tell, only such commands are run.
	Framed bool
}

// ExitError is the end of a command that was not a success.
type ExitError struct {
	// Program is the command's name, without its arguments.
	Program string
	// Code is the exit status, -1 when a signal ended it.
	Code int
	// Signal names the signal that ended it, or is empty.
	Signal string
	// Stderr is the last that it said, at most 4 KiB.
	Stderr string
}

// FileSystem is the part of a host's file system that sources and destinations need. Paths are absolute. Errors
// satisfy errors.Is with fs.ErrNotExist, fs.ErrExist, fs.ErrPermission and syscall.ENOSPC where they apply, and with
// ErrTemporary where the connection to the host was in the way: whether the operation was carried out is not known then.
type FileSystem interface {
	Lstat(path string) (FileInfo, error)
	// ReadDir lists a folder sorted by name. An entry that vanishes meanwhile is left out.
	ReadDir(path string) ([]FileInfo, error)
	Readlink(path string) (string, error)
	Open(path string) (ReadFile, error)
	// Create makes a new file for writing; fs.ErrExist when there is one.
	Create(path string, mode fs.FileMode) (WriteFile, error)
	MkdirAll(path string, mode fs.FileMode) error
	// Link gives a file a second name; fs.ErrExist when that name is taken.
	Link(from, to string) error
	// Rename replaces the target atomically.
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir makes the entries of a folder durable.
	SyncDir(path string) error
	// CheckWritable reports why no file could be made in a folder now, without making one.
	CheckWritable(folder string) error
	// Space tells the bytes that are free to an ordinary user on the file system that holds path.
	Space(path string) (free int64, err error)
}

// ReadFile is an open file.
type ReadFile interface {
	io.ReadCloser
	// Stat describes the open file itself, whatever its name has become.
	Stat() (FileInfo, error)
}

// WriteFile is a file being written.
type WriteFile interface {
	io.WriteCloser
	// Flush starts writing back what was written so far, without waiting, so that Sync finds less to do.
	Flush()
	// Sync makes the content durable.
	Sync() error
	// Stat describes the open file.
	Stat() (FileInfo, error)
}

// FileInfo describes a file, folder, link or special file without following it.
type FileInfo struct {
	Name     string
	Size     int64
	Mode     fs.FileMode
	Modified time.Time
	UID, GID int
	// Owner and Group are the names of UID and GID on the host, empty where they have none or it is not told.
	Owner, Group string
	// Device and Inode identify the file for hard links; both 0 where the host does not tell.
	Device, Inode uint64
	Links         uint64
	// Rdev is the number of a device node, as stat(2) tells it; 0 for anything else and where the host does not tell.
	Rdev uint64
}
