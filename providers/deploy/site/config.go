package site

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// config is what compose understood of a compose file, as far as it matters here.
type config struct {
	Name     string               `json:"name"`
	Services map[string]service   `json:"services"`
	Configs  map[string]fileEntry `json:"configs"`
	Secrets  map[string]fileEntry `json:"secrets"`
}

// service is one of a compose file.
type service struct {
	Image       string                `json:"image"`
	Build       *build                `json:"build"`
	Restart     string                `json:"restart"`
	Volumes     []volume              `json:"volumes"`
	Configs     []mention             `json:"configs"`
	Secrets     []mention             `json:"secrets"`
	Healthcheck *healthcheck          `json:"healthcheck"`
	DependsOn   map[string]dependency `json:"depends_on"`
	Scale       *int                  `json:"scale"`
	Deploy      *struct {
		Replicas *int `json:"replicas"`
	} `json:"deploy"`
}

type build struct {
	Context string `json:"context"`
}

type volume struct {
	Type   string `json:"type"`
	Source string `json:"source"`
	Target string `json:"target"`
}

// mention names a config or a secret.
type mention struct {
	Source string `json:"source"`
}

// fileEntry is a config or a secret, the content of which may be in a file.
type fileEntry struct {
	File string `json:"file"`
}

type dependency struct {
	Condition string `json:"condition"`
}

// healthcheck is that of a service. What is left out is as Docker has it.
type healthcheck struct {
	Disable     bool     `json:"disable"`
	Test        []string `json:"test"`
	Interval    duration `json:"interval"`
	Timeout     duration `json:"timeout"`
	StartPeriod duration `json:"start_period"`
	Retries     *int     `json:"retries"`
}

// duration is written as compose does: "1m30s".
type duration struct {
	time.Duration
	set bool
}

// UnmarshalJSON reads a duration.
func (d *duration) UnmarshalJSON(text []byte) error {
	var written *string
	if err := json.Unmarshal(text, &written); err != nil || written == nil {
		return err
	}
	parsed, err := time.ParseDuration(*written)
	if err != nil {
		return err
	}
	d.Duration, d.set = min(max(parsed, 0), longestWait), true
	return nil
}

// or is the duration, or what is meant where it is left out.
func (d duration) or(usual time.Duration) time.Duration {
	if d.set && d.Duration > 0 {
		return d.Duration
	}
	return usual
}

// longestWait bounds what health checks can make a deploy wait for.
const longestWait = 24 * time.Hour

// parseConfig reads what "docker compose config --format json" writes.
func parseConfig(text []byte) (*config, error) {
	c := new(config)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading what docker compose understood of the compose file: %w", err)
	}
	return c, nil
}

// names are the services, sorted.
func (c *config) names() []string { return slices.Sorted(maps.Keys(c.Services)) }

// image is the name of the image that a service runs: where it is built without one, the name that compose gives it.
func (c *config) image(project, name string) string {
	if image := c.Services[name].Image; image != "" {
		return image
	}
	return project + "-" + name
}

// oneShot reports whether a service may end by itself without being started again.
func (s service) oneShot() bool {
	return s.Restart == "" || s.Restart == "no" || strings.HasPrefix(s.Restart, "on-failure")
}

// replicas is how many containers a service has.
func (s service) replicas() int {
	switch {
	case s.Scale != nil:
		return *s.Scale
	case s.Deploy != nil && s.Deploy.Replicas != nil:
		return *s.Deploy.Replicas
	}
	return 1
}

// checked reports whether the compose file gives a service a health check; its image may have one of its own.
func (s service) checked() bool {
	return s.Healthcheck != nil && !s.Healthcheck.Disable && !(len(s.Healthcheck.Test) > 0 && s.Healthcheck.Test[0] == "NONE")
}

// decides is how long the health check of a service may need until it has decided.
func (s service) decides() time.Duration {
	if !s.checked() {
		return 0
	}
	const usual = 30 * time.Second
	retries := 3
	if s.Healthcheck.Retries != nil && *s.Healthcheck.Retries > 0 {
		retries = min(*s.Healthcheck.Retries, 1_000_000)
	}
	interval := s.Healthcheck.Interval.or(usual)
	if interval > longestWait/time.Duration(retries) {
		return longestWait
	}
	return min(s.Healthcheck.StartPeriod.Duration+interval*time.Duration(retries)+s.Healthcheck.Timeout.or(usual), longestWait)
}

// wait is how long all health checks may need: those of services that wait for each other come one after another.
func (c *config) wait() time.Duration {
	known := make(map[string]time.Duration, len(c.Services))
	var chain func(name string) time.Duration
	chain = func(name string) time.Duration {
		if done, ok := known[name]; ok {
			return done
		}
		known[name] = 0 // a circle ends here; compose refuses them
		var before time.Duration
		for other := range c.Services[name].DependsOn {
			if _, ok := c.Services[other]; ok {
				before = max(before, chain(other))
			}
		}
		known[name] = min(before+c.Services[name].decides(), longestWait)
		return known[name]
	}
	var longest time.Duration
	for _, name := range c.names() {
		longest = max(longest, chain(name))
	}
	return longest
}

// unchecked are the services without a health check that are meant to go on running.
func (c *config) unchecked() []string {
	var list []string
	for _, name := range c.names() {
		if one := c.Services[name]; !one.checked() && one.replicas() > 0 {
			list = append(list, name)
		}
	}
	return list
}

// mounts are the paths within a folder that containers of a service see of it, sorted.
func (c *config) mounts(name, folder string) []string {
	var sources []string
	for _, volume := range c.Services[name].Volumes {
		if volume.Type == "bind" {
			sources = append(sources, volume.Source)
		}
	}
	for _, mention := range c.Services[name].Configs {
		sources = append(sources, c.Configs[mention.Source].File)
	}
	for _, mention := range c.Services[name].Secrets {
		sources = append(sources, c.Secrets[mention.Source].File)
	}
	var list []string
	for _, source := range sources {
		if below, ok := inside(source, folder); ok {
			list = append(list, below)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// inside is the path of something relative to a folder that it lies in; "." is the folder itself.
func inside(name, folder string) (string, bool) {
	name, folder = path.Clean(name), path.Clean(folder)
	if name == folder {
		return ".", true
	}
	return strings.CutPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}
