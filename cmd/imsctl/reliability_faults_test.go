package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// sourceScript writes what lies in the file "data", or goes wrong as the file "mode" says. pg_dump goes wrong in the same ways.
const sourceScript = `
give() { cat data; }
`

const dumpScript = `
case " $* " in *" --version "*) exec PG_DUMP --version ;; esac
give() { PG_DUMP "$@"; }
`

const faultScript = `
set -o pipefail
cd "$IMSCTL_SITE"
half() { head -c 3000; }
case "$(cat mode)" in
  exit)   give "$@" | half; exit 3 ;;
  killed) give "$@" | half; kill -9 $$ ;;
  short)  give "$@" 2>/dev/null | half; exit 0 ;;
  held)   give "$@" | { half; echo reached >reached; read -r go <hold; cat; } ;;
  slow)   give "$@" | while IFS= read -r line; do printf '%s\n' "$line"; done ;;
  *)      give "$@" ;;
esac
`

// writeScripts makes the source and the false pg_dump.
func (s *site) writeScripts() {
	s.write("source.sh", "exec bash source.bash\n")
	s.write("source.bash", sourceScript+faultScript)
	s.write("mode", "good")
	if s.database != "" {
		s.write("bin/pg_dump", "#!/usr/bin/env bash\n"+strings.ReplaceAll(dumpScript, "PG_DUMP", testenv.Need(s.t, "pg_dump"))+faultScript)
	}
	for _, name := range []string{"reached", "hold"} {
		if err := syscall.Mkfifo(filepath.Join(s.folder, name), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// hold lets the source stop in the middle. reached ends when it has come to that, release lets it go on.
func (s *site) hold() (reached <-chan struct{}, release func()) {
	s.t.Helper()
	s.write("mode", "held")
	// Opened for both, so that neither side waits for the other to open it.
	signal, err := os.OpenFile(filepath.Join(s.folder, "reached"), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	gate, err := os.OpenFile(filepath.Join(s.folder, "hold"), os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { signal.Close(); gate.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = signal.Read(make([]byte, 1))
	}()
	return done, func() {
		if _, err := gate.WriteString("go\n"); err != nil {
			s.t.Error(err)
		}
	}
}

// faultyHost finds programs in a folder first, and has files that go wrong.
type faultyHost struct {
	providers.Host
	files  *faultyFiles
	folder string
}

// LookPath implements providers.Host.
func (h faultyHost) LookPath(ctx context.Context, program string) (string, error) {
	if path := filepath.Join(h.folder, program); filepath.Base(program) == program {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return h.Host.LookPath(ctx, program)
}

// Files implements providers.Host.
func (h faultyHost) Files() providers.FileSystem { return faultySystem{h.Host.Files(), h.files} }

// fileFaults say what goes wrong with the files of the destination "disk"; nil for nothing.
type fileFaults struct {
	create func(path string) error
	write  func(path string) error
	link   func(from, to string, do func() error) error
	cut    func(path string) bool
}

// faultyFiles are the faults of now.
type faultyFiles struct {
	mu     sync.Mutex
	faults fileFaults
}

// set replaces all that goes wrong.
func (f *faultyFiles) set(faults fileFaults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

func (f *faultyFiles) get() fileFaults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults
}

type faultySystem struct {
	providers.FileSystem
	faults *faultyFiles
}

// Create implements providers.FileSystem.
func (f faultySystem) Create(path string, mode fs.FileMode) (providers.WriteFile, error) {
	if fault := f.faults.get(); fault.create != nil && !isClaim(path) {
		if err := fault.create(path); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	file, err := f.FileSystem.Create(path, mode)
	return faultyFile{file, path, f.faults}, err
}

// Link implements providers.FileSystem.
func (f faultySystem) Link(from, to string) error {
	if fault := f.faults.get(); fault.link != nil && !isClaim(from) {
		return fault.link(from, to, func() error { return f.FileSystem.Link(from, to) })
	}
	return f.FileSystem.Link(from, to)
}

// Open implements providers.FileSystem.
func (f faultySystem) Open(path string) (providers.ReadFile, error) {
	file, err := f.FileSystem.Open(path)
	if fault := f.faults.get(); err == nil && fault.cut != nil && fault.cut(path) {
		return cutFile{file, io.LimitReader(file, 100)}, nil
	}
	return file, err
}

// isClaim reports whether a path is that of a lock of a source, which lies on no disk of a destination.
func isClaim(path string) bool { return strings.Contains(filepath.Base(path), ".lock") }

// cutFile is a file that seems to end early.
type cutFile struct {
	providers.ReadFile
	limited io.Reader
}

// Read implements io.Reader.
func (c cutFile) Read(p []byte) (int, error) { return c.limited.Read(p) }

type faultyFile struct {
	providers.WriteFile
	path   string
	faults *faultyFiles
}

// Write implements io.Writer.
func (f faultyFile) Write(p []byte) (int, error) {
	if fault := f.faults.get(); fault.write != nil && !isClaim(f.path) {
		if err := fault.write(f.path); err != nil {
			return 0, &fs.PathError{Op: "write", Path: f.path, Err: err}
		}
	}
	return f.WriteFile.Write(p)
}

// faultyCodec is a codec whose writer goes wrong.
type faultyCodec struct {
	providers.Codec
	writer func(io.WriteCloser) io.WriteCloser
}

// NewWriter implements providers.Codec.
func (c faultyCodec) NewWriter(w io.Writer) (io.WriteCloser, error) {
	inner, err := c.Codec.NewWriter(w)
	return c.writer(inner), err
}

// failingWriter fails after some bytes; with drop set it says nothing of what it loses.
type failingWriter struct {
	io.WriteCloser
	left int
	drop bool
}

var errCodec = errors.New("the encoder is broken")

// Write implements io.Writer.
func (f *failingWriter) Write(p []byte) (int, error) {
	n, err := f.WriteCloser.Write(p[:min(len(p), f.left)])
	f.left -= n
	switch {
	case err != nil || n == len(p):
		return n, err
	case f.drop:
		return len(p), nil
	}
	return n, errCodec
}

// faultySession is a session that cannot record some of what it is told; with lost set it does, and says that it could not.
type faultySession struct {
	state.Session
	begin, end error
	lost       bool
}

// Begin implements state.Session.
func (f *faultySession) Begin(ctx context.Context, intent state.Intent) error {
	if f.begin != nil {
		return f.begin
	}
	return f.Session.Begin(ctx, intent)
}

// End implements state.Session.
func (f *faultySession) End(ctx context.Context, id string, result state.Result) error {
	if f.end == nil {
		return f.Session.End(ctx, id, result)
	}
	if f.lost {
		return errors.Join(f.end, f.Session.End(ctx, id, result))
	}
	return f.end
}
