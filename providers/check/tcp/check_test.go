package tcp

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

// slow is a clock on which 3 seconds pass between two looks.
type slow struct{ *clock.Manual }

func (c slow) Now() time.Time {
	defer c.Advance(3 * time.Second)
	return c.Manual.Now()
}

func TestProbe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	probe := func(config Config) (providers.Finding, error) {
		check, err := config.Check(providers.Environment{
			Clock: slow{clock.NewManual(time.Unix(0, 0))}, Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return check.Probe(t.Context())
	}
	here := listener.Addr().String()
	if finding, err := probe(Config{Address: here}); err != nil || finding.Verdict != providers.Passed || finding.Summary != "connected in 3s" {
		t.Errorf("%v, got %+v", err, finding)
	}
	if finding, err := probe(Config{Address: here, MaxLatency: units.Duration(2 * time.Second)}); err != nil || finding.Verdict != providers.Failed || !strings.Contains(finding.Summary, "not within 2s") {
		t.Errorf("%v, got %+v", err, finding)
	}
	if _, err := probe(Config{Address: "127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "connecting to 127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
	if problems := (&Config{Address: "localhost"}).Validate(); len(problems) != 1 {
		t.Errorf("an address without a port: %v", problems)
	}
}
