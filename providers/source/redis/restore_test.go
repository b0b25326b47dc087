package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// location is the URL of a server, with its password.
func location(server *testenv.RedisServer) string {
	return (&url.URL{Scheme: "redis", User: url.UserPassword("", server.Password), Host: server.Address}).String()
}

// restore restores a snapshot to a target.
func restore(t *testing.T, environment providers.Environment, target providers.Target, snapshot io.Reader) (providers.Restored, error) {
	t.Helper()
	restorer, err := redis.Provider().Restore(environment, target)
	if err != nil {
		return providers.Restored{}, err
	}
	if err := restorer.Prepare(t.Context()); err != nil {
		return providers.Restored{}, err
	}
	return restorer.Restore(t.Context(), snapshot)
}

// ways are the ways to a server: the target of each, and the environment for it.
func ways(server *testenv.RedisServer) map[string]func() (providers.Environment, providers.Target) {
	return map[string]func() (providers.Environment, providers.Target){
		"address": func() (providers.Environment, providers.Target) {
			return environment(), providers.Target{Kind: providers.TargetRedis, Location: location(server)}
		},
		"container": func() (providers.Environment, providers.Target) {
			engine, environment := newEngine(), environment()
			environment.Containers = func(providers.Host) (providers.Containers, error) { return engine, nil }
			config := redis.Config{Container: engine.found.Name, Port: int64(server.Port()), Password: server.Password}
			target := config.Place(environment)
			target.Own = true
			return environment, target
		},
	}
}

func TestRestoreIntoAnEmptyServer(t *testing.T) {
	from := testenv.Redis(t, "maxmemory-policy allkeys-lfu")
	from.Fill(t, everyType())
	data, _ := read(t, newSource(t, from, nil))
	for _, lines := range [][]string{nil, {"databases 4"}, {"appendonly yes"}} {
		server := testenv.Redis(t, lines...)
		for name, way := range ways(server) {
			t.Run(name+fmt.Sprint(lines), func(t *testing.T) {
				server.Do(t, "FLUSHALL")
				server.Do(t, "FUNCTION", "FLUSH")
				environment, target := way()
				restored, err := restore(t, environment, target, bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if want, got := digest(t, from), digest(t, server); want != got {
					t.Errorf("the server holds %s, not %s", got, want)
				}
				if !strings.Contains(strings.Join(restored.Notes, "\n"), "325 keys are as many as the snapshot has") {
					t.Errorf("it tells %+v", restored)
				}
				if want, got := from.Do(t, "PEXPIRETIME", "features:expiring"), server.Do(t, "PEXPIRETIME", "features:expiring"); want != got {
					t.Errorf("a key expires at %s, not at %s", got, want)
				}
			})
		}
	}
}

func TestRestoreOverAServer(t *testing.T) {
	from := testenv.Redis(t)
	from.Fill(t, everyType())
	data, _ := read(t, newSource(t, from, nil))
	server := testenv.Redis(t)
	for name, way := range ways(server) {
		t.Run(name, func(t *testing.T) {
			server.Fill(t, "FLUSHALL\nFUNCTION FLUSH\nSET old 1\nSET ml:classification:1 other\nSELECT 3\nSET old 1\nSELECT 7\nSET old 1\nSELECT 15\nSET old 1\nSELECT 0\n"+
				"FUNCTION LOAD \"#!lua name=old\\nredis.register_function('old', function() return 1 end)\"\n")
			before := digest(t, server)
			environment, target := way()
			_, err := restore(t, environment, target, bytes.NewReader(data))
			var occupied *providers.OccupiedError
			if !errors.As(err, &occupied) || !strings.Contains(err.Error(), "2 keys in database 0, 1 keys in database 3") {
				t.Fatalf("without -overwrite: %v", err)
			}
			target.Overwrite = true
			// Half of a snapshot, and one that breaks off: what is there stays.
			for what, broken := range map[string]io.Reader{
				"half":    bytes.NewReader(data[:len(data)/2]),
				"broken":  io.MultiReader(bytes.NewReader(data[:len(data)-9]), iotest.ErrReader(errDisk)),
				"altered": bytes.NewReader(append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1)),
			} {
				if _, err := restore(t, environment, target, broken); err == nil || !strings.Contains(err.Error(), "as it was before") {
					t.Errorf("%s: %v", what, err)
				}
				if after := digest(t, server); after != before {
					t.Errorf("%s: the server holds %s, not %s", what, after, before)
				}
			}
			if _, err := restore(t, environment, target, bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			if want, got := digest(t, from), digest(t, server); want != got {
				t.Errorf("the server holds %s, not %s", got, want)
			}
			if left := server.Do(t, "INFO", "keyspace"); strings.Count(left, "keys=") != 2 {
				t.Errorf("databases: %s", left)
			}
		})
	}
}

func TestRestoreThatIsGivenUp(t *testing.T) {
	data, _ := read(t, newSource(t, large(t), nil))
	server := testenv.Redis(t)
	for name, way := range ways(server) {
		t.Run(name, func(t *testing.T) {
			environment, target := way()
			restorer, err := redis.Provider().Restore(environment, target)
			if err != nil {
				t.Fatal(err)
			}
			if err := restorer.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			half := bytes.NewReader(data[:len(data)/2])
			_, err = restorer.Restore(ctx, io.MultiReader(half, reader(func() (int, error) {
				cancel()
				return 0, context.Canceled
			})))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if left := server.Do(t, "INFO", "keyspace"); strings.Contains(left, "keys=") {
				t.Errorf("left: %s", left)
			}
		})
	}
}

// reader is one that reads as a function says.
type reader func() (int, error)

func (r reader) Read([]byte) (int, error) { return r() }

func TestRestoresThatAreRefused(t *testing.T) {
	whole := snapshot(t)
	from := testenv.Redis(t)
	from.Fill(t, everyType())
	data, _ := read(t, newSource(t, from, nil))
	for name, test := range map[string]struct {
		lines []string
		fill  string
		data  string
		want  string
	}{
		"no room":          {lines: []string{"maxmemory 1mb"}, data: string(data), want: "raise it for the restore"},
		"later format":     {data: strings.Replace(whole, "REDIS0010", "REDIS0099", 1), want: "damaged"},
		"one database":     {lines: []string{"databases 1"}, data: string(data), want: "DB index is out of range"},
		"over one":         {lines: []string{"databases 1"}, fill: "SET a 1\n", data: whole, want: "no second database"},
		"too few to spare": {lines: []string{"databases 2"}, fill: "SET a 1\n", data: string(data), want: "too few empty databases"},
		"no snapshot":      {data: "-- PostgreSQL database dump", want: "no snapshot of Redis"},
	} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Redis(t, test.lines...)
			if test.fill != "" {
				server.Fill(t, test.fill)
			}
			for way, make := range ways(server) {
				before := server.Do(t, "DEBUG", "DIGEST")
				environment, target := make()
				target.Overwrite = test.fill != ""
				if _, err := restore(t, environment, target, strings.NewReader(test.data)); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), server.Password) {
					t.Errorf("%s: %v does not say %q", way, err, test.want)
				}
				if after := server.Do(t, "DEBUG", "DIGEST"); after != before {
					t.Errorf("%s: the server is not as it was", way)
				}
			}
		})
	}
}

func TestRestoreIntoOneDatabase(t *testing.T) {
	server := testenv.Redis(t, "databases 1")
	for name, way := range ways(server) {
		server.Do(t, "FLUSHALL")
		environment, target := way()
		if _, err := restore(t, environment, target, strings.NewReader(snapshot(t))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := server.Do(t, "KEYS", "*"); len(strings.Fields(got)) != 3 {
			t.Errorf("%s: keys %q", name, got)
		}
	}
}

func TestRestoreIntoAReplica(t *testing.T) {
	master := testenv.Redis(t, "requirepass \"\"")
	host, port, _ := strings.Cut(master.Address, ":")
	server := testenv.Redis(t, "replicaof "+host+" "+port)
	_, err := restore(t, environment(), providers.Target{Kind: providers.TargetRedis, Location: location(server)}, strings.NewReader(snapshot(t)))
	if err == nil || !strings.Contains(err.Error(), "restore into its master") {
		t.Errorf("got %v", err)
	}
}

func TestTargets(t *testing.T) {
	server := testenv.Redis(t)
	for text, want := range map[string]string{
		location(server): "",
		server.Address:   "",
		server.Socket:    "",
		"redis://:" + server.Password + "@" + server.Address + "/": "",
		"redis://:top-secret@" + server.Address:                    "WRONGPASS",
		location(server) + "/3":                                    "names a database",
		"http://:top-secret@localhost":                             "does not begin with redis://",
		"redis://:top%zzsecret@localhost":                          "cannot be read",
		"localhost":                                                "is no address",
		"rediss://localhost:1?cert_file=x":                         "belong together",
	} {
		t.Setenv("REDISCLI_AUTH", server.Password)
		server.Do(t, "FLUSHALL")
		_, err := restore(t, environment(), providers.Target{Kind: providers.TargetRedis, Location: text}, strings.NewReader(snapshot(t)))
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v does not say %q", text, err, want)
		}
	}
	for _, target := range []providers.Target{
		{Kind: providers.TargetPostgres, Location: "postgres://localhost/x"},
		{Kind: providers.TargetRedis, Location: server.Address, Tables: []string{"a"}},
	} {
		if _, err := redis.Provider().Restore(environment(), target); err == nil {
			t.Errorf("%+v is taken", target)
		}
	}
}

func TestServerThatIsKilledWhileItIsFilled(t *testing.T) {
	data, _ := read(t, newSource(t, large(t), nil))
	for _, name := range []string{"address", "container"} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Redis(t)
			environment, target := ways(server)[name]()
			_, err := restore(t, environment, target, io.MultiReader(bytes.NewReader(data[:len(data)/2]), reader(func() (int, error) {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
				return 0, io.EOF
			})))
			if err == nil || !strings.Contains(err.Error(), "removing what was restored so far") {
				t.Errorf("got %v", err)
			}
		})
	}
}
