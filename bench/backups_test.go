package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestCompetitors runs the peers once against a small database.
func TestCompetitors(t *testing.T) {
	if _, err := postgresPrograms(); err != nil {
		testenv.Skip(t, err.Error())
	}
	testenv.Need(t, "gzip")
	// The server may run as another user, who cannot walk to t.TempDir.
	folder, err := os.MkdirTemp("", "imsctl-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	server, err := startServer(t.Context(), filepath.Join(folder, "server"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
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

// TestServerStopsAfterInterrupt stops it although the context has ended.
func TestServerStopsAfterInterrupt(t *testing.T) {
	if _, err := postgresPrograms(); err != nil {
		testenv.Skip(t, err.Error())
	}
	folder, err := os.MkdirTemp("", "imsctl-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	ctx, cancel := context.WithCancel(t.Context())
	server, err := startServer(ctx, filepath.Join(folder, "server"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := fill(ctx, server.url, 0.001); err == nil {
		t.Error("it was filled although the context had ended")
	}
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	if server.process.ProcessState == nil {
		t.Error("it was not waited for")
	}
}
