package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

func probe(t *testing.T, ctx context.Context, config Config) (providers.Finding, error) {
	t.Helper()
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	check, err := config.Check(providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	return check.Probe(ctx)
}

func TestProbe(t *testing.T) {
	for name, test := range map[string]struct {
		config  Config
		verdict providers.Verdict
		summary string
	}{
		"silent":        {Config{Command: []string{"true"}}, providers.Passed, "exit status 0"},
		"says":          {Config{Command: []string{"printf", "one\ntwo\n"}}, providers.Passed, "one"},
		"fails":         {Config{Command: []string{"sh", "-c", "echo why >&2; exit 3"}}, providers.Failed, "sh: exit status 3: why"},
		"warns":         {Config{Command: []string{"sh", "-c", "exit 3"}, WarnStatus: []int64{3}}, providers.Warned, "sh: exit status 3"},
		"other failure": {Config{Command: []string{"sh", "-c", "exit 4"}, WarnStatus: []int64{3}}, providers.Failed, "sh: exit status 4"},
		"is there":      {Config{Command: []string{"echo", "green"}, Contains: "een"}, providers.Passed, "green"},
		"is not there":  {Config{Command: []string{"echo", "green"}, Contains: "red"}, providers.Failed, `echo did not print "red"`},
		"environment":   {Config{Command: []string{"sh", "-c", "echo $COLOUR"}, Environment: map[string]string{"COLOUR": "blue"}}, providers.Passed, "blue"},
		"says a lot":    {Config{Command: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo end"}, Contains: "end"}, providers.Failed, "did not print"},
	} {
		t.Run(name, func(t *testing.T) {
			finding, err := probe(t, t.Context(), test.config)
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
}

func TestDetails(t *testing.T) {
	finding, err := probe(t, t.Context(), Config{Command: []string{"sh", "-c", "seq 100; exit 1"}})
	if err != nil || len(finding.Details) != detailLines || !slices.Equal(finding.Details[:2], []string{"1", "2"}) {
		t.Errorf("%v, got %+v", err, finding)
	}
}

func TestNoProgram(t *testing.T) {
	if _, err := probe(t, t.Context(), Config{Command: []string{"imsctl-no-such-program"}}); err == nil || !strings.Contains(err.Error(), "running imsctl-no-such-program") {
		t.Errorf("got %v", err)
	}
	for attribute, config := range map[string]Config{"command": {}, "warn_status": {Command: []string{"true"}, WarnStatus: []int64{0}}} {
		if problems := config.Validate(); len(problems) != 1 || problems[0].Attribute != attribute {
			t.Errorf("%s: got %v", attribute, problems)
		}
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe(t, ctx, Config{Command: []string{"sleep", "1000"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
