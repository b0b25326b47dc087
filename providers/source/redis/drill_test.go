package redis_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// drillName is the name of a scratch place.
var drillName = providers.ScratchName("lineage", "run", "0123456789abcdef")

// newDriller makes what drills in a folder.
func newDriller(t *testing.T, environment providers.Environment, target providers.DrillTarget) providers.Driller {
	t.Helper()
	if problems := redis.Provider().CheckDrill(target); len(problems) > 0 {
		t.Fatalf("invalid: %+v", problems)
	}
	driller, err := redis.Provider().Drill(environment, target)
	if err != nil {
		t.Fatal(err)
	}
	return driller
}

// shortFolder is one in which the path of a socket is not too long.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "drill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// drill restores a snapshot into a scratch place and compares, and sees that nothing is left.
func drill(t *testing.T, driller providers.Driller, folder string, snapshot []byte, expected providers.DrillExpectation) (found providers.Comparison, warnings []string, err error) {
	t.Helper()
	scratch, err := driller.Begin(t.Context(), drillName)
	if err != nil {
		t.Fatal(err)
	}
	if err = scratch.Restore(t.Context(), bytes.NewReader(snapshot)); err == nil {
		found, err = scratch.Compare(t.Context(), expected)
	}
	if closeErr := scratch.Close(t.Context()); closeErr != nil {
		t.Error(closeErr)
	}
	if entries, readErr := os.ReadDir(folder); readErr != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, readErr)
	}
	return found, scratch.Warnings(), err
}

// TestDrill proves a snapshot, of which a key has expired meanwhile, on this machine and on another one.
func TestDrill(t *testing.T) {
	server := testenv.Redis(t, "databases 40")
	server.Fill(t, everyType()+"SELECT 33\nSET model:far 1\nSELECT 0\n")
	server.Do(t, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
	server.Do(t, "SET", "ml:gone", "1", "PX", "1")
	data, reading := read(t, newSource(t, server, func(c *redis.Config) { c.Keys = []string{"ml:*", "model:*"} }))
	if counted := reading.KeyCounts.Patterns["ml:*"]; counted.Keys != 302 {
		t.Fatalf("the key that has expired is not in the snapshot: %+v", counted)
	}
	machine := testenv.SSH(t)
	t.Setenv("HOME", machine.Home)
	config := ssh.Provider().New().(*ssh.Config)
	config.Address = "vm"
	vm, err := config.Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vm.(io.Closer).Close() })
	there := environment()
	there.Hosts = func(providers.Reference) (providers.Host, error) { return vm, nil }
	for name, test := range map[string]struct {
		environment providers.Environment
		host        providers.Reference
	}{
		"here": {environment(), providers.Reference{}}, "on another machine": {there, providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := shortFolder(t)
			driller := newDriller(t, test.environment, providers.DrillTarget{Host: test.host, Path: folder})
			found, warnings, err := drill(t, driller, folder, data, providers.DrillExpectation{KeyCounts: reading.KeyCounts})
			if err != nil || len(warnings) > 0 {
				t.Fatalf("%v, %q", err, warnings)
			}
			if diff := cmp.Diff(providers.Comparison{Keys: 327}, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			other := *reading.KeyCounts
			other.Databases = map[string]providers.KeyCount{"0": {Keys: 1, Expiring: 1}, "3": reading.KeyCounts.Databases["3"], "33": {Keys: 1}, "7": {Keys: 4}}
			found, _, err = drill(t, driller, folder, data, providers.DrillExpectation{KeyCounts: &other})
			if want := []string{
				"database 0: 324 keys, 3 of them with a time to live; there were 1 and 1", "database 7: 0 keys, 0 of them with a time to live; there were 4 and 0",
			}; err != nil || !cmp.Equal(want, found.Differences) {
				t.Errorf("%v: %q", err, found.Differences)
			}
			_, warnings, err = drill(t, driller, folder, data, providers.DrillExpectation{})
			if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "no keys were counted") {
				t.Errorf("%v: %q", err, warnings)
			}
		})
	}
}

// TestDrillThatFails gives it what no server loads, and ends it at each step.
func TestDrillThatFails(t *testing.T) {
	testenv.Need(t, "redis-server")
	folder := shortFolder(t)
	driller := newDriller(t, environment(), providers.DrillTarget{Path: folder})
	whole := []byte(snapshot(t))
	later := bytes.Replace(whole, []byte("REDIS0010"), []byte("REDIS0099"), 1)
	_, _, err := drill(t, driller, folder, whole[:len(whole)/2], providers.DrillExpectation{})
	refusedWith(t, err, "writing the snapshot", "ends in the middle")
	_, _, err = drill(t, driller, folder, unsummed(later), providers.DrillExpectation{})
	refusedWith(t, err, "the scratch server could not load the snapshot", "99")

	ctx, cancel := context.WithCancel(t.Context())
	scratch, err := driller.Begin(ctx, drillName)
	if err != nil {
		t.Fatal(err)
	}
	if err := scratch.Restore(ctx, bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := scratch.Compare(ctx, providers.DrillExpectation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := scratch.Close(ctx); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

// unsummed is a snapshot whose checksum is none, so that nothing but its version is wrong.
func unsummed(data []byte) []byte {
	return append(bytes.Clone(data[:len(data)-8]), make([]byte, 8)...)
}

// TestScratchOfAKilledDrill removes a server that nobody waits for any more, and nothing else.
func TestScratchOfAKilledDrill(t *testing.T) {
	program := testenv.Need(t, "redis-server")
	folder := shortFolder(t)
	driller := newDriller(t, environment(), providers.DrillTarget{Path: folder})
	if err := driller.Remove(t.Context(), drillName); err != nil {
		t.Errorf("what is gone: %v", err)
	}
	place := filepath.Join(folder, drillName)
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), program, "--port", "0", "--unixsocket", filepath.Join(place, "socket"), "--dir", place, "--save", "")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		// The socket is there a moment before anybody listens at it.
		if connection, err := net.Dial("unix", filepath.Join(place, "socket")); err == nil {
			_ = connection.Close()
			break
		}
		if t.Context().Err() != nil {
			return
		}
	}
	if err := driller.Remove(t.Context(), drillName); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("it was not ended orderly: %v", err)
	}
	if err := driller.Remove(t.Context(), "data"); err == nil || !strings.Contains(err.Error(), "is not removed") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := driller.Remove(t.Context(), drillName); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("got %v", err)
	}
}

// withoutServer is a machine on which nothing is installed.
type withoutServer struct{ providers.Dialer }

func (withoutServer) LookPath(context.Context, string) (string, error) { return "", exec.ErrNotFound }

func TestDrillsThatCannotBegin(t *testing.T) {
	host, err := environment().Dialer(providers.Reference{})
	if err != nil {
		t.Fatal(err)
	}
	without := environment()
	without.Hosts = func(providers.Reference) (providers.Host, error) { return withoutServer{host}, nil }
	for name, test := range map[string]struct {
		environment  providers.Environment
		folder, want string
	}{
		"no server":         {without, t.TempDir(), "local has no redis-server"},
		"no folder":         {environment(), filepath.Join(t.TempDir(), "missing"), "making a scratch folder in"},
		"a folder too long": {environment(), filepath.Join(t.TempDir(), strings.Repeat("x", 100)), "is too long for the socket"},
	} {
		if _, err := newDriller(t, test.environment, providers.DrillTarget{Path: test.folder}).Begin(t.Context(), drillName); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, target := range map[string]providers.DrillTarget{
		"url": {URL: "redis://server"}, "assert": {Assertions: []string{"select true"}},
		"path": {Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}, Path: "drills"},
	} {
		if problems := redis.Provider().CheckDrill(target); len(problems) != 1 || problems[0].Attribute != name {
			t.Errorf("%s: got %+v", name, problems)
		}
	}
}
