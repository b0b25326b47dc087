package docker

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/moby/moby/api/types/image"

	"github.com/castrolanda/imsctl/providers"
)

// LayerBytes implements providers.Stockkeeper. An engine tells sizes only by the steps of an image's history, and not which of those
// made a layer; where that cannot be told from the steps, it is not.
func (e *engine) LayerBytes(ctx context.Context, of providers.StockImage) ([]int64, error) {
	told, err := e.client.ImageHistory(ctx, of.ID)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the layers of the image %s on %s: %w", of.ID, e.host.Name(), e.meaning(ctx, err))
	}
	return layerBytes(told.Items, len(of.Layers), of.Bytes), nil
}

// settingStep is a step of a Dockerfile that makes no layer, as the builders write them down ("CMD [...]", "/bin/sh -c #(nop)  CMD [...]").
var settingStep = regexp.MustCompile(`^(/bin/sh -c #\(nop\) +)?(ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b`)

// layerBytes finds the steps that made the layers of an image of a size, the newest of which comes first in a history.
func layerBytes(history []image.HistoryResponseItem, layers int, size int64) []int64 {
	for _, made := range []func(image.HistoryResponseItem) bool{
		func(step image.HistoryResponseItem) bool { return step.Size > 0 },
		func(step image.HistoryResponseItem) bool {
			return step.Size > 0 || !settingStep.MatchString(step.CreatedBy)
		},
	} {
		var sizes []int64
		total := int64(0)
		for _, step := range slices.Backward(history) {
			if made(step) {
				sizes, total = append(sizes, step.Size), total+step.Size
			}
		}
		if len(sizes) == layers && total == size {
			return sizes
		}
	}
	return nil
}
