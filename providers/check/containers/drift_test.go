package containers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// machine is a host on which compose prints what it is told to.
type machine struct {
	providers.Runner
	prints string
	asked  *[]string
}

func (machine) Name() string { return "vm" }

func (m machine) Run(_ context.Context, command providers.Command) error {
	if m.asked != nil {
		*m.asked = command.Arguments
	}
	_, err := fmt.Fprint(command.Stdout, m.prints)
	return err
}

// Identifications of images, as long as those of an engine.
var (
	first  = "sha256:" + strings.Repeat("1", 64)
	second = "sha256:" + strings.Repeat("2", 64)
)

// running is a container of a service of the project "ims".
func running(name, service, image, id string) providers.Container {
	return providers.Container{Name: name, ID: name, State: "running", Health: "healthy", Project: "ims", Service: service, Image: image, ImageID: id}
}

func TestDrift(t *testing.T) {
	web, db := running("web", "web", "app:1", first), running("db", "db", "postgres:15", second)
	exited := providers.Container{Name: "migrate", ID: "m", State: "exited", Project: "ims", Service: "migrate", Image: "app:1", ImageID: first}
	job := `{"name":"ims","services":{"web":{"image":"app:1"},"migrate":{"image":"app:1"}}}`
	both := `{"name":"ims","services":{"web":{"image":"app:1"},"db":{"image":"postgres:15"}}}`
	same := map[string]string{"app:1": first, "postgres:15": second}
	moved := map[string]string{"app:1": second, "postgres:15": second}
	for name, test := range map[string]struct {
		config  Config
		prints  string
		list    []providers.Container
		images  map[string]string
		verdict providers.Verdict
		summary string
		drifted float64
	}{
		"by names, as it was made":      {Config{Names: []string{"web"}}, "", []providers.Container{web, db}, same, providers.Passed, "1 run, 1 of them healthy", 0},
		"by names, the name has moved":  {Config{Names: []string{"*"}}, "", []providers.Container{web, db}, moved, providers.Warned, "web runs sha256:111111111111 of app:1, which is sha256:222222222222 now", 1},
		"a name that means nothing now": {Config{Names: []string{"*"}}, "", []providers.Container{web, db}, nil, providers.Passed, "2 run", 0},
		"made from an image itself":     {Config{Names: []string{"web"}}, "", []providers.Container{running("web", "", first, first)}, nil, providers.Passed, "1 run", 0},
		"moved, and that fails":         {Config{Names: []string{"*"}, Drift: driftFails}, "", []providers.Container{web, db}, moved, providers.Failed, "web runs sha256:111111111111", 1},
		"moved, and nobody cares":       {Config{Names: []string{"*"}, Drift: driftIgnored}, "", []providers.Container{web, db}, moved, providers.Passed, "2 run", 0},
		"as declared":                   {Config{Compose: "/srv/c.yaml"}, both, []providers.Container{web, db}, same, providers.Passed, "2 run, 2 of them healthy", 0},
		"a service is missing":          {Config{Compose: "/srv/c.yaml"}, both, []providers.Container{web}, same, providers.Failed, "the service db has no container", 0},
		"too few of a service": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"image":"app:1","deploy":{"replicas":3}},"db":{"scale":0}}}`,
			[]providers.Container{web, running("web2", "web", "app:1", first)}, same, providers.Failed, "the service web has 2 of 3 containers", 0},
		"another image is declared": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"image":"app:2"}}}`,
			[]providers.Container{web}, map[string]string{"app:1": first, "app:2": second}, providers.Warned, "web runs sha256:111111111111 of app:2, which is sha256:222222222222 now", 1},
		"another image is declared, and not there": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"image":"app:2"}}}`,
			[]providers.Container{web}, same, providers.Warned, "web runs app:1; app:2, which is declared, is not on the host", 1},
		"the same image by another name": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"image":"app:2"}}}`,
			[]providers.Container{web}, map[string]string{"app:2": first}, providers.Passed, "1 run", 0},
		"an image that is built": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"build":{"context":"."}}}}`,
			[]providers.Container{running("web", "web", "ims-web", first)}, map[string]string{"ims-web": second}, providers.Warned, "of ims-web, which is sha256:222222222222 now", 1},
		"a service that is not declared any more": {Config{Compose: "/srv/c.yaml"}, `{"name":"ims","services":{"web":{"image":"app:1"}}}`,
			[]providers.Container{web, db}, same, providers.Warned, "db is of the service db, which /srv/c.yaml does not declare", 1},
		"another project":            {Config{Compose: "/srv/c.yaml"}, `{"name":"other","services":{"web":{"image":"app:1"}}}`, []providers.Container{web}, same, providers.Failed, "the service web has no container", 0},
		"a job that has ended":       {Config{Compose: "/srv/c.yaml"}, job, []providers.Container{web, exited}, same, providers.Failed, "migrate is exited", 0},
		"a job that is left alone":   {Config{Compose: "/srv/c.yaml", Except: []string{"mig*"}}, job, []providers.Container{web, exited}, same, providers.Passed, "1 run", 0},
		"names that are left alone":  {Config{Names: []string{"*"}, Except: []string{"migrate"}}, "", []providers.Container{web, exited}, same, providers.Passed, "1 run", 0},
		"names beside the file":      {Config{Compose: "/srv/c.yaml", Names: []string{"w*", "proxy"}}, both, []providers.Container{web, db, {Name: "proxy", ID: "p", State: "running"}}, same, providers.Passed, "3 run, 2 of them healthy", 0},
		"a name beside it is missed": {Config{Compose: "/srv/c.yaml", Names: []string{"proxy"}}, both, []providers.Container{web, db}, same, providers.Failed, "there is no container proxy", 0},
		"missing and moved":          {Config{Compose: "/srv/c.yaml"}, both, []providers.Container{web}, moved, providers.Failed, "the service db has no container; web runs sha256:111111111111", 1},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.MaxRestarts = anyNumber
			if test.config.Drift == "" {
				test.config.Drift = driftWarns
			}
			asked := &check{config: test.config, host: machine{prints: test.prints}, engine: engine{list: test.list, images: test.images}, clock: clock.System{}}
			finding, err := asked.Probe(t.Context())
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) || finding.Figures["drifted"] != test.drifted {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
}

func TestComposeIsAsked(t *testing.T) {
	var arguments []string
	asked := &check{config: Config{Compose: "/srv/app/compose.yaml", Project: "ims", Drift: driftWarns, MaxRestarts: anyNumber},
		host: machine{prints: `{"name":"ims"}`, asked: &arguments}, engine: engine{}, clock: clock.System{}}
	if _, err := asked.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"--project-directory", "/srv/app", "--file", "/srv/app/compose.yaml", "--project-name", "ims", "config", "--format", "json"}
	if got := arguments[4:]; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, prints := range []string{"", "null", "{", `{"services":{}}`} {
		asked.host = machine{prints: prints}
		if finding, err := asked.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "reading /srv/app/compose.yaml on vm") {
			t.Errorf("%q: %v, got %+v", prints, err, finding)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config    Config
		attribute string
	}{
		"nothing":            {Config{Drift: driftWarns}, "names"},
		"a relative file":    {Config{Compose: "compose.yaml", Drift: driftWarns}, "compose"},
		"a project alone":    {Config{Names: []string{"a"}, Project: "p", Drift: driftWarns}, "project"},
		"another word":       {Config{Names: []string{"a"}, Drift: "shout"}, "drift"},
		"no pattern":         {Config{Names: []string{"["}, Drift: driftWarns}, "names"},
		"no exception":       {Config{Names: []string{"a"}, Except: []string{""}, Drift: driftWarns}, "except"},
		"a negative count":   {Config{Names: []string{"a"}, MaxRestarts: -2, Drift: driftWarns}, "max_restarts"},
		"a file":             {Config{Compose: "/srv/c.yaml", Drift: driftWarns}, ""},
		"names and a file":   {Config{Names: []string{"a*"}, Compose: "/srv/c.yaml", Project: "p", Except: []string{"b"}, Drift: driftFails}, ""},
		"names, and ignored": {Config{Names: []string{"a*"}, Drift: driftIgnored}, ""},
	} {
		problems := test.config.Validate()
		if (test.attribute == "") != (len(problems) == 0) || test.attribute != "" && problems[0].Attribute != test.attribute {
			t.Errorf("%s: got %v", name, problems)
		}
	}
}

func FuzzParseProject(f *testing.F) {
	f.Add([]byte(`{"name":"ims","services":{"web":{"image":"app:1","scale":2,"deploy":{"replicas":1}}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseProject(text)
		if err != nil {
			return
		}
		if found.Name == "" {
			t.Fatal("a project without a name")
		}
		for _, service := range found.Services {
			service.wanted()
		}
	})
}
