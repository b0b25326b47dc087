package redis_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// intoFolder is the target of a stopped server's folder.
func intoFolder(server *testenv.RedisServer, overwrite bool) providers.Target {
	return providers.Target{Kind: providers.TargetDirectory, Location: server.Folder, Overwrite: overwrite}
}

// entries are the files of a folder and below.
func entries(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "log" {
			return err
		}
		data, err := os.ReadFile(name)
		found[strings.TrimPrefix(name, folder)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRestoreIntoAStoppedServer(t *testing.T) {
	from := testenv.Redis(t)
	from.Fill(t, everyType())
	data, _ := read(t, newSource(t, from, nil))
	for name, lines := range map[string][]string{"snapshots": nil, "append-only files": {"appendonly yes"}} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Redis(t, lines...)
			server.Fill(t, "SET old 1\n")
			if lines == nil {
				server.Do(t, "SAVE")
			}
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			before := entries(t, server.Folder)
			var occupied *providers.OccupiedError
			if _, err := restore(t, environment(), intoFolder(server, false), bytes.NewReader(data)); !errors.As(err, &occupied) {
				t.Fatalf("over a dump: %v", err)
			}
			for what, broken := range map[string]io.Reader{
				"half":   bytes.NewReader(data[:len(data)/2]),
				"broken": io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errDisk)),
			} {
				if _, err := restore(t, environment(), intoFolder(server, true), broken); err == nil {
					t.Errorf("%s is taken for a snapshot", what)
				}
				if diff := cmp.Diff(before, entries(t, server.Folder)); diff != "" {
					t.Errorf("%s: the folder is not as it was:\n%s", what, diff)
				}
			}
			restored, err := restore(t, environment(), intoFolder(server, true), bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(restored.Notes, "\n"), "325 keys of Redis 7") {
				t.Errorf("it tells %+v", restored)
			}
			if aside, err := filepath.Glob(filepath.Join(server.Folder, "*.before-restore-*")); err != nil || len(aside) != 1 {
				t.Errorf("aside: %q, %v", aside, err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if want, got := digest(t, from), digest(t, server); want != got {
				t.Errorf("the server holds %s, not %s", got, want)
			}
			if lines == nil {
				return
			}
			// What is written from now on is in its append-only files.
			server.Do(t, "SET", "later", "1")
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := server.Do(t, "GET", "later"); got != "1" {
				t.Errorf("a later key holds %q", got)
			}
		})
	}
}

func TestRestoreIntoAnEmptyFolder(t *testing.T) {
	target := providers.Target{Kind: providers.TargetDirectory, Location: t.TempDir()}
	restored, err := restore(t, environment(), target, strings.NewReader(snapshot(t)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"/dump.rdb": snapshot(t)}, entries(t, target.Location)); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
	if len(restored.Warnings) != 1 || !strings.Contains(restored.Warnings[0], "appendonly") {
		t.Errorf("warnings: %q", restored.Warnings)
	}
	// Append-only files of a server from before Redis 7 are one file.
	if err := os.WriteFile(filepath.Join(target.Location, "appendonly.aof"), []byte("*1\r\n$8\r\nFLUSHALL\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	target.Overwrite = true
	if _, err := restore(t, environment(), target, strings.NewReader(snapshot(t))); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, target.Location); got["/appendonly.aof"] != snapshot(t) || len(got) != 4 {
		t.Errorf("the folder has %d files, and the append-only file %q", len(got), got["/appendonly.aof"])
	}
	target.Location += "/missing"
	if _, err := restore(t, environment(), target, strings.NewReader(snapshot(t))); err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("into no folder: %v", err)
	}
}
