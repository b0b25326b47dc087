package files_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// hooked is the file system of this machine with something happening at certain moments.
type hooked struct {
	providers.FileSystem
	// beforeOpen and beforeReadDir may do something, or fail the call. afterRead is called after each Read of a file.
	beforeOpen, beforeReadDir func(path string) error
	afterRead                 func(path string) error
	afterReadDir              func(list []providers.FileInfo)
}

func (h hooked) Open(path string) (providers.ReadFile, error) {
	if h.beforeOpen != nil {
		if err := h.beforeOpen(path); err != nil {
			return nil, err
		}
	}
	file, err := h.FileSystem.Open(path)
	if err != nil || h.afterRead == nil {
		return file, err
	}
	return hookedFile{file, path, h.afterRead}, nil
}

func (h hooked) ReadDir(path string) ([]providers.FileInfo, error) {
	if h.beforeReadDir != nil {
		if err := h.beforeReadDir(path); err != nil {
			return nil, err
		}
	}
	list, err := h.FileSystem.ReadDir(path)
	if h.afterReadDir != nil {
		h.afterReadDir(list)
	}
	return list, err
}

type hookedFile struct {
	providers.ReadFile
	path  string
	after func(path string) error
}

func (h hookedFile) Read(p []byte) (int, error) {
	n, err := h.ReadFile.Read(p)
	if hookErr := h.after(h.path); hookErr != nil {
		return n, hookErr
	}
	return n, err
}

// content is the content of one file of an archive, all of which must be well-formed.
func content(t *testing.T, archive []byte, name string) string {
	t.Helper()
	text, found := "", false
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		data, err := io.ReadAll(reader)
		must(t, err)
		if header.Name == name {
			text, found = string(data), true
		}
	}
	if !found {
		t.Errorf("%s is not in the archive", name)
	}
	return text
}

const large = 1 << 20

// TestChangingFiles changes a file between two reads of it.
func TestChangingFiles(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(path string) error
		want     string
		warnings []string
	}{
		"growing": {
			func(path string) error {
				file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					return err
				}
				_, err = file.WriteString(strings.Repeat("y", large))
				return errors.Join(err, file.Close())
			},
			strings.Repeat("x", large), nil,
		},
		"shrinking": {
			func(path string) error { return os.Truncate(path, large-100) },
			strings.Repeat("x", large-100) + strings.Repeat("\x00", 100),
			[]string{"shrank while reading, the last 100 bytes are zeros: changing"},
		},
		"touched": {
			func(path string) error {
				return os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0))
			},
			strings.Repeat("x", large), []string{"changed while reading: changing"},
		},
		"removed": {os.Remove, strings.Repeat("x", large), nil},
		"replaced": {func(path string) error { return os.Rename(filepath.Join(filepath.Dir(path), "other"), path) },
			strings.Repeat("x", large), []string{"vanished while reading: other"}},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			write(t, filepath.Join(base, "changing"), strings.Repeat("x", large))
			write(t, filepath.Join(base, "other"), "other")
			write(t, filepath.Join(base, "zz"), "after it")
			changed := false
			system := hooked{FileSystem: local.New().Files(), afterRead: func(path string) error {
				if changed || filepath.Base(path) != "changing" {
					return nil
				}
				changed = true
				return test.change(path)
			}}
			var archive bytes.Buffer
			reading, err := newSource(t, system, base, nil).Read(t.Context(), "run", &archive)
			must(t, err)
			if content(t, archive.Bytes(), "./changing") != test.want || content(t, archive.Bytes(), "./zz") != "after it" {
				t.Error("the content is not what it was when the file was opened")
			}
			if diff := cmp.Diff(test.warnings, reading.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLogThatGrows appends to a file for as long as it is read.
func TestLogThatGrows(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, "log")
	write(t, path, strings.Repeat("x", 8*large))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- file.Close()
				return
			default:
				if _, err := file.WriteString("line\n"); err != nil {
					stopped <- err
					return
				}
			}
		}
	}()
	var archive bytes.Buffer
	reading, err := newSource(t, local.New().Files(), base, nil).Read(t.Context(), "run", &archive)
	close(stop)
	must(t, <-stopped)
	must(t, err)
	if got := content(t, archive.Bytes(), "./log"); len(got) < 8*large || len(reading.Warnings) > 0 {
		t.Errorf("%d bytes, warnings %q", len(got), reading.Warnings)
	}
}

// TestVanishing removes or replaces things between the listing of their folder and their turn.
func TestVanishing(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(t *testing.T, base string)
		warnings []string
	}{
		"file":                 {func(t *testing.T, base string) { must(t, os.Remove(filepath.Join(base, "b"))) }, []string{"vanished while reading: b"}},
		"folder":               {func(t *testing.T, base string) { must(t, os.RemoveAll(filepath.Join(base, "c"))) }, []string{"vanished while reading: c"}},
		"link":                 {func(t *testing.T, base string) { must(t, os.Remove(filepath.Join(base, "l"))) }, []string{"vanished while reading: l"}},
		"file becomes folder":  {replaced("b", func(path string) error { return os.Mkdir(path, 0o700) }), []string{"vanished while reading: b"}},
		"file becomes link":    {replaced("b", func(path string) error { return os.Symlink("/etc/passwd", path) }), []string{"vanished while reading: b"}},
		"file becomes pipe":    {replaced("b", func(path string) error { return unix.Mkfifo(path, 0o600) }), []string{"vanished while reading: b"}},
		"file becomes socket":  {replaced("b", listen), []string{"vanished while reading: b"}},
		"folder becomes file":  {replaced("c", func(path string) error { return os.WriteFile(path, nil, 0o600) }), []string{"vanished while reading: c"}},
		"link becomes a file":  {replaced("l", func(path string) error { return os.WriteFile(path, nil, 0o600) }), []string{"vanished while reading: l"}},
		"file, escaped":        {func(t *testing.T, base string) { must(t, os.Remove(filepath.Join(base, "e\x1b[2J"))) }, []string{`vanished while reading: "e\x1b[2J"`}},
		"nothing":              {func(*testing.T, string) {}, nil},
		"new file is left out": {func(t *testing.T, base string) { write(t, filepath.Join(base, "new"), "new") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			t.Chdir(base) // the path of a socket must be short
			for _, name := range []string{"a", "b", "c/d", "e\x1b[2J"} {
				write(t, filepath.Join(base, name), name)
			}
			must(t, os.Symlink("a", filepath.Join(base, "l")))
			system := hooked{FileSystem: local.New().Files(), beforeOpen: func(path string) error {
				if filepath.Base(path) == "a" {
					test.change(t, base)
				}
				return nil
			}}
			var archive bytes.Buffer
			reading, err := newSource(t, system, base, nil).Read(t.Context(), "run", &archive)
			must(t, err)
			if diff := cmp.Diff(test.warnings, reading.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			must(t, restore(t, archive.Bytes(), filepath.Join(t.TempDir(), "restored")))
		})
	}
}

// replaced puts something else in the place of a name.
func replaced(name string, make func(path string) error) func(*testing.T, string) {
	return func(t *testing.T, base string) {
		must(t, os.RemoveAll(filepath.Join(base, name)))
		must(t, make(filepath.Join(base, name)))
	}
}

// listen leaves a socket behind.
func listen(path string) error {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Base(path), Net: "unix"})
	if err != nil {
		return err
	}
	listener.SetUnlinkOnClose(false)
	return listener.Close()
}

// TestVanishedRoot is no backup of nothing.
func TestVanishedRoot(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "tree", "a"), "a")
	system := hooked{FileSystem: local.New().Files(), beforeReadDir: os.RemoveAll}
	if _, err := newSource(t, system, filepath.Join(base, "tree"), nil).Read(t.Context(), "run", io.Discard); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a vanished folder: %v", err)
	}
	write(t, filepath.Join(base, "file"), "a")
	system = hooked{FileSystem: local.New().Files(), beforeOpen: os.Remove}
	if _, err := newSource(t, system, filepath.Join(base, "file"), nil).Read(t.Context(), "run", io.Discard); err == nil {
		t.Error("a vanished file was taken for a backup")
	}
}

func TestSpecialFiles(t *testing.T) {
	base := t.TempDir()
	t.Chdir(base)
	must(t, listen("socket"))
	write(t, filepath.Join(base, "device"), "")
	write(t, filepath.Join(base, "untold"), "")
	system := hooked{FileSystem: local.New().Files(), afterReadDir: func(list []providers.FileInfo) {
		for i := range list {
			switch list[i].Name {
			case "device":
				list[i].Mode, list[i].Rdev = fs.ModeDevice|fs.ModeCharDevice|0o666, unix.Mkdev(1, 3)
			case "untold":
				list[i].Mode, list[i].Rdev = fs.ModeDevice|0o660, 0
			}
		}
	}}
	var archive bytes.Buffer
	reading, err := newSource(t, system, base, nil).Read(t.Context(), "run", &archive)
	must(t, err)
	want := []string{"left out, because it is a socket: socket", "left out, because it is a device whose number the host does not tell: untold"}
	if diff := cmp.Diff(want, reading.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	reader := tar.NewReader(&archive)
	reader.Next()
	header, err := reader.Next()
	must(t, err)
	if header.Name != "./device" || header.Typeflag != tar.TypeChar || header.Devmajor != 1 || header.Devminor != 3 || header.Size != 0 {
		t.Errorf("the device is %+v", header)
	}
}

func TestManyWarnings(t *testing.T) {
	base := t.TempDir()
	for i := range 150 {
		write(t, filepath.Join(base, fmt.Sprint(i)), "x")
	}
	system := hooked{FileSystem: local.New().Files(), beforeOpen: os.Remove}
	reading, err := newSource(t, system, base, nil).Read(t.Context(), "run", io.Discard)
	must(t, err)
	if len(reading.Warnings) != 101 || reading.Warnings[100] != "and 50 more like these" {
		t.Errorf("%d warnings, the last %q", len(reading.Warnings), reading.Warnings[len(reading.Warnings)-1])
	}
}

// TestUnreadable tells all of what cannot be read, up to a limit, and gives no archive.
func TestUnreadable(t *testing.T) {
	base := t.TempDir()
	for i := range 50 {
		write(t, filepath.Join(base, fmt.Sprintf("%02d", i)), "x")
	}
	write(t, filepath.Join(base, "folder", "in it"), "x")
	for name, test := range map[string]struct {
		system hooked
		err    error
		told   []string
		count  int
	}{
		"some": {hooked{beforeOpen: refuse("07", "30"), beforeReadDir: refuse("folder")}, fs.ErrPermission, []string{base + "/07", base + "/30", base + "/folder", "exclude"}, 3},
		"all":  {hooked{beforeOpen: func(path string) error { return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission} }}, fs.ErrPermission, []string{base + "/19", "there may be more"}, 21},
		"bad sectors": {hooked{afterRead: func(path string) error {
			if name := filepath.Base(path); name == "03" || name == "04" {
				return &fs.PathError{Op: "read", Path: path, Err: syscall.EIO}
			}
			return nil
		}}, syscall.EIO, []string{base + "/03"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			test.system.FileSystem = local.New().Files()
			var archive bytes.Buffer
			_, err := newSource(t, test.system, base, nil).Read(t.Context(), "run", &archive)
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			for _, told := range test.told {
				if !strings.Contains(err.Error(), told) {
					t.Errorf("%v\ndoes not say %q", err, told)
				}
			}
			if lines := strings.Count(err.Error(), "\n") + 1; lines != test.count {
				t.Errorf("%d lines, want %d", lines, test.count)
			}
			if bytes.HasSuffix(archive.Bytes(), make([]byte, 1024)) {
				t.Error("the archive looks whole")
			}
		})
	}
}

// refuse fails the opening of some names.
func refuse(names ...string) func(string) error {
	return func(path string) error {
		for _, name := range names {
			if filepath.Base(path) == name {
				return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}
		}
		return nil
	}
}

// TestCancel ends the context within a file, and within the padding of one, and between files.
func TestCancel(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "a"), strings.Repeat("x", 10*large))
	write(t, filepath.Join(base, "b"), "x")
	for name, during := range map[string]func(cancel func()) hooked{
		"a file": func(cancel func()) hooked {
			return hooked{afterRead: func(string) error { cancel(); return nil }}
		},
		"padding": func(cancel func()) hooked {
			return hooked{afterRead: func(string) error { cancel(); return io.EOF }}
		},
		"between files": func(cancel func()) hooked {
			return hooked{beforeOpen: func(path string) error {
				if filepath.Base(path) == "a" {
					cancel()
					return fs.ErrNotExist
				}
				t.Errorf("%s was opened after the end", path)
				return nil
			}}
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		system := during(cancel)
		system.FileSystem = local.New().Files()
		var written counter
		if _, err := newSource(t, system, base, nil).Read(ctx, "run", &written); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled during %s: %v", name, err)
		}
		if written > large {
			t.Errorf("cancelled during %s: %d bytes were written all the same", name, written)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newSource(t, local.New().Files(), base, nil).Inspect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("inspecting: %v", err)
	}
}

var errFull = errors.New("no room")

// limited takes so many bytes.
type limited int

func (l *limited) Write(p []byte) (int, error) {
	if *l -= limited(len(p)); *l < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestErrorsOfTheWriter fails the writer at every part of an archive, its end included.
func TestErrorsOfTheWriter(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "a"), strings.Repeat("x", large))
	write(t, filepath.Join(base, "b"), strings.Repeat("x", large))
	whole := len(read(t, base, nil))
	for room := 0; room < whole; room += whole/50 + 1 {
		l := limited(room)
		if _, err := newSource(t, local.New().Files(), base, nil).Read(t.Context(), "run", &l); !errors.Is(err, errFull) {
			t.Errorf("with room for %d of %d bytes: %v", room, whole, err)
		}
	}
	l := limited(whole - 1)
	if _, err := newSource(t, local.New().Files(), base, nil).Read(t.Context(), "run", &l); !errors.Is(err, errFull) {
		t.Errorf("with room for all but one byte: %v", err)
	}
}
