package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// workFolder is a temporary folder in which commands run.
type workFolder struct {
	t      *testing.T
	folder string
	// environment is added to the test's own.
	environment []string
	// printed is all that the commands printed.
	printed bytes.Buffer
}

// newWorkFolder makes a folder with files.
func newWorkFolder(t *testing.T, files map[string]string) *workFolder {
	t.Helper()
	w := &workFolder{t: t, folder: t.TempDir()}
	for name, content := range files {
		w.write(name, content)
	}
	return w
}

// write makes or replaces a file.
func (w *workFolder) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run runs imsctl, which must end with a code, and returns its standard output.
func (w *workFolder) run(code int, arguments ...string) []byte {
	w.t.Helper()
	command := exec.Command("imsctl", arguments...)
	command.Dir, command.Env = w.folder, append(os.Environ(), w.environment...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if got := command.ProcessState.ExitCode(); got != code {
		w.t.Fatalf("imsctl %q: exit code %d, want %d\n%s%s", arguments, got, code, output, &stderr)
	}
	w.printed.Write(output)
	return output
}

// find returns the one file that matches a pattern.
func (w *workFolder) find(pattern string) string {
	w.t.Helper()
	matches, err := filepath.Glob(filepath.Join(w.folder, pattern))
	if err != nil || len(matches) != 1 {
		w.t.Fatalf("%s matches %q: %v", pattern, matches, err)
	}
	return matches[0]
}

// read reads the one file that matches a pattern.
func (w *workFolder) read(pattern string) []byte {
	w.t.Helper()
	return []byte(readText(w.t, w.find(pattern)))
}
