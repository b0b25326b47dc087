package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestCompetitors runs the peers once against a small database.
func TestCompetitors(t *testing.T) {
	testenv.Need(t, "gzip")
	if _, err := findPgDump(); err != nil {
		testenv.Skip(t, err.Error())
	}
	server, err := startServer(t.Context())
	if errors.Is(err, exec.ErrNotFound) {
		testenv.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	folder := t.TempDir()
	if err := fill(t.Context(), server.url, 0.001); err != nil {
		t.Fatal(err)
	}
	dump, err := dumpSize(t.Context(), server)
	if err != nil || dump < 400_000 || dump > 800_000 {
		t.Fatalf("a thousandth of the dump has %d bytes, %v", dump, err)
	}
	null, zipped := pgDumpAlone(server), pgDumpGzip(server)
	for round := range 3 {
		for _, c := range []*competitor{null, zipped} {
			if err := c.turn(t.Context(), filepath.Join(folder, "turn"), round > 0); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
	}
	if len(null.wall) != 2 || len(zipped.wall) != 2 {
		t.Errorf("the round that warms up counts: %v, %v", null.wall, zipped.wall)
	}
	if stored := zipped.size.median(); stored <= 0 || stored > float64(dump)/2 {
		t.Errorf("%v bytes of %d are left", stored, dump)
	}
	if _, err := os.Stat(filepath.Join(folder, "turn")); !os.IsNotExist(err) {
		t.Errorf("the folder of the last turn is still there: %v", err)
	}
}
