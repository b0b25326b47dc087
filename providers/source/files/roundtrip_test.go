package files_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/files"
)

func TestRoundTrip(t *testing.T) {
	base := t.TempDir()
	fullTree(t, filepath.Join(base, "tree"))
	archive := read(t, filepath.Join(base, "tree"), nil)
	must(t, restore(t, archive, filepath.Join(base, "restored")))
	t.Cleanup(func() { os.Chmod(filepath.Join(base, "restored", "folder"), 0o755) })
	if diff := cmp.Diff(describe(t, filepath.Join(base, "tree")), describe(t, filepath.Join(base, "restored"))); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	only(t, base, "restored", "tree")
	if !bytes.Equal(archive, read(t, filepath.Join(base, "restored"), nil)) {
		t.Error("the same tree gave different bytes")
	}
}

// TestReferenceTarReads has the tar of the system list and extract what is written.
func TestReferenceTarReads(t *testing.T) {
	program := testenv.Need(t, "tar")
	base := t.TempDir()
	fullTree(t, filepath.Join(base, "tree"))
	archive := filepath.Join(base, "tree.tar")
	must(t, os.WriteFile(archive, read(t, filepath.Join(base, "tree"), nil), 0o600))
	out := filepath.Join(base, "out")
	must(t, os.Mkdir(out, 0o700))
	extract := exec.Command(program, "-xpf", archive, "--numeric-owner", "-C", out)
	if message, err := extract.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(out, "folder"), 0o755) })
	if diff := cmp.Diff(describe(t, filepath.Join(base, "tree")), describe(t, out)); diff != "" {
		t.Errorf("extracted (-want +got):\n%s", diff)
	}
	list, err := exec.Command(program, "-tf", archive).Output()
	if err != nil || !strings.HasPrefix(string(list), "./\n./big\n./block\n") {
		t.Errorf("listed %.100q: %v", list, err)
	}
}

// TestReferenceTarIsRestored restores what the tar of the system writes, in each of its formats.
func TestReferenceTarIsRestored(t *testing.T) {
	program := testenv.Need(t, "tar")
	for _, format := range []string{"pax", "gnu"} {
		t.Run(format, func(t *testing.T) {
			base := t.TempDir()
			fullTree(t, filepath.Join(base, "tree"))
			archive, err := exec.Command(program, "-cf", "-", "--format="+format, "-C", filepath.Join(base, "tree"), ".").Output()
			must(t, err)
			must(t, restore(t, archive, filepath.Join(base, "restored")))
			t.Cleanup(func() { os.Chmod(filepath.Join(base, "restored", "folder"), 0o755) })
			want, got := describe(t, filepath.Join(base, "tree")), describe(t, filepath.Join(base, "restored"))
			if format == "gnu" {
				// It has no times below a second.
				for _, tree := range []map[string]string{want, got} {
					for name, text := range tree {
						tree[name] = text[strings.Index(text, "Z")+1:]
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("restored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoots(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "real", "deep", "tree", "a"), "a")
	write(t, filepath.Join(base, "file.txt"), "content")
	must(t, os.Mkdir(filepath.Join(base, "empty"), 0o755))
	must(t, os.Symlink("real/deep", filepath.Join(base, "short")))
	must(t, os.Symlink("short/../deep/tree/", filepath.Join(base, "link")))
	must(t, os.Symlink("link", filepath.Join(base, "link to link")))
	must(t, os.Symlink("file.txt", filepath.Join(base, "link to file")))
	must(t, os.Symlink("circle", filepath.Join(base, "circle")))
	must(t, os.Symlink("nothing", filepath.Join(base, "dangling")))
	for path, test := range map[string]struct {
		names []string
		err   string
	}{
		filepath.Join(base, "real/deep/tree"): {names: []string{"./", "./a"}},
		filepath.Join(base, "link"):           {names: []string{"./", "./a"}},
		filepath.Join(base, "link to link"):   {names: []string{"./", "./a"}},
		filepath.Join(base, "file.txt"):       {names: []string{"file.txt"}},
		filepath.Join(base, "link to file"):   {names: []string{"link to file"}},
		filepath.Join(base, "empty"):          {names: []string{"./"}},
		filepath.Join(base, "circle"):         {err: "circle"},
		filepath.Join(base, "dangling"):       {err: "does not exist"},
		filepath.Join(base, "absent"):         {err: "does not exist"},
		"/dev/null":                           {err: "neither a folder nor a file"},
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			source := newSource(t, local.New().Files(), path, nil)
			_, inspectErr := source.Inspect(t.Context())
			var archive bytes.Buffer
			_, err := source.Read(t.Context(), "run", &archive)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || inspectErr == nil || inspectErr.Error() != err.Error() {
					t.Errorf("read: %v, inspect: %v; want %q", err, inspectErr, test.err)
				}
				return
			}
			must(t, err)
			must(t, inspectErr)
			if diff := cmp.Diff(test.names, names(t, archive.Bytes())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			must(t, restore(t, archive.Bytes(), filepath.Join(t.TempDir(), "restored")))
		})
	}
}

// names lists an archive.
func names(t *testing.T, archive []byte) []string {
	t.Helper()
	var list []string
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return list
		}
		must(t, err)
		list = append(list, header.Name)
	}
}

func TestRelativePathStartsAtTheDirectory(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "tree", "a"), "a")
	config := &files.Config{Path: "./tree"}
	source, err := config.Source(providers.Environment{
		Hosts:     func(providers.Reference) (providers.Host, error) { return local.New(), nil },
		Directory: base,
	})
	must(t, err)
	_, err = source.Read(t.Context(), "run", io.Discard)
	must(t, err)
}

func TestInspectEstimatesTheArchive(t *testing.T) {
	base := t.TempDir()
	fullTree(t, filepath.Join(base, "tree"))
	leaveOut := func(c *files.Config) { c.Exclude = []string{"/folder"} }
	inspection, err := newSource(t, local.New().Files(), filepath.Join(base, "tree"), leaveOut).Inspect(t.Context())
	must(t, err)
	size := int64(len(read(t, filepath.Join(base, "tree"), leaveOut)))
	if inspection.Bytes < size*95/100 || inspection.Bytes > size*105/100 {
		t.Errorf("estimated %d bytes of %d", inspection.Bytes, size)
	}
}

func TestFormatFitsTheArchive(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "tree", "bytes \xff"), "a")
	for _, path := range []string{filepath.Join(base, "tree"), filepath.Join(base, "tree", "bytes \xff")} {
		archive := read(t, path, nil)
		format := newSource(t, local.New().Files(), path, nil).Format()
		if !bytes.Contains(archive[:providers.HeaderWindow], format.Headers[0]) {
			t.Errorf("%q: no mark at the beginning", path)
		}
		if !bytes.Contains(archive[len(archive)-providers.TrailerWindow:], format.Trailer) {
			t.Errorf("%q: no mark at the end", path)
		}
		if bytes.Contains(archive[len(archive)-providers.TrailerWindow-512:len(archive)-512], format.Trailer) {
			t.Errorf("%q: a cut archive is not told from a whole one", path)
		}
	}
}

// TestSparseFile reads a file of 1 GiB that is one hole.
func TestSparseFile(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "sparse"), "")
	must(t, os.Truncate(filepath.Join(base, "sparse"), 1<<30))
	var counted counter
	allocated := testing.AllocsPerRun(1, func() {
		counted = 0
		_, err := newSource(t, local.New().Files(), base, nil).Read(t.Context(), "run", &counted)
		must(t, err)
	})
	if counted < 1<<30 || counted > 1<<30+10_000 {
		t.Errorf("the archive has %d bytes", counted)
	}
	if allocated > 1000 {
		t.Errorf("reading it allocated %v times", allocated)
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
