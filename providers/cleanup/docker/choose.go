package docker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// The kinds of what is removed, in the order in which it is.
const (
	containerKind = "container"
	networkKind   = "network"
	imageKind     = "image"
	volumeKind    = "volume"
	cacheKind     = "build cache"
)

// thing is something that is removed.
type thing struct {
	kind, id, name, detail string
	bytes                  int64
	image                  providers.StockImage
}

// item is a thing as a plan shows it.
func (t thing) item() providers.CleanupItem {
	return providers.CleanupItem{Name: t.kind + " " + t.name, ID: t.kind + " " + t.id, Bytes: t.bytes, Detail: t.detail}
}

// rules are what a selection follows.
type rules struct {
	now       time.Time
	olderThan time.Duration
	volumes   []string
	// projects are the names of compose projects that are deployed, folders where they are.
	projects, folders []string
}

// selection is what is unused and old, and what stays although it is that.
type selection struct {
	things []thing
	// kept say what stays, and why.
	kept []string
	// refused say why a volume that is named stays.
	refused []string
}

// chooser makes a selection.
type chooser struct {
	rules
	stock    providers.Stock
	released map[string]bool // the projects whose releases can be gone back to
	going    map[string]bool // the containers that go
	stays    map[string]int  // how much stays for releases, by kind
	selection
}

// choose selects what goes, in the order in which it can: what something else needs comes after that.
func choose(stock providers.Stock, r rules) selection {
	c := &chooser{rules: r, stock: stock, released: make(map[string]bool), going: make(map[string]bool), stays: make(map[string]int)}
	for _, project := range r.projects {
		c.released[project] = true
	}
	for _, image := range stock.Images {
		for _, name := range image.Names {
			if project, ok := providers.ReleasedProject(name); ok {
				c.released[project] = true
			}
		}
	}
	c.containers()
	c.networks()
	c.images()
	c.chooseVolumes()
	c.cache()
	for _, kind := range []string{containerKind, networkKind, imageKind} {
		if n := c.stays[kind]; n > 0 {
			c.kept = append(c.kept, units.Counted(n, kind+" stays", kind+"s stay")+" for releases that can be gone back to")
		}
	}
	return c.selection
}

// isOld reports whether something is older than it must be. What has no age is not.
func (c *chooser) isOld(since time.Time) bool {
	return !since.IsZero() && since.Before(c.now.Add(-c.olderThan))
}

// ago is an age in words.
func (c *chooser) ago(since time.Time) string { return units.Age(c.now.Sub(since)) + " ago" }

// deployed reports whether a container is of a project that is deployed.
func (c *chooser) deployed(one providers.StockContainer) bool {
	return one.Project != "" && c.released[one.Project] || slices.ContainsFunc(c.folders, func(folder string) bool {
		return one.Folder != "" && (one.Folder == folder || strings.HasPrefix(one.Folder, strings.TrimSuffix(folder, "/")+"/"))
	})
}

func (c *chooser) containers() {
	for _, one := range c.stock.Containers {
		since, what := one.Ended, "ended "
		if since.Before(one.Created) {
			since, what = one.Created, "made "
		}
		if !slices.Contains([]string{"created", "exited", "dead"}, one.State) || !c.isOld(since) {
			continue
		}
		if c.deployed(one) {
			c.stays[containerKind]++
			continue
		}
		what += c.ago(since)
		if one.State == "created" {
			what += ", never ran"
		} else {
			what += fmt.Sprintf(" with status %d", one.ExitCode)
		}
		c.going[one.ID] = true
		c.things = append(c.things, thing{kind: containerKind, id: one.ID, name: one.Name, bytes: one.Bytes, detail: what + ", of " + short(one.Image)})
	}
}

// staying are the containers that stay.
func (c *chooser) staying(yield func(providers.StockContainer) bool) {
	for _, one := range c.stock.Containers {
		if !c.going[one.ID] && !yield(one) {
			return
		}
	}
}

func (c *chooser) networks() {
	used := make(map[string]bool)
	for one := range c.staying {
		for _, network := range one.Networks {
			used[network] = true
		}
	}
	names := make(map[string]int)
	for _, one := range c.stock.Networks {
		names[one.Name]++
	}
	for _, one := range c.stock.Networks {
		if one.Builtin || used[one.ID] || used[one.Name] || !c.isOld(one.Created) {
			continue
		}
		if one.Project != "" && c.released[one.Project] {
			c.stays[networkKind]++
			continue
		}
		name := one.Name
		if names[one.Name] > 1 {
			name += " (" + short(one.ID) + ")"
		}
		c.things = append(c.things, thing{kind: networkKind, id: one.ID, name: name, detail: "made " + c.ago(one.Created) + ", no container is in it"})
	}
}

func (c *chooser) chooseVolumes() {
	users := make(map[string][]string)
	for one := range c.staying {
		for _, volume := range one.Volumes {
			users[volume] = append(users[volume], one.Name)
		}
	}
	for _, one := range c.stock.Volumes {
		switch {
		case !slices.Contains(c.volumes, one.Name):
		case len(users[one.Name]) > 0:
			c.refused = append(c.refused, fmt.Sprintf("the volume %s is mounted by %s and stays: remove the container first, or do not name the volume", one.Name, strings.Join(users[one.Name], ", ")))
		case !c.isOld(one.Created):
			c.kept = append(c.kept, fmt.Sprintf("the volume %s stays: it was made %s", one.Name, c.ago(one.Created)))
		default:
			c.things = append(c.things, thing{kind: volumeKind, id: one.Name, name: one.Name, bytes: max(0, one.Bytes), detail: "made " + c.ago(one.Created) + ", mounted by no container"})
		}
	}
}

// cache selects records of the build cache, the later ones first.
func (c *chooser) cache() {
	going := make(map[string]bool)
	for _, one := range c.stock.Cache {
		going[one.ID] = !one.InUse && c.isOld(one.Used)
	}
	spread(c.stock.Cache, going, func(one providers.StockCache) (string, []string) { return one.ID, one.Parents })
	for _, one := range laterFirst(c.stock.Cache, func(one providers.StockCache) (string, []string) { return one.ID, one.Parents }) {
		if !going[one.ID] {
			continue
		}
		found := thing{kind: cacheKind, id: one.ID, name: one.ID, bytes: one.Bytes, detail: "last used " + c.ago(one.Used)}
		if one.Description != "" {
			found.detail += ", " + shortened(one.Description)
		}
		if one.Shared {
			found.bytes = 0
		}
		c.things = append(c.things, found)
	}
}

// spread has what stays keep what it was made from.
func spread[T any](all []T, going map[string]bool, of func(T) (id string, parents []string)) {
	for changed := true; changed; {
		changed = false
		for _, one := range all {
			id, parents := of(one)
			for _, parent := range parents {
				if !going[id] && going[parent] {
					going[parent], changed = false, true
				}
			}
		}
	}
}

// laterFirst orders things so that each comes before what it was made from, and otherwise as they are.
func laterFirst[T any](all []T, of func(T) (id string, parents []string)) []T {
	byID, seen := make(map[string]T, len(all)), make(map[string]bool)
	for _, one := range all {
		id, _ := of(one)
		byID[id] = one
	}
	var ordered []T
	var visit func(one T)
	visit = func(one T) {
		id, parents := of(one)
		if seen[id] {
			return
		}
		seen[id] = true
		for _, parent := range parents {
			if next, known := byID[parent]; known {
				visit(next)
			}
		}
		ordered = append(ordered, one)
	}
	for _, one := range slices.Backward(all) {
		visit(one)
	}
	slices.Reverse(ordered)
	return ordered
}

// short is an identification as people read it.
func short(id string) string {
	digest, isDigest := strings.CutPrefix(id, "sha256:")
	if (isDigest || len(digest) == 64) && len(digest) > 12 {
		return digest[:12]
	}
	return id
}

// shortened is a description that fits on a line.
func shortened(text string) string {
	const most = 60
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
