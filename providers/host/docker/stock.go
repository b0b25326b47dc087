package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/providers"
)

// Root implements providers.Stockkeeper.
func (e *engine) Root(ctx context.Context) (folder string, now time.Time, err error) {
	told, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", now, fmt.Errorf("asking where the container engine on %s keeps its data: %w", e.host.Name(), e.meaning(ctx, err))
	}
	if told.Info.DockerRootDir == "" {
		return "", now, fmt.Errorf("the container engine on %s does not say where it keeps its data", e.host.Name())
	}
	return told.Info.DockerRootDir, moment(told.Info.SystemTime), nil
}

// Stock implements providers.Stockkeeper.
func (e *engine) Stock(ctx context.Context, volumes []string) (providers.Stock, error) {
	stock, err := e.stock(ctx, volumes)
	if err != nil {
		return stock, fmt.Errorf("looking at what the container engine on %s has: %w", e.host.Name(), err)
	}
	return stock, nil
}

func (e *engine) stock(ctx context.Context, volumes []string) (providers.Stock, error) {
	var stock providers.Stock
	used, err := e.client.DiskUsage(ctx, client.DiskUsageOptions{Images: true, BuildCache: true, Volumes: len(volumes) > 0, Verbose: true})
	if err != nil {
		return stock, e.meaning(ctx, err)
	}
	alone := make(map[string]int64)
	for _, image := range used.Images.Items {
		if image.SharedSize >= 0 {
			alone[image.ID] = image.Size - image.SharedSize
		}
	}
	if stock.Images, err = e.images(ctx, alone); err != nil {
		return stock, err
	}
	if stock.Containers, err = e.stockContainers(ctx); err != nil {
		return stock, err
	}
	if stock.Networks, err = e.networks(ctx); err != nil {
		return stock, err
	}
	for _, one := range used.Volumes.Items {
		if !slices.Contains(volumes, one.Name) {
			continue
		}
		volume := providers.StockVolume{Name: one.Name, Project: one.Labels[projectLabel], Created: moment(one.CreatedAt), Bytes: -1}
		if one.UsageData != nil {
			volume.Bytes = one.UsageData.Size
		}
		stock.Volumes = append(stock.Volumes, volume)
	}
	slices.SortFunc(stock.Volumes, func(a, b providers.StockVolume) int { return cmp.Compare(a.Name, b.Name) })
	stock.Cache = cache(used.BuildCache.Items)
	return stock, nil
}

// images are all images, those too that others were made from.
func (e *engine) images(ctx context.Context, alone map[string]int64) ([]providers.StockImage, error) {
	list, err := e.client.ImageList(ctx, client.ImageListOptions{All: true})
	if err != nil {
		return nil, e.meaning(ctx, err)
	}
	var images []providers.StockImage
	for _, item := range list.Items {
		told, err := e.client.ImageInspect(ctx, item.ID)
		if isAbsent(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the image %s: %w", item.ID, e.meaning(ctx, err))
		}
		image := providers.StockImage{
			ID: told.ID, Names: imageNames(told.RepoTags, told.RepoDigests), Parent: item.ParentID, Created: moment(told.Created),
			Named: told.Metadata.LastTagTime.UTC(), Bytes: told.Size, Alone: -1, Layers: chains(told.RootFS.Layers),
		}
		if bytes, known := alone[image.ID]; known {
			image.Alone = bytes
		}
		images = append(images, image)
	}
	slices.SortFunc(images, func(a, b providers.StockImage) int {
		return cmp.Or(slices.Compare(a.Names, b.Names), cmp.Compare(a.ID, b.ID))
	})
	return images, nil
}

// chains identify layers together with those below them: the same layer on another one is unpacked once more.
func chains(layers []string) []string {
	var all []string
	chain := ""
	for _, layer := range layers {
		chain = strings.TrimPrefix(chain+" "+layer, " ")
		all = append(all, chain)
	}
	return all
}

// untagged is what an engine calls an image without a name.
const untagged = "<none>"

// imageNames are what an image must be freed of to be removed.
func imageNames(tags, digests []string) []string {
	var names []string
	repositories := make(map[string]bool)
	for _, tag := range tags {
		if at := strings.LastIndex(tag, ":"); at > 0 && !strings.HasPrefix(tag, untagged) {
			names, repositories[tag[:at]] = append(names, tag), true
		}
	}
	for _, digest := range digests {
		if repository, _, _ := strings.Cut(digest, "@"); repository != untagged && !repositories[repository] {
			names = append(names, digest)
		}
	}
	slices.Sort(names)
	return names
}

// stockContainers are all containers.
func (e *engine) stockContainers(ctx context.Context) ([]providers.StockContainer, error) {
	names, err := e.names(ctx)
	if err != nil {
		return nil, err
	}
	var found []providers.StockContainer
	for id := range names {
		told, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if err == nil && !runs(told.Container.State) {
			told, err = e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{Size: true})
		}
		if isAbsent(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the container %s: %w", names[id], e.meaning(ctx, err))
		}
		found = append(found, stocked(told.Container))
	}
	slices.SortFunc(found, func(a, b providers.StockContainer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// runs reports whether a container has processes, or will have some at any moment.
func runs(state *container.State) bool {
	return state == nil || state.Running || state.Paused || state.Restarting
}

// stocked translates what the engine says of a container.
func stocked(told container.InspectResponse) providers.StockContainer {
	one := providers.StockContainer{Container: describe(told)}
	if !runs(told.State) {
		one.Ended = moment(told.State.FinishedAt)
		if told.SizeRw != nil {
			one.Bytes = *told.SizeRw
		}
	}
	if told.NetworkSettings != nil {
		for name, endpoint := range told.NetworkSettings.Networks {
			one.Networks = append(one.Networks, name)
			if endpoint != nil && endpoint.NetworkID != "" {
				one.Networks = append(one.Networks, endpoint.NetworkID)
			}
		}
	}
	for _, mounted := range told.Mounts {
		if mounted.Type == mount.TypeVolume {
			one.Volumes = append(one.Volumes, mounted.Name)
		}
	}
	if told.HostConfig != nil {
		one.Networks = append(one.Networks, string(told.HostConfig.NetworkMode))
	}
	return one
}

// jsonFile is the log driver that keeps a log as lines of JSON.
const jsonFile = "json-file"

// LogFile implements providers.Stockkeeper.
func (e *engine) LogFile(ctx context.Context, id string) (driver, path string, err error) {
	told, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if isAbsent(err) {
		return "", "", fmt.Errorf("%w %q on %s", providers.ErrNoContainer, id, e.host.Name())
	}
	if err != nil {
		return "", "", fmt.Errorf("looking at the container %s on %s: %w", id, e.host.Name(), e.meaning(ctx, err))
	}
	if told.Container.HostConfig != nil {
		driver = told.Container.HostConfig.LogConfig.Type
	}
	if driver == jsonFile {
		path = told.Container.LogPath
	}
	return driver, path, nil
}

// networks are all networks.
func (e *engine) networks(ctx context.Context) ([]providers.StockNetwork, error) {
	list, err := e.client.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return nil, e.meaning(ctx, err)
	}
	var networks []providers.StockNetwork
	for _, one := range list.Items {
		networks = append(networks, providers.StockNetwork{
			ID: one.ID, Name: one.Name, Created: one.Created.UTC(), Project: one.Labels[projectLabel], Builtin: builtin(one.Network),
		})
	}
	slices.SortFunc(networks, func(a, b providers.StockNetwork) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return networks, nil
}

// builtin reports whether a network is there without anybody's asking, or for more than this machine.
func builtin(one network.Network) bool {
	return one.Ingress || one.ConfigOnly || one.Scope != "local" ||
		slices.Contains([]string{"bridge", "host", "none", "docker_gwbridge"}, one.Name)
}

// cache translates the records of the build cache.
func cache(records []build.CacheRecord) []providers.StockCache {
	var cached []providers.StockCache
	for _, record := range records {
		used := record.CreatedAt
		if record.LastUsedAt != nil && record.LastUsedAt.After(used) {
			used = *record.LastUsedAt
		}
		cached = append(cached, providers.StockCache{
			ID: record.ID, Description: strings.TrimSpace(record.Description), Parents: record.Parents, Used: used.UTC().Round(0),
			InUse: record.InUse, Shared: record.Shared, Bytes: record.Size,
		})
	}
	slices.SortFunc(cached, func(a, b providers.StockCache) int { return cmp.Compare(a.ID, b.ID) })
	return cached
}

// Held implements providers.Stockkeeper.
func (e *engine) Held(ctx context.Context) (int64, error) {
	used, err := e.client.DiskUsage(ctx, client.DiskUsageOptions{Images: true, BuildCache: true, Volumes: true, Containers: true})
	if err != nil {
		return 0, fmt.Errorf("asking how much the container engine on %s has: %w", e.host.Name(), e.meaning(ctx, err))
	}
	return used.Images.TotalSize + used.BuildCache.TotalSize + used.Volumes.TotalSize + used.Containers.TotalSize, nil
}

var _ providers.Stockkeeper = (*engine)(nil)
