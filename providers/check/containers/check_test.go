package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// engine has containers that are what they are, and says the same of all of them.
type engine struct {
	providers.Containers
	list []providers.Container
	logs string
	err  error
	// images are what names mean.
	images map[string]string
}

func (e engine) ImageID(_ context.Context, name string) (string, error) {
	if id := e.images[name]; id != "" {
		return id, nil
	}
	return "", fmt.Errorf("%w %q", providers.ErrNoImage, name)
}

func (e engine) Find(_ context.Context, patterns ...string) ([]providers.Container, error) {
	var found []providers.Container
	for _, container := range e.list {
		if slices.ContainsFunc(patterns, func(pattern string) bool { matched, _ := path.Match(pattern, container.Name); return matched }) {
			found = append(found, container)
		}
	}
	return found, e.err
}

func (e engine) Logs(_ context.Context, _ string, since, until time.Time, stdout, _ io.Writer) error {
	if until.Sub(since) != logSpan {
		return errors.New("another span")
	}
	_, err := io.WriteString(stdout, e.logs)
	return err
}

func TestProbe(t *testing.T) {
	well := providers.Container{Name: "ims_db", State: "running", Health: "healthy"}
	web := providers.Container{Name: "ims_web", State: "running", Restarts: 3}
	for name, test := range map[string]struct {
		list    []providers.Container
		names   []string
		most    int64
		verdict providers.Verdict
		summary string
	}{
		"well":        {[]providers.Container{well, web}, []string{"ims_*"}, anyNumber, providers.Passed, "2 run, 1 of them healthy, 1 without a health check"},
		"one of them": {[]providers.Container{well, web}, []string{"ims_db"}, 0, providers.Passed, "1 run"},
		"missing":     {[]providers.Container{well, web}, []string{"ims_*", "kc"}, anyNumber, providers.Failed, "there is no container kc"},
		"exited":      {[]providers.Container{{Name: "a", State: "exited"}}, []string{"a"}, anyNumber, providers.Failed, "a is exited"},
		"unhealthy":   {[]providers.Container{{Name: "a", State: "running", Health: "unhealthy"}}, []string{"a"}, anyNumber, providers.Failed, "a is unhealthy"},
		"starting":    {[]providers.Container{{Name: "a", State: "running", Health: "starting"}}, []string{"a"}, anyNumber, providers.Failed, "a is starting"},
		"restarts":    {[]providers.Container{well, web}, []string{"*"}, 2, providers.Failed, "ims_web was started again 3 times, not 2 at most"},
		"two of them": {[]providers.Container{{Name: "a", State: "dead"}, {Name: "b", State: "paused"}}, []string{"*"}, 2, providers.Failed, "a is dead; b is paused"},
	} {
		t.Run(name, func(t *testing.T) {
			check := &check{config: Config{Names: test.names, MaxRestarts: test.most}, engine: engine{list: test.list}, clock: clock.System{}}
			finding, err := check.Probe(t.Context())
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
}

func TestLastWords(t *testing.T) {
	ill := providers.Container{Name: "a", State: "running", Health: "unhealthy", HealthOutput: "curl: refused\n"}
	check := &check{config: Config{Names: []string{"a"}, MaxRestarts: anyNumber}, clock: clock.System{},
		engine: engine{list: []providers.Container{ill}, logs: "1\n2\n3\n4\n5\n\n6\n"}}
	finding, err := check.Probe(t.Context())
	want := []string{"a: 2", "a: 3", "a: 4", "a: 5", "a: 6", "a: health check: curl: refused"}
	if err != nil || !slices.Equal(finding.Details, want) {
		t.Errorf("%v, got %q", err, finding.Details)
	}
	check.engine = engine{err: errors.New("no engine")}
	if _, err := check.Probe(t.Context()); err == nil || err.Error() != "no engine" {
		t.Errorf("got %v", err)
	}
}
