package ssh

// readFile is a file being read.
type readFile struct{ openFile }

// Read reads on.
func (r *readFile) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	return n, r.failed("read", err)
}

// writeFile is a file being written.
type writeFile struct{ openFile }

// Write appends.
func (w *writeFile) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, w.failed("write", err)
}

// Flush does nothing: SFTP has no way to start write-back without waiting for it.
func (*writeFile) Flush() {}

// Sync makes the content durable.
func (w *writeFile) Sync() error { return w.failed("sync", w.file.Sync()) }
