package tracing

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
	destinationlocal "github.com/castrolanda/imsctl/providers/destination/local"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

// TestDestinationStaysWhatItIs holds a wrapped destination against what every destination promises.
func TestDestinationStaysWhatItIs(t *testing.T) {
	var folders sync.Map
	open := func(t *testing.T, folder string) providers.Destination {
		config := destinationlocal.Config{Path: folder}
		made, err := config.Destination(providers.Environment{
			Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }, Clock: clock.System{}, Directory: "/",
		})
		if err != nil {
			t.Fatal(err)
		}
		world := &planner.World{Destinations: map[string]providers.Destination{"destination.local.a": made}}
		New(io.Discard, slog.LevelDebug, clock.System{}, func(text string) string { return text }).World(world)
		folders.Store(world.Destinations["destination.local.a"], folder)
		return world.Destinations["destination.local.a"]
	}
	destinationtest.Run(t, func(t *testing.T) providers.Destination { return open(t, t.TempDir()) },
		destinationtest.Reopen(func(t *testing.T, d providers.Destination) providers.Destination {
			folder, _ := folders.Load(d)
			return open(t, folder.(string))
		}))
}

// TestCommandsAreToldWithoutTheirArguments runs a command with secrets wherever one can put them.
func TestCommandsAreToldWithoutTheirArguments(t *testing.T) {
	var log bytes.Buffer
	manual := clock.NewManual(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC))
	wrapped := New(&log, slog.LevelDebug, manual, func(text string) string { return text }).Host(hostlocal.New())
	err := wrapped.Run(t.Context(), providers.Command{
		Arguments: []string{"/bin/cat", "-", "/dev/null"}, Environment: []string{"SECRET=hunter2"}, Stdin: strings.NewReader("hunter2"), Stdout: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "time=2026-11-22T02:00:00.000Z level=DEBUG msg=\"command run\" host=local program=cat took=0s\n"
	if log.String() != want {
		t.Errorf("got  %swant %s", &log, want)
	}
	log.Reset()
	if err := wrapped.Run(t.Context(), providers.Command{Arguments: []string{"false", "hunter2"}}); err == nil {
		t.Fatal("a command that fails is told as a success")
	}
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "error=") || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]slog.Level{"": Off, "off": Off, "info": slog.LevelInfo, "debug": slog.LevelDebug} {
		if level, err := ParseLevel(text); err != nil || level != want {
			t.Errorf("%q is %v, %v", text, level, err)
		}
	}
	for _, text := range []string{"DEBUG", "trace", "1", " "} {
		if _, err := ParseLevel(text); err == nil {
			t.Errorf("%q is a level", text)
		}
	}
}
