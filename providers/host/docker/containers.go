package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/internal/spelling"
	"github.com/castrolanda/imsctl/providers"
)

// The labels that docker compose gives its containers.
const (
	projectLabel = "com.docker.compose.project"
	serviceLabel = "com.docker.compose.service"
	folderLabel  = "com.docker.compose.project.working_dir"
	hashLabel    = "com.docker.compose.config-hash"
	oneOffLabel  = "com.docker.compose.oneoff"
)

// Find lists the containers whose name matches one of the patterns, sorted by name. One that vanishes meanwhile is left out.
func (e *engine) Find(ctx context.Context, patterns ...string) ([]providers.Container, error) {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", pattern, err)
		}
	}
	names, err := e.names(ctx)
	if err != nil {
		return nil, err
	}
	var found []providers.Container
	for id, name := range names {
		if !slices.ContainsFunc(patterns, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }) {
			continue // the patterns were checked above
		}
		one, err := e.inspect(ctx, id)
		if errors.Is(err, providers.ErrNoContainer) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	slices.SortFunc(found, func(a, b providers.Container) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// names are the names of all containers by their identification.
func (e *engine) names(ctx context.Context) (map[string]string, error) {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("listing the containers on %s: %w", e.host.Name(), e.meaning(ctx, err))
	}
	names := make(map[string]string, len(list.Items))
	for _, item := range list.Items {
		for _, name := range item.Names {
			// With a second slash it is an alias that another container has for this one.
			if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") {
				names[item.ID] = name
			}
		}
	}
	return names, nil
}

// Container describes the container that has a name.
func (e *engine) Container(ctx context.Context, name string) (providers.Container, error) {
	if name == "" {
		return providers.Container{}, fmt.Errorf("a container on %s: its name is empty", e.host.Name())
	}
	found, err := e.inspect(ctx, name)
	// The engine also takes the beginning of an identification for a name.
	if err == nil && found.Name == name {
		return found, nil
	}
	if err != nil && !errors.Is(err, providers.ErrNoContainer) {
		return providers.Container{}, err
	}
	names, err := e.names(ctx)
	if err != nil {
		return providers.Container{}, err
	}
	return providers.Container{}, e.noContainer(name, names)
}

// noContainer says that there is no container of a name, and which there are.
func (e *engine) noContainer(name string, names map[string]string) error {
	var near []string
	for _, other := range names {
		near = append(near, other)
	}
	if len(near) == 0 {
		return fmt.Errorf("%w %q on %s: there are no containers there", providers.ErrNoContainer, name, e.host.Name())
	}
	distance := func(other string) int {
		if strings.Contains(other, name) || strings.Contains(name, other) {
			return 0
		}
		return spelling.Distance(name, other)
	}
	slices.SortFunc(near, func(a, b string) int { return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a, b)) })
	const shown = 3
	more := ""
	if len(near) > shown {
		more = fmt.Sprintf(" and %d more", len(near)-shown)
		near = near[:shown]
	}
	return fmt.Errorf("%w %q on %s: there is %s%s", providers.ErrNoContainer, name, e.host.Name(), strings.Join(near, ", "), more)
}

// inspect describes one container by its name or identification.
func (e *engine) inspect(ctx context.Context, id string) (providers.Container, error) {
	result, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if isAbsent(err) {
		return providers.Container{}, fmt.Errorf("%w %q on %s", providers.ErrNoContainer, id, e.host.Name())
	}
	if err != nil {
		return providers.Container{}, fmt.Errorf("looking at the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	return describe(result.Container), nil
}

// describe translates what the engine says of a container.
func describe(told container.InspectResponse) providers.Container {
	described := providers.Container{Name: strings.TrimPrefix(told.Name, "/"), ID: told.ID, ImageID: told.Image, Restarts: told.RestartCount, Created: moment(told.Created)}
	if told.State != nil {
		described.State, described.Started, described.ExitCode = string(told.State.Status), moment(told.State.StartedAt), told.State.ExitCode
		if health := told.State.Health; health != nil && health.Status != container.NoHealthcheck {
			described.Health = string(health.Status)
			if ran := len(health.Log); ran > 0 && health.Log[ran-1] != nil {
				described.HealthOutput = health.Log[ran-1].Output
			}
		}
	}
	if told.Config != nil {
		described.Image = told.Config.Image
		labels := told.Config.Labels
		described.Project, described.Service = labels[projectLabel], labels[serviceLabel]
		described.Folder, described.ConfigHash, described.OneOff = labels[folderLabel], labels[hashLabel], labels[oneOffLabel] == "True"
	}
	return described
}

// moment reads a time of the engine; what has not happened is the zero time.
func moment(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{} // an engine that tells no time
	}
	return parsed.UTC()
}

// ImageID implements providers.Containers.
func (e *engine) ImageID(ctx context.Context, name string) (string, error) {
	result, err := e.client.ImageInspect(ctx, name)
	if isAbsent(err) {
		return "", fmt.Errorf("%w %q on %s", providers.ErrNoImage, name, e.host.Name())
	}
	if err != nil {
		return "", fmt.Errorf("looking at the image %s on %s: %w", name, e.host.Name(), e.meaning(ctx, err))
	}
	return result.ID, nil
}
