package docker

import (
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// images selects images, those that were made from others first.
func (c *chooser) images() {
	used := make(map[string]bool)
	for one := range c.staying {
		used[one.ImageID] = true
	}
	going := make(map[string]bool)
	for _, one := range c.stock.Images {
		unused := !used[one.ID] && c.isOld(imageAge(one))
		released := slices.ContainsFunc(one.Names, func(name string) bool { _, ok := providers.ReleasedProject(name); return ok })
		if unused && released {
			c.stays[imageKind]++
		}
		going[one.ID] = unused && !released
	}
	origins := func(one providers.StockImage) (string, []string) {
		if one.Parent == "" {
			return one.ID, nil
		}
		return one.ID, []string{one.Parent}
	}
	spread(c.stock.Images, going, origins)
	for _, one := range laterFirst(c.stock.Images, origins) {
		if going[one.ID] {
			c.things = append(c.things, c.ofImage(one))
		}
	}
}

// imageAge is since when an image is what it is here.
func imageAge(one providers.StockImage) time.Time {
	if one.Named.After(one.Created) {
		return one.Named
	}
	return one.Created
}

func (c *chooser) ofImage(one providers.StockImage) thing {
	found := thing{kind: imageKind, id: one.ID, image: one, name: strings.Join(one.Names, ", "), detail: "made " + c.ago(one.Created)}
	if len(one.Names) == 0 {
		found.name = short(one.ID)
		found.detail += ", has no name"
	}
	if one.Named.After(one.Created) {
		found.detail += ", last named " + c.ago(one.Named)
	}
	found.detail += ", of no container"
	return found
}

// shares are how many bytes the removal of each image frees, by their identifications. What several of them have in common counts for the
// one that goes last; what an image that stays has too counts for none. partly is set where not all of it is known, and more
// may be freed then.
func shares(stock providers.Stock, things []thing, sizes map[string][]int64) (bytes map[string]int64, partly bool) {
	going := make(map[string]bool)
	for _, one := range things {
		if one.kind == imageKind {
			going[one.id] = true
		}
	}
	stays := make(map[string]bool) // layers
	known := make(map[string]int64)
	for _, image := range stock.Images {
		for i, layer := range image.Layers {
			if !going[image.ID] {
				stays[layer] = true
			}
			if of := sizes[image.ID]; len(of) == len(image.Layers) {
				known[layer] = of[i]
			}
		}
	}
	bytes = make(map[string]int64)
	counted := make(map[string]bool)
	for _, one := range slices.Backward(things) {
		if one.kind != imageKind {
			continue
		}
		sum, whole := int64(0), true
		for _, layer := range one.image.Layers {
			size, isKnown := known[layer]
			if stays[layer] || counted[layer] {
				continue
			}
			counted[layer] = true
			whole = whole && isKnown
			sum += size
		}
		if !whole {
			partly = true
			sum = max(sum, one.image.Alone)
		}
		bytes[one.id] = sum
	}
	return bytes, partly
}
