package docker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	cleanup "github.com/castrolanda/imsctl/providers/cleanup/docker"
	engine "github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/ssh"
)

// later is a clock that is ahead, so that everything is old.
type later struct{ by time.Duration }

func (l later) Now() time.Time { return time.Now().Add(l.by) }

const month = 30 * 24 * time.Hour

// open makes a cleaner of a server's engine, for which everything is a month old.
func open(t *testing.T, server *testenv.DockerServer, change func(*cleanup.Config)) providers.Cleaner {
	t.Helper()
	config := cleanup.Provider().New().(*cleanup.Config)
	if change != nil {
		change(config)
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	cleaner, err := config.Cleaner(providers.Environment{
		Hosts: builtin.Hosts(), Clock: later{month},
		Containers: func(host providers.Host) (providers.Containers, error) { return engine.New(host, server.Socket) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return cleaner
}

// inspect looks, and returns the names of the items too.
func inspect(t *testing.T, cleaner providers.Cleaner) (providers.CleanupView, []string) {
	t.Helper()
	view, err := cleaner.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range view.Items {
		names = append(names, item.Name)
	}
	return view, names
}

// left lists what an engine has: containers, images, networks and volumes.
func left(t *testing.T, server *testenv.DockerServer) string {
	t.Helper()
	var all []string
	for _, arguments := range [][]string{
		{"ps", "--all", "--format", "{{.Names}}"}, {"images", "--format", "{{.Repository}}:{{.Tag}}"},
		{"network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"}, {"volume", "ls", "--format", "{{.Name}}"},
	} {
		names := strings.Fields(server.Run(t, arguments...))
		slices.Sort(names)
		all = append(all, strings.Join(names, " "))
	}
	return strings.Join(all, " | ")
}

// populate makes used and unused things, and images that share layers.
func populate(t *testing.T, server *testenv.DockerServer) {
	t.Helper()
	const common = "FROM " + testenv.Tiny + "\nRUN head -c 3000000 /dev/zero >/common\n"
	server.Build(t, "old:1", common+"RUN head -c 1000000 /dev/zero >/old\n")
	server.Build(t, "old:2", common+"RUN head -c 2000000 /dev/zero >/new\n")
	server.Build(t, "kept:1", "FROM "+testenv.Tiny+"\nRUN head -c 500000 /dev/zero >/kept\n")
	server.Build(t, "released:1", "FROM "+testenv.Tiny+"\nRUN head -c 500000 /dev/zero >/released\n")
	server.Run(t, "tag", "released:1", "imsctl-ims:20261120T190000Z-a1b2c3d.web")
	server.Run(t, "tag", "old:1", "registry.example/old:1")
	for _, name := range []string{"used", "unused"} {
		server.Run(t, "network", "create", name)
		server.Run(t, "volume", "create", name)
	}
	server.Run(t, "volume", "create", "precious")
	server.Run(t, "run", "--detach", "--name", "web", "--network", "used", "--volume", "used:/data", "kept:1")
	server.Run(t, "run", "--detach", "--name", "ended", "--network", "none", "old:2", "sh", "-c", "head -c 4000000 /dev/zero >/own")
	server.Run(t, "run", "--detach", "--name", "ims-web-1", "--network", "none", "--label", "com.docker.compose.project=ims", testenv.Tiny, "true")
	server.Run(t, "wait", "ended", "ims-web-1")
}

func TestCleanup(t *testing.T) {
	server := testenv.Docker(t)
	populate(t, server)
	cleaner := open(t, server, func(c *cleanup.Config) { c.Volumes = []string{"used", "unused"} })
	view, names := inspect(t, cleaner)
	if want := []string{"container ended", "network unused", "image old:1, registry.example/old:1", "image old:2", "volume unused"}; len(names) < len(want) || !sameStart(names, want) {
		t.Fatalf("planned are %q", names)
	}
	for _, name := range names[5:] {
		if !strings.HasPrefix(name, "build cache ") {
			t.Errorf("planned is %q", name)
		}
	}
	if said := strings.Join(view.Notes, "\n"); !strings.Contains(said, "the volume used is mounted by web and stays") {
		t.Errorf("the notes are %q", said)
	}
	facts := strings.Join(view.Facts, "\n")
	for _, want := range []string{"1 container stays for releases that can be gone back to", "1 image stays for releases that can be gone back to"} {
		if !strings.Contains(facts, want) {
			t.Errorf("the facts are %q", facts)
		}
	}
	// What both images have counts once: 3 MB, with 1 MB and 2 MB of their own, and the 4 MB of the container.
	if bytes := view.Bytes(); bytes < 10_000_000 || bytes > 10_500_000 {
		t.Errorf("to be freed are %d bytes of %+v", bytes, view.Items)
	}

	outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view)
	if err != nil || len(outcome.Warnings) > 0 || len(outcome.Removed) != len(names) {
		t.Fatalf("%v, removed are %q with %q", err, outcome.Removed, outcome.Warnings)
	}
	if difference := outcome.Freed - view.Bytes(); difference < -100_000 || difference > 100_000 {
		t.Errorf("%d bytes were to be freed, and %d were", view.Bytes(), outcome.Freed)
	}
	if len(outcome.Notes) != 1 || !strings.Contains(outcome.Notes[0], " free") {
		t.Errorf("of the disk is said %q", outcome.Notes)
	}
	const want = "ims-web-1 web | imsctl-ims:20261120T190000Z-a1b2c3d.web imsctl/tiny:latest kept:1 released:1 | used | precious used"
	if got := left(t, server); got != want {
		t.Errorf("left are %s", got)
	}
	if view, names := inspect(t, cleaner); len(names) > 0 {
		t.Errorf("still planned are %+v", view.Items)
	}
	if _, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view); !errors.Is(err, providers.ErrCleanupRefused) {
		t.Errorf("removing it once more: %v", err)
	}
}

// sameStart reports whether a list begins with another one.
func sameStart(list, start []string) bool { return slices.Equal(list[:len(start)], start) }

// TestMeanwhile uses everything that a plan showed before it is removed.
func TestMeanwhile(t *testing.T) {
	server := testenv.Docker(t)
	populate(t, server)
	cleaner := open(t, server, func(c *cleanup.Config) { c.Volumes = []string{"unused"} })
	view, names := inspect(t, cleaner)
	before := left(t, server)
	server.Run(t, "start", "ended")
	server.Run(t, "run", "--detach", "--name", "late", "--network", "unused", "--volume", "unused:/data", "old:1")
	server.Run(t, "tag", "old:2", "new:2") // new, and in use
	server.Run(t, "network", "create", "newer")

	outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		// A container that has ended again may go: it is as it was.
		if isCache := strings.HasPrefix(name, "build cache "); name != "container ended" && isCache != slices.Contains(outcome.Removed, name) {
			t.Errorf("%s: removed are %q, warned was %q", name, outcome.Removed, outcome.Warnings)
		}
	}
	if len(outcome.Warnings) < 4 || !strings.HasSuffix(outcome.Warnings[0], " stays: it is in use now, was changed, or is gone already") {
		t.Errorf("warned was %q", outcome.Warnings)
	}
	after := left(t, server)
	for _, name := range []string{"late", "old:1", "registry.example/old:1", "old:2", "new:2", "unused", "newer", "web"} {
		if !strings.Contains(after, name) {
			t.Errorf("%s is gone: there was %s and is %s", name, before, after)
		}
	}
}

func TestWhenTheDiskIsFull(t *testing.T) {
	server := testenv.Docker(t)
	server.Run(t, "network", "create", "unused")
	root := server.Run(t, "info", "--format", "{{.DockerRootDir}}")
	for _, test := range []struct {
		above, percent int64
		want           string
	}{{80, 80, "/ is 80 % full, and Docker is cleaned up above 80 %"}, {80, 81, "/ is 81 % full, above 80 %"}} {
		config := &cleanup.Config{OlderThan: units.Duration(time.Hour), When: &cleanup.When{DiskAbove: test.above}}
		host := full{root: root, percent: test.percent}
		cleaner, err := config.Cleaner(providers.Environment{
			Hosts: func(reference providers.Reference) (providers.Host, error) {
				var err error
				host.Host, err = builtin.Hosts()(reference)
				return host, err
			},
			Clock:      later{month},
			Containers: func(on providers.Host) (providers.Containers, error) { return engine.New(host.Host, server.Socket) },
		})
		if err != nil {
			t.Fatal(err)
		}
		view, names := inspect(t, cleaner)
		said := strings.Join(slices.Concat(view.Facts, view.Notes), "; ")
		if said != test.want || (len(names) > 0) != (test.percent > test.above) {
			t.Errorf("at %d %% is said %q of %q", test.percent, said, names)
		}
	}
}

// full is a host whose disk is as full as it is said to be.
type full struct {
	providers.Host
	root    string
	percent int64
}

func (f full) Run(_ context.Context, command providers.Command) error {
	if !slices.Equal(command.Arguments, []string{"df", "-Pk", "--", f.root}) {
		return fmt.Errorf("run was %q", command.Arguments)
	}
	_, err := fmt.Fprintf(command.Stdout, "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 %d %d 0%% /\n", f.percent, 100-f.percent)
	return err
}

// TestOverSSH cleans up on a machine that is reached by SSH.
func TestOverSSH(t *testing.T) {
	server := testenv.Docker(t)
	machine := server.SSH(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	host, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	server.Run(t, "network", "create", "unused")
	server.Run(t, "run", "--detach", "--name", "ended", "--network", "none", testenv.Tiny, "true")
	server.Run(t, "run", "--detach", "--name", "web", "--network", "none", testenv.Tiny)
	server.Run(t, "run", "--detach", "--name", "shop", "--network", "none", "--label", "com.docker.compose.project=x",
		"--label", "com.docker.compose.project.working_dir=/srv/shop/releases/1", testenv.Tiny, "true")
	server.Run(t, "wait", "ended", "shop")
	over := func(clock clock.Clock) providers.Cleaner {
		config := &cleanup.Config{Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}, OlderThan: units.Duration(time.Nanosecond)}
		cleaner, err := config.Cleaner(providers.Environment{
			Hosts: func(providers.Reference) (providers.Host, error) { return host, nil }, Clock: clock, Deploys: []providers.DeployTarget{{Path: "/srv/shop/"}},
			Containers: func(on providers.Host) (providers.Containers, error) { return engine.New(on, "") },
		})
		if err != nil {
			t.Fatal(err)
		}
		return cleaner
	}
	if view, names := inspect(t, over(later{month})); len(names) > 0 || len(view.Refusals) != 1 || !strings.Contains(view.Refusals[0], "the clock of the container engine on vm is ") {
		t.Errorf("with clocks that differ, planned are %q, refused %q", names, view.Refusals)
	}
	cleaner := over(clock.System{})
	view, names := inspect(t, cleaner)
	if !slices.Equal(names, []string{"container ended", "network unused"}) || view.Fingerprint == "" {
		t.Fatalf("planned are %q, noted is %q", names, view.Notes)
	}
	outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view)
	if err != nil || len(outcome.Removed) != 2 {
		t.Errorf("%v, got %+v", err, outcome)
	}
	if got := left(t, server); got != "shop web | imsctl/tiny:latest |  | " {
		t.Errorf("left are %s", got)
	}
}

func TestNoEngine(t *testing.T) {
	config := &cleanup.Config{When: &cleanup.When{DiskAbove: 80}}
	environment := providers.Environment{Hosts: builtin.Hosts(), Clock: later{}}
	if _, err := config.Cleaner(environment); err == nil {
		t.Error("made without an engine")
	}
	environment.Containers = func(host providers.Host) (providers.Containers, error) {
		return engine.New(host, "/nowhere/docker.sock")
	}
	cleaner, err := config.Cleaner(environment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cleaner.Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "is Docker installed and started") {
		t.Errorf("got %v", err)
	}
}
