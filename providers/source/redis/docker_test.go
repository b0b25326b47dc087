package redis_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// TestRealContainers backs up servers in containers of a real engine, and one that is restarted meanwhile.
func TestRealContainers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes an engine and an image")
	}
	server := testenv.DockerDebian(t)
	containers, err := docker.New(local.New(), server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	environment := environment()
	environment.Containers = func(providers.Host) (providers.Containers, error) { return containers, nil }
	source := func(name string) providers.Source {
		config := redis.Provider().New().(*redis.Config)
		config.Container, config.Password, config.Keys = name, "some-secret", []string{"ml:*"}
		return sourceOf(t, config, environment)
	}

	server.Redis(t, "ims_redis", "--requirepass", "some-secret", "--repl-diskless-sync-delay", "0", "--rdbcompression", "no")
	inside := func(words ...string) string {
		return server.Run(t, append([]string{"exec", "--env", "REDISCLI_AUTH=some-secret", "ims_redis", "redis-cli"}, words...)...)
	}
	inside("MSET", "ml:1", "one", "ml:2", "two", "other", "three")
	_, reading := read(t, source("ims_redis"))
	if reading.KeyCounts.Patterns["ml:*"].Keys != 2 || reading.KeyCounts.Databases["0"].Keys != 3 || reading.Container == nil || reading.Container.Name != "ims_redis" {
		t.Errorf("reading: %+v", reading)
	}

	// A container without a shell is read as well: a snapshot ends with its sum.
	server.Run(t, "exec", "ims_redis", "mv", "/bin/sh", "/bin/no-sh")
	if _, reading := read(t, source("ims_redis")); reading.KeyCounts.Patterns["ml:*"].Keys != 2 {
		t.Errorf("reading without a shell: %+v", reading)
	}
	server.Run(t, "exec", "ims_redis", "mv", "/bin/no-sh", "/bin/sh")

	// It goes back into its container, over what is there now.
	restorable, _ := read(t, source("ims_redis"))
	inside("FLUSHALL")
	inside("SET", "later", "1")
	config := redis.Config{Container: "ims_redis", Port: 6379, Password: "some-secret"}
	target := config.Place(environment)
	target.Own, target.Overwrite = true, true
	if _, err := restore(t, environment, target, bytes.NewReader(restorable)); err != nil {
		t.Error(err)
	}
	if got := inside("MGET", "ml:1", "ml:2", "other", "later"); strings.Join(strings.Fields(got), " ") != "one two three" {
		t.Errorf("after the restore it holds %q", got)
	}

	// The server makes a pause of half a minute after each of ten keys, so that it cannot be done before it is restarted.
	for i := range 10 {
		inside("SETRANGE", fmt.Sprint("large:", i), "1000000", "end")
	}
	inside("CONFIG", "SET", "rdb-key-save-delay", "30000000")
	restarted := make(chan struct{})
	_, err = source("ims_redis").Read(t.Context(), "run", &once{do: func() {
		// What the server sends goes on being taken: the engine waits for that before it calls a container stopped.
		go func() {
			defer close(restarted)
			if output, err := server.Command(t.Context(), "restart", "--time", "0", "ims_redis").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, output)
			}
		}()
	}})
	<-restarted
	// What the engine says of the container just then may be either: the error can only be known to be one.
	if err == nil {
		t.Error("a snapshot was taken of a server that was restarted meanwhile")
	}
	if _, err := source("ims_reds").Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "ims_redis") {
		t.Errorf("with a wrong name: %v", err)
	}
}

// once does something when it is written to for the first time.
type once struct {
	do   func()
	done bool
}

func (o *once) Write(p []byte) (int, error) {
	if !o.done {
		o.done = true
		o.do()
	}
	return len(p), nil
}
