package files_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/files"
)

// farSource is the source of a folder on another machine.
func farSource(t *testing.T, at where, folder string, change func(*files.Config)) providers.Source {
	t.Helper()
	config := files.Provider().New().(*files.Config)
	config.Path, config.Host = folder, at.host
	if change != nil {
		change(config)
	}
	source, err := config.Source(at.environment)
	must(t, err)
	return source
}

// TestFarIsNear reads one of everything with a tar on another machine: the archive is, byte by byte, that of a reading here.
func TestFarIsNear(t *testing.T) {
	testenv.Need(t, "tar")
	folder := filepath.Join(t.TempDir(), "tree")
	must(t, os.Mkdir(folder, 0o755))
	fullTree(t, folder)
	write(t, filepath.Join(folder, "cache", "left.tmp"), "out")
	write(t, filepath.Join(folder, "cache", "kept"), "in")
	must(t, os.Truncate(filepath.Join(folder, "cache", "kept"), 3<<20)) // which makes it sparse
	leave := func(c *files.Config) { c.Exclude = []string{"*.tmp", "/folder/empty"} }
	far := machines(t)[1]
	for name, change := range map[string]func(*files.Config){"everything": nil, "without some": leave} {
		t.Run(name, func(t *testing.T) {
			var archive bytes.Buffer
			reading, err := farSource(t, far, folder, change).Read(t.Context(), "run", &archive)
			must(t, err)
			if len(reading.Warnings) > 0 {
				t.Errorf("warnings: %q", reading.Warnings)
			}
			if near := read(t, folder, change); !bytes.Equal(near, archive.Bytes()) {
				t.Errorf("the archives differ: %d bytes here, %d there", len(near), archive.Len())
			}
		})
	}
}

// sayingHost is a machine whose tar does something to the tree first, or says something.
type sayingHost struct {
	providers.Host
	before func()
	says   string
}

func (s sayingHost) Run(ctx context.Context, command providers.Command) error {
	if len(command.Arguments) > 2 {
		s.before()
		if s.says != "" {
			if _, err := command.Stderr.Write([]byte(s.says)); err != nil {
				return err
			}
		}
	}
	return s.Host.Run(ctx, command)
}

// TestFarTreeThatChanges has files vanish after they were listed, and a tar that says other things.
func TestFarTreeThatChanges(t *testing.T) {
	testenv.Need(t, "tar")
	machine := machines(t)[1]
	host, err := machine.environment.Hosts(providers.Reference{})
	must(t, err)
	for _, test := range []struct {
		name, says, warning, err string
		before                   func(folder string)
	}{
		{name: "vanished", before: func(folder string) { must(t, os.Remove(filepath.Join(folder, "b\nc"))) }, warning: `vanished while reading: "b\nc"`},
		{name: "changed", says: "tar: ./a: file changed as we read it\n", warning: "changed while reading: a"},
		{name: "shrank", says: "/bin/tar: ./a: File shrank by 17 bytes; padding with zeros\n", warning: "shrank while reading, the last 17 bytes are zeros: a"},
		{name: "socket", says: "tar: ./s: socket ignored\n", warning: "left out, because it is a socket: s"},
		{name: "unreadable", says: "tar: ./a: Cannot open: Permission denied\ntar: Exiting with failure status due to previous errors\n", err: "a cannot be read: Permission denied"},
		{name: "anything else", says: "tar: the sky is falling\n", err: "the sky is falling"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "tree")
			write(t, filepath.Join(folder, "a"), "a")
			write(t, filepath.Join(folder, "b\nc"), "b")
			before := func() {
				if test.before != nil {
					test.before(folder)
				}
			}
			at := where{environment: providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return sayingHost{host, before, test.says}, nil }}, host: machine.host}
			reading, err := farSource(t, at, folder, nil).Read(t.Context(), "run", &bytes.Buffer{})
			if test.err != "" {
				wantError(t, err, test.err)
				return
			}
			must(t, err)
			if strings.Join(reading.Warnings, "|") != test.warning {
				t.Errorf("warnings %q, want %q", reading.Warnings, test.warning)
			}
		})
	}
}
