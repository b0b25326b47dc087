package docker

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/providers"
)

// filesLabel has the compose files that a container was made from, separated by commas.
const filesLabel = "com.docker.compose.project.config_files"

// Uses implements providers.UseTeller.
func (e *engine) Uses(ctx context.Context) ([]providers.ContainerUse, error) {
	list, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("listing the containers on %s: %w", e.host.Name(), e.meaning(ctx, err))
	}
	var uses []providers.ContainerUse
	for _, item := range list.Items {
		name := item.ID[:min(len(item.ID), 12)]
		for _, given := range item.Names {
			if given = strings.TrimPrefix(given, "/"); !strings.Contains(given, "/") {
				name = given
			}
		}
		add := func(how, at string) {
			if path.IsAbs(at) {
				uses = append(uses, providers.ContainerUse{Container: name, State: string(item.State), How: how, Path: path.Clean(at)})
			}
		}
		for _, mount := range item.Mounts {
			add("mounts", mount.Source)
		}
		add("is of the compose project in", item.Labels[folderLabel])
		for file := range strings.SplitSeq(item.Labels[filesLabel], ",") {
			add("is of the compose file", strings.TrimSpace(file))
		}
	}
	slices.SortFunc(uses, func(a, b providers.ContainerUse) int {
		return cmp.Or(strings.Compare(a.Container, b.Container), strings.Compare(a.Path, b.Path), strings.Compare(a.How, b.How))
	})
	return uses, nil
}
