package containers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// project is what a compose file declares, as compose itself reads it.
type project struct {
	Name     string             `json:"name"`
	Services map[string]service `json:"services"`
}

// service is one of a project.
type service struct {
	Image  string `json:"image"`
	Scale  *int   `json:"scale"`
	Deploy struct {
		Replicas *int `json:"replicas"`
	} `json:"deploy"`
}

// wanted is how many containers the service is to have.
func (s service) wanted() int {
	switch {
	case s.Scale != nil:
		return *s.Scale
	case s.Deploy.Replicas != nil:
		return *s.Deploy.Replicas
	}
	return 1
}

// composeScript calls compose by the name that it has on the host.
const composeScript = `if docker compose version >/dev/null 2>&1; then exec docker compose "$@"; fi
command -v docker-compose >/dev/null || { echo 'there is neither "docker compose" nor docker-compose' >&2; exit 127; }
exec docker-compose "$@"`

// declared has compose read the compose file on its host, with all that it includes and takes from the environment there.
func (c *check) declared(ctx context.Context) (*project, error) {
	var output bytes.Buffer
	arguments := []string{"sh", "-c", composeScript, "sh", "--project-directory", path.Dir(c.config.Compose), "--file", c.config.Compose}
	if c.config.Project != "" {
		arguments = append(arguments, "--project-name", c.config.Project)
	}
	err := c.host.Run(ctx, providers.Command{
		Arguments: append(arguments, "config", "--format", "json"), Directory: path.Dir(c.config.Compose), Stdout: &output,
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s on %s: %w", c.config.Compose, c.host.Name(), err)
	}
	found, err := parseProject(output.Bytes())
	if err != nil {
		return nil, fmt.Errorf("reading %s on %s: %w", c.config.Compose, c.host.Name(), err)
	}
	return found, nil
}

// parseProject reads what "docker compose config --format json" prints.
func parseProject(text []byte) (*project, error) {
	found := new(project)
	if err := json.Unmarshal(text, found); err != nil {
		return nil, fmt.Errorf("what compose printed is not JSON: %w", err)
	}
	if found.Name == "" {
		return nil, fmt.Errorf("compose did not tell the name of the project")
	}
	return found, nil
}

// ofProject are the containers of a project, as far as they are not to be left alone.
func (c *check) ofProject(ctx context.Context, declared *project) ([]providers.Container, error) {
	all, err := c.engine.Find(ctx, "*")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(container providers.Container) bool {
		return container.Project != declared.Name || c.leftAlone(container.Service)
	}), nil
}

// missing adds the services that have too few containers, and the containers of services that there are none of any more.
func (c *check) missing(finding *providers.Finding, declared *project, found []providers.Container) {
	for _, name := range slices.Sorted(maps.Keys(declared.Services)) {
		if c.leftAlone(name) {
			continue
		}
		count := 0
		for _, container := range found {
			if container.Service == name {
				count++
			}
		}
		switch wanted := declared.Services[name].wanted(); {
		case count == 0 && wanted > 0:
			finding.Add(providers.Failed, "the service "+name+" has no container")
		case count < wanted:
			finding.Add(providers.Failed, fmt.Sprintf("the service %s has %d of %d containers", name, count, wanted))
		}
	}
	for _, container := range found {
		if _, ok := declared.Services[container.Service]; !ok {
			c.differs(finding, fmt.Sprintf("%s is of the service %s, which %s does not declare", container.Name, container.Service, c.config.Compose))
		}
	}
}
