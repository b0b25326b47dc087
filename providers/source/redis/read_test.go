package redis_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

func TestSnapshotOfAServer(t *testing.T) {
	for name, lines := range map[string][]string{
		"sent while it is made": {"repl-diskless-sync yes"},
		"from its disk":         {"repl-diskless-sync no"},
		"not compressed":        {"rdbcompression no"},
		"least frequently used": {"maxmemory-policy allkeys-lfu"},
		"least recently used":   {"maxmemory-policy allkeys-lru"},
		"over its socket":       nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.Redis(t, lines...)
			server.Fill(t, everyType())
			source := newSource(t, server, func(c *redis.Config) {
				c.Keys = []string{"ml:*", "model:*", "nothing:*"}
				if lines == nil {
					c.Address = server.Socket
				}
			})
			inspection, err := source.Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if inspection.Bytes == 0 || inspection.Versions["server"] == "" {
				t.Errorf("inspection: %+v", inspection)
			}
			data, reading := read(t, source)
			want := providers.Reading{
				Versions: inspection.Versions,
				KeyCounts: &providers.KeyCounts{
					Databases: map[string]providers.KeyCount{"0": {Keys: 323, Expiring: 2}, "3": {Keys: 2, Expiring: 1}},
					Patterns:  map[string]providers.KeyCount{"ml:*": {Keys: 301, Expiring: 1}, "model:*": {Keys: 3, Expiring: 1}, "nothing:*": {}},
				},
				Warnings: []string{`no key matches "nothing:*"`},
			}
			if diff := cmp.Diff(want, reading); diff != "" {
				t.Errorf("reading (-want +got):\n%s", diff)
			}
			loads(t, server, data)
		})
	}
}

// loads starts another server on a snapshot and compares the two.
func loads(t *testing.T, server *testenv.RedisServer, snapshot []byte) {
	t.Helper()
	other := testenv.Redis(t)
	if err := other.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.Folder, "dump.rdb"), snapshot, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want, got := digest(t, server), digest(t, other); want != got {
		t.Errorf("the restored server holds %s, not %s", got, want)
	}
}

// digest is a checksum over all keys and values of a server, as the server itself makes it.
func digest(t *testing.T, server *testenv.RedisServer) string {
	t.Helper()
	return server.Do(t, "DEBUG", "DIGEST") + " " + server.Do(t, "DBSIZE") + " " + server.Do(t, "FUNCTION", "LIST", "WITHCODE")
}

func TestSnapshotOfAnEmptyServer(t *testing.T) {
	server := testenv.Redis(t)
	data, reading := read(t, newSource(t, server, nil))
	if diff := cmp.Diff(&providers.KeyCounts{Databases: map[string]providers.KeyCount{}, Patterns: map[string]providers.KeyCount{}}, reading.KeyCounts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if !bytes.HasPrefix(data, []byte("REDIS")) {
		t.Errorf("it begins with %q", data[:9])
	}
}

func TestSnapshotWithoutChecksum(t *testing.T) {
	server := testenv.Redis(t, "rdbchecksum no")
	server.Fill(t, "SET a 1\n")
	_, reading := read(t, newSource(t, server, nil))
	if len(reading.Warnings) != 1 || reading.KeyCounts.Databases["0"].Keys != 1 {
		t.Errorf("got %+v", reading)
	}
}
