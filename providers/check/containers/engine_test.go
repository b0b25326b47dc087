package containers

import (
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
