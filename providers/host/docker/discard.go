package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/castrolanda/imsctl/providers"
)

// removed translates the error of a removal. What is gone already is no error.
func (e *engine) removed(ctx context.Context, what string, err error) error {
	switch {
	case err == nil || isAbsent(err):
		return nil
	// An engine of before API 1.42 answers with 403 for networks that are in use.
	case ctx.Err() == nil && (cerrdefs.IsConflict(err) || cerrdefs.IsPermissionDenied(err)):
		return fmt.Errorf("removing %s on %s: %w: %s", what, e.host.Name(), providers.ErrInUse, said(err))
	}
	return fmt.Errorf("removing %s on %s: %w", what, e.host.Name(), e.meaning(ctx, err))
}

// RemoveContainer implements providers.Stockkeeper.
func (e *engine) RemoveContainer(ctx context.Context, id string) error {
	_, err := e.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{})
	return e.removed(ctx, "the container "+id, err)
}

// RemoveNetwork implements providers.Stockkeeper.
func (e *engine) RemoveNetwork(ctx context.Context, id string) error {
	_, err := e.client.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	return e.removed(ctx, "the network "+id, err)
}

// RemoveVolume implements providers.Stockkeeper.
func (e *engine) RemoveVolume(ctx context.Context, name string) error {
	_, err := e.client.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
	return e.removed(ctx, "the volume "+name, err)
}

// RemoveCache implements providers.Stockkeeper. The API has only a pruning of many, which is told to take those that have this one's
// identification.
func (e *engine) RemoveCache(ctx context.Context, id string) error {
	what := "the build cache " + id
	if !isWord(id) {
		return fmt.Errorf("removing %s on %s: that is no identification", what, e.host.Name()) // it would be taken for a pattern
	}
	pruned, err := e.client.BuildCachePrune(ctx, client.BuildCachePruneOptions{All: true, Filters: make(client.Filters).Add("id", id)})
	if err != nil {
		return e.removed(ctx, what, err)
	}
	if slices.Contains(pruned.Report.CachesDeleted, id) {
		return nil
	}
	used, err := e.client.DiskUsage(ctx, client.DiskUsageOptions{BuildCache: true, Verbose: true})
	if err != nil {
		return fmt.Errorf("looking for %s on %s: %w", what, e.host.Name(), e.meaning(ctx, err))
	}
	for _, record := range used.BuildCache.Items {
		if record.ID == id {
			return fmt.Errorf("removing %s on %s: %w: a build or a later record needs it", what, e.host.Name(), providers.ErrInUse)
		}
	}
	return nil
}

// isWord reports whether a text has letters and digits only.
func isWord(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// RemoveImage implements providers.Stockkeeper. The engine removes an image by its identification only when it has one name; so the
// others are taken from it before, and given back when it is in use after all.
func (e *engine) RemoveImage(ctx context.Context, image providers.StockImage) error {
	what := "the image " + image.ID
	if len(image.Names) > 0 {
		what = "the image " + image.Names[0]
	}
	now, err := e.client.ImageInspect(ctx, image.ID)
	if err != nil {
		return e.removed(ctx, what, err)
	}
	if names := imageNames(now.RepoTags, now.RepoDigests); !slices.Equal(names, image.Names) {
		return fmt.Errorf("removing %s on %s: %w: its names are %q now, and were %q", what, e.host.Name(), providers.ErrInUse, names, image.Names)
	}
	var taken []string
	for _, name := range image.Names[:max(0, len(image.Names)-1)] {
		if err := e.untag(ctx, image.ID, name); err != nil {
			return e.retag(ctx, image.ID, taken, e.removed(ctx, what, err))
		}
		taken = append(taken, name)
	}
	_, err = e.client.ImageRemove(ctx, image.ID, client.ImageRemoveOptions{})
	if err != nil && !isAbsent(err) {
		return e.retag(ctx, image.ID, taken, e.removed(ctx, what, err))
	}
	return nil
}

// untag takes a name from an image, if it is still the name of that image.
func (e *engine) untag(ctx context.Context, id, name string) error {
	now, err := e.client.ImageInspect(ctx, name)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if now.ID != id {
		return cerrdefs.ErrConflict.WithMessage(name + " is the name of another image now")
	}
	_, err = e.client.ImageRemove(ctx, name, client.ImageRemoveOptions{})
	return err
}

// retag gives an image its names back. A name with a digest cannot be given; the image can still be found by its identification.
func (e *engine) retag(ctx context.Context, id string, names []string, failure error) error {
	ctx = context.WithoutCancel(ctx)
	for _, name := range names {
		if strings.Contains(name, "@") {
			continue
		}
		if _, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: name}); err != nil && !isAbsent(err) {
			failure = fmt.Errorf("%w; giving it the name %s back: %w", failure, name, e.meaning(ctx, err))
		}
	}
	return failure
}
