package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// What is made of a difference between what runs and what is declared.
const (
	driftFails   = "fail"
	driftWarns   = "warn"
	driftIgnored = "ignore"
)

// drifted is the figure of how many differences there are.
const drifted = "drifted"

// differs adds a difference.
func (c *check) differs(finding *providers.Finding, what string) {
	switch c.config.Drift {
	case driftIgnored:
		return
	case driftFails:
		finding.Add(providers.Failed, what)
	case driftWarns:
		finding.Add(providers.Warned, what)
	}
	finding.Figure(drifted, finding.Figures[drifted]+1)
}

// images asks what names of images mean now, each once.
type images struct {
	engine providers.Containers
	known  map[string]string
}

// id is the identification of the image that a name means now; empty where there is none.
func (i *images) id(ctx context.Context, name string) (string, error) {
	if id, known := i.known[name]; known {
		return id, nil
	}
	id, err := i.engine.ImageID(ctx, name)
	if err != nil && !errors.Is(err, providers.ErrNoImage) {
		return "", err
	}
	i.known[name] = id
	return id, nil
}

// drift adds the containers that do not run what is declared now: the image that the compose file names, or where there is none, what the
// name means now that the container was made from. declared may be nil.
func (c *check) drift(ctx context.Context, finding *providers.Finding, declared *project, found []providers.Container) error {
	if c.config.Drift == driftIgnored {
		return nil
	}
	images := images{engine: c.engine, known: make(map[string]string)}
	for _, container := range found {
		name := container.Image
		if declared != nil {
			of, ok := declared.Services[container.Service]
			if !ok {
				continue
			}
			// An image that is built and has no name of its own has the one that compose gives it: the container says it.
			if of.Image != "" {
				name = of.Image
			}
		}
		if name == "" || isID(name) {
			continue
		}
		id, err := images.id(ctx, name)
		switch {
		case err != nil:
			return err
		case id == container.ImageID:
		case id != "":
			c.differs(finding, fmt.Sprintf("%s runs %s of %s, which is %s now", container.Name, short(container.ImageID), name, short(id)))
		case declared != nil && name != container.Image:
			c.differs(finding, fmt.Sprintf("%s runs %s; %s, which is declared, is not on the host", container.Name, container.Image, name))
		}
	}
	return nil
}

// isID reports whether a container was made from an image itself and not from a name.
func isID(name string) bool { return strings.HasPrefix(name, "sha256:") }

// short is an identification as people read it.
func short(id string) string {
	const shown = len("sha256:") + 12
	return id[:min(len(id), shown)]
}
