package files_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/files"
)

// entry is one of an archive made by hand. Files hold "evil".
type entry struct {
	kind       byte
	name, link string
}

// archiveOf writes an archive of any entries.
func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, e := range entries {
		header := &tar.Header{Typeflag: e.kind, Name: e.name, Linkname: e.link, Mode: 0o755, Uid: os.Getuid(), Gid: os.Getgid(), Format: tar.FormatPAX}
		if e.kind == tar.TypeReg {
			header.Size = 4
		}
		must(t, writer.WriteHeader(header))
		if e.kind == tar.TypeReg {
			_, err := writer.Write([]byte("evil"))
			must(t, err)
		}
	}
	must(t, writer.Close())
	return archive.Bytes()
}

// TestHostileArchives tries to write outside. What is refused leaves nothing; what is not stays inside.
func TestHostileArchives(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "victim"), "good")
	before := describe(t, outside)
	victim := filepath.Join(outside, "victim")
	for name, entries := range map[string][]entry{
		"absolute name":              {{tar.TypeReg, victim, ""}},
		"absolute folder":            {{tar.TypeDir, filepath.Join(outside, "new") + "/", ""}},
		"dot dot":                    {{tar.TypeReg, "../escaped", ""}},
		"dot dot within":             {{tar.TypeDir, "a/", ""}, {tar.TypeReg, "a/../../escaped", ""}},
		"the parent":                 {{tar.TypeDir, "..", ""}},
		"through an absolute link":   {{tar.TypeSymlink, "l", outside}, {tar.TypeReg, "l/escaped", ""}},
		"through a relative link":    {{tar.TypeSymlink, "l", ".."}, {tar.TypeReg, "l/escaped", ""}},
		"through two links":          {{tar.TypeSymlink, "a", "b"}, {tar.TypeSymlink, "b", ".."}, {tar.TypeReg, "a/escaped", ""}},
		"a file over a link":         {{tar.TypeSymlink, "l", victim}, {tar.TypeReg, "l", ""}},
		"a folder over a link":       {{tar.TypeSymlink, "l", outside}, {tar.TypeDir, "l/", ""}},
		"a folder through a link":    {{tar.TypeSymlink, "l", outside}, {tar.TypeDir, "l/new/", ""}},
		"a pipe through a link":      {{tar.TypeSymlink, "l", outside}, {tar.TypeFifo, "l/pipe", ""}},
		"a link through a link":      {{tar.TypeSymlink, "l", outside}, {tar.TypeSymlink, "l/new", "x"}},
		"hard link to absolute":      {{tar.TypeLink, "l", victim}, {tar.TypeReg, "l", ""}},
		"hard link to dot dot":       {{tar.TypeLink, "l", "../../victim"}},
		"hard link through a link":   {{tar.TypeSymlink, "l", outside}, {tar.TypeLink, "h", "l/victim"}},
		"hard link to a folder":      {{tar.TypeDir, "d/", ""}, {tar.TypeLink, "h", "d"}},
		"file in place of the root":  {{tar.TypeReg, ".", ""}},
		"link in place of the root":  {{tar.TypeSymlink, ".", outside}},
		"the same name twice":        {{tar.TypeReg, "a", ""}, {tar.TypeReg, "a", ""}},
		"a file as folder":           {{tar.TypeReg, "a", ""}, {tar.TypeReg, "a/b", ""}},
		"an unknown type":            {{'Z', "a", ""}},
		"nothing":                    {},
		"escape at the very end":     {{tar.TypeDir, "./", ""}, {tar.TypeReg, "fine", ""}, {tar.TypeReg, "../escaped", ""}},
		"a folder, then a link over": {{tar.TypeDir, "d/", ""}, {tar.TypeSymlink, "d", outside}},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			if err := restore(t, archiveOf(t, entries...), filepath.Join(base, "deep")); err == nil {
				t.Error("it was restored")
			}
			only(t, base)
			if diff := cmp.Diff(before, describe(t, outside)); diff != "" {
				t.Errorf("outside (-before +after):\n%s", diff)
			}
		})
	}
}

// TestLinksThatLeadOutAreKept restores links to anywhere as they were, for they are not followed.
func TestLinksThatLeadOutAreKept(t *testing.T) {
	outside, target := t.TempDir(), filepath.Join(t.TempDir(), "restored")
	must(t, os.Chmod(outside, 0o700))
	before := describe(t, outside)
	must(t, restore(t, archiveOf(t, entry{tar.TypeSymlink, "l", outside}, entry{tar.TypeLink, "h", "l"}), target))
	for _, name := range []string{"l", "h"} {
		if link, err := os.Readlink(filepath.Join(target, name)); err != nil || link != outside {
			t.Errorf("%s leads to %q: %v", name, link, err)
		}
	}
	if diff := cmp.Diff(before, describe(t, outside)); diff != "" {
		t.Errorf("outside (-before +after):\n%s", diff)
	}
}

// TestSparseEntries are refused: a few bytes would fill any disk.
func TestSparseEntries(t *testing.T) {
	program := testenv.Need(t, "tar")
	base := t.TempDir()
	write(t, filepath.Join(base, "tree", "sparse"), "")
	must(t, os.Truncate(filepath.Join(base, "tree", "sparse"), 100<<20))
	for _, format := range []string{"pax", "gnu"} {
		archive, err := exec.Command(program, "-cSf", "-", "--format="+format, "-C", filepath.Join(base, "tree"), ".").Output()
		must(t, err)
		if err := restore(t, archive, filepath.Join(base, "restored")); err == nil {
			t.Errorf("the %s form was restored", format)
		}
		only(t, base, "tree")
	}
}

// TestTargets prepares every kind of target; what is refused is untouched.
func TestTargets(t *testing.T) {
	for name, test := range map[string]struct {
		make func(base string) error
		err  string
	}{
		"absent":    {func(string) error { return nil }, ""},
		"empty":     {func(base string) error { return os.Mkdir(filepath.Join(base, "target"), 0o750) }, ""},
		"not empty": {func(base string) error { return os.MkdirAll(filepath.Join(base, "target", "a"), 0o750) }, "not empty (it has a)"},
		"a file":    {func(base string) error { return os.WriteFile(filepath.Join(base, "target"), nil, 0o600) }, "not a folder"},
		"a link": {func(base string) error {
			return errors.Join(os.Mkdir(filepath.Join(base, "elsewhere"), 0o700), os.Symlink("elsewhere", filepath.Join(base, "target")))
		}, "symbolic link"},
		"a dangling link": {func(base string) error { return os.Symlink("nowhere", filepath.Join(base, "target")) }, "symbolic link"},
		"no parent":       {os.Remove, "does not exist"},
		"file as parent":  {func(base string) error { return errors.Join(os.Remove(base), os.WriteFile(base, nil, 0o600)) }, "not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			outer := t.TempDir()
			base := filepath.Join(outer, "base")
			must(t, os.Mkdir(base, 0o700))
			must(t, test.make(base))
			before := describe(t, outer)
			r := restorer(t, filepath.Join(base, "target"))
			err := r.Prepare(t.Context())
			if diff := cmp.Diff(before, describe(t, outer)); diff != "" {
				t.Errorf("Prepare changed (-before +after):\n%s", diff)
			}
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			must(t, err)
			must(t, restored(r.Restore(t.Context(), bytes.NewReader(archiveOf(t, entry{tar.TypeReg, "a", ""})))))
			only(t, filepath.Join(base, "target"), "a")
		})
	}
}

// TestTargetThatFills is taken by somebody between Prepare and the end.
func TestTargetThatFills(t *testing.T) {
	base := t.TempDir()
	r := restorer(t, filepath.Join(base, "target"))
	must(t, r.Prepare(t.Context()))
	write(t, filepath.Join(base, "target", "theirs"), "x")
	if _, err := r.Restore(t.Context(), bytes.NewReader(archiveOf(t, entry{tar.TypeReg, "a", ""}))); err == nil || !strings.Contains(err.Error(), "target") {
		t.Errorf("got %v", err)
	}
	only(t, base, "target")
	only(t, filepath.Join(base, "target"), "theirs")
}

var errRead = errors.New("the bytes are not proven")

// TestOnlyTheEndProves fails the reader after every part of an archive, what follows the archive's own end included.
func TestOnlyTheEndProves(t *testing.T) {
	base := t.TempDir()
	must(t, os.Mkdir(filepath.Join(base, "target"), 0o700))
	archive := archiveOf(t, entry{tar.TypeDir, "./", ""}, entry{tar.TypeReg, "a", ""}, entry{tar.TypeDir, "b/", ""}, entry{tar.TypeReg, "b/c", ""})
	before := describe(t, filepath.Join(base, "target"))
	for at := 0; at <= len(archive); at += 256 {
		r := restorer(t, filepath.Join(base, "target"))
		must(t, r.Prepare(t.Context()))
		if _, err := r.Restore(t.Context(), io.MultiReader(bytes.NewReader(archive[:at]), iotest.ErrReader(errRead))); !errors.Is(err, errRead) {
			t.Errorf("broken after %d of %d bytes: %v", at, len(archive), err)
		}
		only(t, base, "target")
	}
	if diff := cmp.Diff(before, describe(t, filepath.Join(base, "target"))); diff != "" {
		t.Errorf("the target (-before +after):\n%s", diff)
	}
}

// cancelReader ends a context when its part of the stream is over.
type cancelReader struct{ cancel context.CancelFunc }

func (c cancelReader) Read([]byte) (int, error) {
	c.cancel()
	return 0, io.EOF
}

func TestCancelledRestore(t *testing.T) {
	base := t.TempDir()
	archive := archiveOf(t, entry{tar.TypeReg, "a", ""}, entry{tar.TypeReg, "b", ""})
	for _, at := range []int{0, 700, len(archive)} {
		ctx, cancel := context.WithCancel(t.Context())
		stream := io.MultiReader(bytes.NewReader(archive[:at]), cancelReader{cancel}, bytes.NewReader(archive[at:]))
		if _, err := restorer(t, filepath.Join(base, "target")).Restore(ctx, stream); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled after %d bytes: %v", at, err)
		}
		only(t, base)
	}
}

func TestOtherTargets(t *testing.T) {
	if _, err := files.Provider().Restore(providers.Environment{}, providers.Target{Kind: providers.TargetPostgres, Location: "postgres://x"}); err == nil {
		t.Error("files were to be restored into a database")
	}
	if _, err := files.Provider().Restore(providers.Environment{}, providers.Target{Kind: providers.TargetDirectory}); err == nil {
		t.Error("files were to be restored to a folder without a name")
	}
}

// FuzzRestore unpacks any bytes: nothing panics, nothing is written outside, nothing is left of what is refused.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(make([]byte, 1024))
	f.Add(archiveOf(f, entry{tar.TypeDir, "./", ""}, entry{tar.TypeReg, "./a", ""}, entry{tar.TypeLink, "./b", "./a"}))
	f.Add(archiveOf(f, entry{tar.TypeSymlink, "l", ".."}, entry{tar.TypeReg, "l/x", ""}))
	f.Add(archiveOf(f, entry{tar.TypeReg, "../x", ""}))
	f.Add(archiveOf(f, entry{tar.TypeFifo, "p", ""}, entry{tar.TypeReg, strings.Repeat("long/", 60) + "x", ""}))
	f.Add(archiveOf(f, entry{tar.TypeReg, "bytes \xff", ""})[:700])
	base := memoryFolder(f)
	f.Fuzz(func(t *testing.T, archive []byte) { restoreInside(t, base, archive) })
}

// FuzzEntries unpacks well-formed archives of any entries, a line each: a type, a name and, after a "|", what it links to.
func FuzzEntries(f *testing.F) {
	f.Add("5./\n0a\n1b|a\n2c|b")
	f.Add("2l|..\n0l/x\n5l/\n6l/p")
	f.Add("2a|b\n2b|../..\n1h|a/victim\n0h")
	f.Add("5d/\n2d/l|/\n0d/l/tmp/x\n0d/../../x")
	base := memoryFolder(f)
	f.Fuzz(func(t *testing.T, lines string) {
		var archive bytes.Buffer
		writer := tar.NewWriter(&archive)
		for line := range strings.SplitSeq(lines, "\n") {
			if line == "" {
				continue
			}
			name, link, _ := strings.Cut(line[1:], "|")
			// What cannot be encoded is not an entry.
			if writer.WriteHeader(&tar.Header{Typeflag: line[0], Name: name, Linkname: link, Mode: int64(len(line)) * 0o111}) != nil {
				return
			}
		}
		must(t, writer.Close())
		restoreInside(t, base, archive.Bytes())
	})
}

// restoreInside restores an archive two folders below base and checks that nothing else was touched.
func restoreInside(t *testing.T, base string, archive []byte) {
	folder, err := os.MkdirTemp(base, "")
	must(t, err)
	write(t, filepath.Join(folder, "victim"), "good")
	before := describe(t, filepath.Join(folder, "victim"))
	inner := filepath.Join(folder, "inner")
	must(t, os.Mkdir(inner, 0o700))
	if _, err := restorer(t, filepath.Join(inner, "target")).Restore(t.Context(), bytes.NewReader(archive)); err != nil {
		only(t, inner)
	} else {
		only(t, inner, "target")
	}
	only(t, folder, "inner", "victim")
	if diff := cmp.Diff(before, describe(t, filepath.Join(folder, "victim"))); diff != "" {
		t.Errorf("outside (-before +after):\n%s", diff)
	}
	// Modes from the archive may keep anyone but root from removing what was restored.
	must(t, filepath.WalkDir(inner, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	}))
	must(t, os.RemoveAll(folder))
}

// memoryFolder is a folder in memory where there is one: what is restored is synced, which is slow on a busy disk.
func memoryFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "files-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	return folder
}
