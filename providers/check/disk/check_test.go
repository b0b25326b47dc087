package disk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

const titles = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"

// printer is a host on which df prints what it is told to.
type printer struct {
	providers.Runner
	space, inodes string
}

func (p printer) Run(_ context.Context, command providers.Command) error {
	line := p.space
	if command.Arguments[1] == "-Pi" {
		line = p.inodes
	}
	_, err := fmt.Fprintf(command.Stdout, "%s%s\n", titles, line)
	return err
}

func TestProbe(t *testing.T) {
	for name, test := range map[string]struct {
		space, inodes string
		verdict       providers.Verdict
		summary       string
	}{
		"room":             {"/dev/sda1 1000 800 200 80% /srv", "/dev/sda1 10 1 9 10% /srv", providers.Passed, "/srv is 80 % full, 200 KiB free"},
		"getting full":     {"/dev/sda1 1000 860 140 86% /srv", "/dev/sda1 10 1 9 10% /srv", providers.Warned, "86 % full"},
		"full":             {"/dev/sda1 1000 990 10 99% /srv", "/dev/sda1 10 1 9 10% /srv", providers.Failed, "99 % full"},
		"out of inodes":    {"/dev/sda1 1000 1 999 1% /srv", "/dev/sda1 100 97 3 97% /srv", providers.Failed, "97 % of its inodes are used"},
		"inodes uncounted": {"/dev/sda1 1000 1 999 1% /srv", "/dev/sda1 - - - - /srv", providers.Passed, "/srv is 0 % full, 999 KiB free"},
	} {
		t.Run(name, func(t *testing.T) {
			check := &check{config: Config{Path: "/srv", Warn: 80, Fail: 95}, host: printer{space: test.space, inodes: test.inodes}, clock: clock.System{}}
			finding, err := check.Probe(t.Context())
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
}

func TestProbeHere(t *testing.T) {
	config := &Config{Path: t.TempDir(), Warn: 100, Fail: 100}
	check, err := config.Check(providers.Environment{Clock: clock.System{}, Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if finding, err := check.Probe(t.Context()); err != nil || finding.Verdict != providers.Passed || finding.Figures["free_bytes"] <= 0 {
		t.Errorf("%v, got %+v", err, finding)
	}
	config.Path += "/nowhere"
	if check, err = config.Check(providers.Environment{Clock: clock.System{}, Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }}); err != nil {
		t.Fatal(err)
	}
	var exit *providers.ExitError
	if _, err := check.Probe(t.Context()); !errors.As(err, &exit) {
		t.Errorf("got %v", err)
	}
}
