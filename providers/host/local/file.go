package local

import (
	"os"

	"github.com/castrolanda/imsctl/providers"
)

// readFile is an open file with the description the contract asks for.
type readFile struct {
	*os.File
	files *fileSystem
}

// Stat describes the open file.
func (r *readFile) Stat() (providers.FileInfo, error) { return stat(r.files, r.File) }

// writeFile is a file being appended to, and how much of it has been handed to write-back.
type writeFile struct {
	file             *os.File
	files            *fileSystem
	written, flushed int64
}

// Write appends.
func (w *writeFile) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.written += int64(n)
	return n, err
}

// Flush starts write-back of what has come since the last Flush, where the system can do that without waiting. It has no
// error to return: Sync finds every one.
func (w *writeFile) Flush() {
	if w.written > w.flushed {
		startWriteBack(w.file, w.flushed, w.written-w.flushed)
		w.flushed = w.written
	}
}

// Sync makes the content durable.
func (w *writeFile) Sync() error { return w.file.Sync() }

// Close closes the file.
func (w *writeFile) Close() error { return w.file.Close() }

// Stat describes the open file.
func (w *writeFile) Stat() (providers.FileInfo, error) { return stat(w.files, w.file) }

func stat(files *fileSystem, file *os.File) (providers.FileInfo, error) {
	info, err := file.Stat()
	if err != nil {
		return providers.FileInfo{}, err
	}
	return files.describe(info), nil
}
