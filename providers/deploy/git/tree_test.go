package git

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func treeOf(t *testing.T) (*workshop, string) {
	w := newWorkshop(t)
	w.write("compose.yaml", "services: {}\n")
	w.write("app/main.py", "print('olá')\n")
	w.write("run", "#!/bin/sh\n")
	if err := errors.Join(os.Chmod(filepath.Join(w.folder, "run"), 0o755), os.Symlink("compose.yaml", filepath.Join(w.folder, "link"))); err != nil {
		t.Fatal(err)
	}
	return w, w.commit("one")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w, commit := treeOf(t)
	files := must(w.open().Files(t.Context(), commit))
	for i := range files {
		if !isHash(files[i].Hash) {
			t.Errorf("hash %q", files[i].Hash)
		}
		files[i].Hash = ""
	}
	slicesEqual(t, []File{
		{Path: "app/main.py", Mode: 0o644, Size: 14}, {Path: "compose.yaml", Mode: 0o644, Size: 13},
		{Path: "link", Mode: fs.ModeSymlink | 0o777, Size: 12}, {Path: "run", Mode: 0o755, Size: 10},
	}, files)
}

func TestArchive(t *testing.T) {
	t.Parallel()
	w, commit := treeOf(t)
	var archive bytes.Buffer
	if err := w.open().Archive(t.Context(), commit, &archive); err != nil {
		t.Fatal(err)
	}
	var names []string
	for reader := tar.NewReader(&archive); ; {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeXGlobalHeader {
			names = append(names, header.Name)
		}
	}
	if got := strings.Join(names, " "); got != "app/ app/main.py compose.yaml link run" {
		t.Error(got)
	}
	if err := w.open().Archive(t.Context(), strings.Repeat("0", 40), io.Discard); err == nil {
		t.Error("archived nothing")
	}
}

func TestShowFile(t *testing.T) {
	t.Parallel()
	w, commit := treeOf(t)
	r := w.open()
	if got, err := r.ShowFile(t.Context(), commit, "app/main.py", 100); err != nil || string(got) != "print('olá')\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"compose.yml", "app", "app/main.py/x"} {
		if _, err := r.ShowFile(t.Context(), commit, name, 100); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "../etc/passwd", "/etc/passwd", "./run", "a//b"} {
		if _, err := r.ShowFile(t.Context(), commit, name, 100); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := r.ShowFile(t.Context(), commit, "app/main.py", 13); err == nil || !strings.Contains(err.Error(), "larger than the limit of 13 bytes") {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	w, commit := treeOf(t)
	w.write("run", "changed since")
	for name, r := range map[string]*Repository{"of a working copy": w.open(), "of a bare one": w.openAt(w.bare())} {
		folder := filepath.Join(t.TempDir(), "release")
		if err := r.Export(t.Context(), commit, folder); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		content, err := os.ReadFile(filepath.Join(folder, "link"))
		info, statErr := os.Stat(filepath.Join(folder, "run"))
		if err != nil || statErr != nil || string(content) != "services: {}\n" || info.Mode().Perm()&0o100 == 0 || info.Size() != 10 {
			t.Errorf("%s: %q, %v, %v", name, content, err, statErr)
		}
		entries := must(os.ReadDir(filepath.Dir(folder)))
		if inside := must(os.ReadDir(folder)); len(entries) != 1 || len(inside) != 4 {
			t.Errorf("%s: left %v beside, %v inside", name, entries, inside)
		}
		if err := r.Export(t.Context(), commit, folder); err == nil {
			t.Errorf("%s: put over what was there", name)
		}
	}
	if got := must(w.open().Uncommitted(t.Context())); len(got) != 1 || got[0].Path != "run" {
		t.Errorf("the working copy was touched: %v", got)
	}
}
