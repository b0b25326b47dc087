package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

// TestProbeOfAnEngine asks a real one.
func TestProbeOfAnEngine(t *testing.T) {
	server := testenv.Docker(t)
	server.Run(t, "run", "--detach", "--network", "none", "--name", "up", testenv.Tiny)
	server.Run(t, "run", "--detach", "--network", "none", "--name", "ill", "--health-cmd", "echo no good; exit 1", "--health-interval", "1s", "--health-retries", "1",
		testenv.Tiny, "sh", "-c", "echo begun; exec sleep 1000")
	server.Run(t, "wait", server.Run(t, "run", "--detach", "--network", "none", "--name", "gone", testenv.Tiny, "sh", "-c", "echo goodbye; exit 3"))
	probe := func(names ...string) providers.Finding {
		t.Helper()
		config := Config{Names: names, MaxRestarts: anyNumber}
		check, err := config.Check(providers.Environment{
			Clock:      clock.System{},
			Hosts:      func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
			Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) },
		})
		if err != nil {
			t.Fatal(err)
		}
		finding, err := check.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return finding
	}
	if finding := probe("up"); finding.Verdict != providers.Passed {
		t.Errorf("got %+v", finding)
	}
	if finding := probe("gone"); finding.Verdict != providers.Failed || finding.Summary != "gone is exited" || !strings.Contains(strings.Join(finding.Details, "\n"), "goodbye") {
		t.Errorf("got %+v", finding)
	}
	for {
		finding := probe("ill")
		if strings.Contains(finding.Summary, "starting") {
			continue
		}
		if finding.Verdict != providers.Failed || finding.Summary != "ill is unhealthy" || !strings.Contains(strings.Join(finding.Details, "\n"), "ill: health check: no good") {
			t.Errorf("got %+v", finding)
		}
		break
	}
}

// TestDriftOfAnEngine moves the name of an image away from what runs, and back by making the container again.
func TestDriftOfAnEngine(t *testing.T) {
	server := testenv.Docker(t)
	if err := server.PlugCompose(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, variable := range server.Environment() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "DOCKER_") {
			t.Setenv(name, value)
		}
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "compose.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compose := func(arguments ...string) {
		t.Helper()
		command, err := server.Compose(t.Context(), folder, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("compose %q: %v\n%s", arguments, err, output)
		}
	}
	build := func(version string) {
		t.Helper()
		id := server.Run(t, "create", "--network", "none", testenv.Tiny, "sh", "-c", "echo "+version+"; exec sleep 100000")
		server.Run(t, "commit", "--change", "LABEL version="+version, id, "app:latest")
		server.Run(t, "rm", id)
	}
	probe := func(config Config) providers.Finding {
		t.Helper()
		config.MaxRestarts, config.Drift = anyNumber, driftWarns
		check, err := config.Check(providers.Environment{
			Clock:      clock.System{},
			Hosts:      func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
			Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) },
		})
		if err != nil {
			t.Fatal(err)
		}
		finding, err := check.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return finding
	}
	named, declared := Config{Names: []string{"shop-*"}}, Config{Compose: file}
	const one = "name: shop\nservices:\n  web:\n    image: app:latest\n    network_mode: none\n    stop_grace_period: 0s\n"
	write(one)
	build("1")
	compose("up", "--detach")
	for _, config := range []Config{named, declared} {
		if finding := probe(config); finding.Verdict != providers.Passed || finding.Figures["drifted"] != 0 {
			t.Errorf("got %+v", finding)
		}
	}
	build("2")
	for _, config := range []Config{named, declared} {
		if finding := probe(config); finding.Verdict != providers.Warned || !strings.Contains(finding.Summary, "of app:latest, which is sha256:") {
			t.Errorf("got %+v", finding)
		}
	}
	compose("up", "--detach")
	if finding := probe(declared); finding.Verdict != providers.Passed {
		t.Errorf("got %+v", finding)
	}
	write(one + "  db:\n    image: postgres:15\n")
	if finding := probe(declared); finding.Verdict != providers.Failed || finding.Summary != "the service db has no container" {
		t.Errorf("got %+v", finding)
	}
	write(strings.Replace(one, "app:latest", "app:2", 1))
	if finding := probe(declared); finding.Verdict != providers.Warned || !strings.Contains(finding.Summary, "shop-web-1 runs app:latest; app:2, which is declared, is not on the host") {
		t.Errorf("got %+v", finding)
	}
	write("services: {")
	config := Config{Compose: file, MaxRestarts: anyNumber}
	check, err := config.Check(providers.Environment{
		Hosts:      func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
		Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "reading "+file) {
		t.Errorf("got %v", err)
	}
}
