package files_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/files"
)

var scratchName = providers.ScratchName("lineage", "run", "0123456789abcdef")

func newDriller(t *testing.T, folder string) providers.Driller {
	t.Helper()
	return drillerAt(t, where{}, folder)
}

// drillerAt makes what drills in a folder of a machine.
func drillerAt(t *testing.T, at where, folder string) providers.Driller {
	t.Helper()
	driller, err := files.Provider().Drill(at.environment, providers.DrillTarget{Path: folder, Host: at.host})
	must(t, err)
	return driller
}

// manyKinds is an archive with one entry of each kind that anybody can make, and modes that shut their owner out.
func manyKinds(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, e := range []struct {
		kind             byte
		name, link, text string
		mode             int64
	}{
		{tar.TypeDir, "./", "", "", 0o755}, {tar.TypeDir, "./shut/", "", "", 0o111}, {tar.TypeReg, "./shut/secret", "", "hidden", 0o000},
		{tar.TypeReg, "./a", "", "content", 0o644}, {tar.TypeLink, "./b", "./a", "", 0o644}, {tar.TypeSymlink, "./c", "nowhere/at all", "", 0o777},
		{tar.TypeFifo, "./pipe", "", "", 0o600}, {tar.TypeReg, "./deep/er/d", "", "", 0o644},
	} {
		must(t, writer.WriteHeader(&tar.Header{Typeflag: e.kind, Name: e.name, Linkname: e.link, Size: int64(len(e.text)), Mode: e.mode, Uid: os.Getuid(), Gid: os.Getgid(), Format: tar.FormatPAX}))
		_, err := writer.Write([]byte(e.text))
		must(t, err)
	}
	must(t, writer.Close())
	return archive.Bytes()
}

func TestDrill(t *testing.T) {
	for _, at := range machines(t) {
		t.Run(at.name, func(t *testing.T) { drillsAt(t, at) })
	}
}

// drillsAt drills on a machine, and changes what was restored.
func drillsAt(t *testing.T, at where) {
	folder := t.TempDir()
	for name, c := range map[string]struct {
		change func(scratch string) error
		want   []string
	}{
		"equal":           {nil, nil},
		"another content": {func(s string) error { return os.WriteFile(filepath.Join(s, "a"), []byte("CONTENT"), 0o644) }, []string{"a: its content is not that of the archive", "b: its content is not that of the archive"}},
		"another size":    {func(s string) error { return os.WriteFile(filepath.Join(s, "deep/er/d"), []byte("x"), 0o644) }, []string{"deep/er/d: it has 1 bytes, the archive 0"}},
		"missing":         {func(s string) error { return os.Remove(filepath.Join(s, "deep/er/d")) }, []string{"deep/er/d: it is missing"}},
		"more":            {func(s string) error { return os.WriteFile(filepath.Join(s, "deep/more"), nil, 0o644) }, []string{"deep/more is there and not in the archive"}},
		"a link elsewhere": {func(s string) error {
			if err := os.Remove(filepath.Join(s, "c")); err != nil {
				return err
			}
			return os.Symlink("/etc", filepath.Join(s, "c"))
		}, []string{"c: it leads to /etc, in the archive to nowhere/at all"}},
		"another kind": {func(s string) error {
			if err := os.Remove(filepath.Join(s, "pipe")); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(s, "pipe"), 0o755)
		}, []string{"pipe: it is of another kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			scratch, err := drillerAt(t, at, folder).Begin(t.Context(), scratchName)
			must(t, err)
			must(t, scratch.Restore(t.Context(), bytes.NewReader(manyKinds(t))))
			if c.change != nil {
				must(t, c.change(filepath.Join(folder, scratchName)))
			}
			found, err := scratch.Compare(t.Context(), providers.DrillExpectation{})
			must(t, err)
			if found.Files != 8 || len(found.Differences) != len(c.want) {
				t.Errorf("got %+v, want %q", found, c.want)
			}
			for i, want := range c.want {
				if i < len(found.Differences) && !strings.HasPrefix(found.Differences[i], want) {
					t.Errorf("got %q, want %q", found.Differences[i], want)
				}
			}
			must(t, scratch.Close(t.Context()))
			left, err := os.ReadDir(folder)
			must(t, err)
			if len(left) > 0 {
				t.Errorf("left is %v", left)
			}
		})
	}
}

// TestDrillOfAnArchiveThatBreaksOff fails with what is wrong with it, and leaves nothing.
func TestDrillOfAnArchiveThatBreaksOff(t *testing.T) {
	whole := manyKinds(t)
	folder := t.TempDir()
	for _, length := range []int{0, 100, 700, 3000} {
		scratch, err := newDriller(t, folder).Begin(t.Context(), scratchName)
		must(t, err)
		if err := scratch.Restore(t.Context(), io.MultiReader(bytes.NewReader(whole[:length]), iotest.ErrReader(io.ErrClosedPipe))); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d bytes: %v", length, err)
		}
		must(t, scratch.Close(t.Context()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	scratch, err := newDriller(t, folder).Begin(t.Context(), scratchName)
	must(t, err)
	if err := scratch.Restore(ctx, bytes.NewReader(whole)); err == nil {
		t.Error("it went on after it was given up")
	}
	must(t, scratch.Close(ctx))
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left is %v, %v", left, err)
	}
}

// TestDrillRemovesOnlyScratchFolders is asked to remove other things.
func TestDrillRemovesOnlyScratchFolders(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	driller := newDriller(t, folder)
	must(t, os.MkdirAll(filepath.Join(folder, "keep"), 0o755))
	write(t, filepath.Join(outside, "victim"), "good")
	linked := providers.ScratchName("lineage", "run", "fedcba9876543210")
	must(t, os.Symlink(outside, filepath.Join(folder, linked)))
	for _, name := range []string{"keep", "", ".", "../" + filepath.Base(outside), scratchName + "/../keep", linked} {
		if driller.Remove(t.Context(), name) == nil {
			t.Errorf("%q was removed", name)
		}
		if _, err := driller.Begin(t.Context(), name); err == nil {
			t.Errorf("%q was made", name)
		}
	}
	must(t, driller.Remove(t.Context(), scratchName))
	must(t, os.MkdirAll(filepath.Join(folder, scratchName, "x"), 0o755))
	must(t, driller.Remove(t.Context(), scratchName))
	left, err := os.ReadDir(folder)
	must(t, err)
	var names []string
	for _, entry := range left {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{linked, "keep"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(outside, "victim")); err != nil {
		t.Error(err)
	}
}
