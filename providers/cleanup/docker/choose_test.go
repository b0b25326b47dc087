package docker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// days is a moment so many days before now.
func days(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }

// ended is a container that ended so many days ago.
func ended(name, image string, ago int) providers.StockContainer {
	return providers.StockContainer{
		Container: providers.Container{Name: name, ID: "id-" + name, State: "exited", ExitCode: 3, Image: image + ":1", ImageID: image, Created: days(ago + 1)},
		Ended:     days(ago), Bytes: 5, Networks: []string{"n-" + name}, Volumes: []string{"v-" + name},
	}
}

// running is a container that runs.
func running(name, image string) providers.StockContainer {
	one := ended(name, image, 90)
	one.State, one.Ended = "running", time.Time{}
	return one
}

// picture is an image that was made so many days ago.
func picture(id string, ago int, names ...string) providers.StockImage {
	return providers.StockImage{ID: id, Names: names, Created: days(ago), Alone: -1, Layers: []string{"base", "base " + id}}
}

// changed is a value after a change.
func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestChoose(t *testing.T) {
	const usual = 10
	for name, test := range map[string]struct {
		stock   providers.Stock
		rules   rules
		want    []string
		kept    string
		refused string
	}{
		"nothing": {},
		"containers": {
			stock: providers.Stock{Containers: []providers.StockContainer{
				ended("old", "a", 11), ended("new", "a", 9), running("web", "a"),
				changed(ended("never", "a", 20), func(c *providers.StockContainer) { c.State, c.Ended = "created", time.Time{} }),
				changed(ended("removing", "a", 20), func(c *providers.StockContainer) { c.State = "removing" }),
				changed(ended("paused", "a", 20), func(c *providers.StockContainer) { c.State = "paused" }),
				changed(ended("ageless", "a", 20), func(c *providers.StockContainer) { c.Created, c.Ended = time.Time{}, time.Time{} }),
			}},
			want: []string{"container old: ended 11d ago with status 3, of a:1", "container never: made 21d ago, never ran, of a:1"},
		},
		"images": {
			stock: providers.Stock{
				Containers: []providers.StockContainer{running("web", "used"), ended("recent", "recent", 3), ended("gone", "gone", 30)},
				Images: []providers.StockImage{
					picture("used", 30, "used:1"), picture("recent", 30, "recent:1"), picture("gone", 40, "gone:1"), picture("sha256:0123456789abcdef", 30), picture("fresh", 2),
					changed(picture("pulled", 300, "pulled:1"), func(i *providers.StockImage) { i.Named = days(2) }),
					changed(picture("two", 300, "a:1", "b:1"), func(i *providers.StockImage) { i.Named = days(20) }),
				},
			},
			want: []string{
				"container gone: ended 30d ago with status 3, of gone:1",
				"image gone:1: made 40d ago, of no container", "image 0123456789ab: made 30d ago, has no name, of no container",
				"image a:1, b:1: made 300d ago, last named 20d ago, of no container",
			},
		},
		"images of one another": {
			stock: providers.Stock{
				Containers: []providers.StockContainer{running("web", "used")},
				Images: []providers.StockImage{
					picture("first", 30), changed(picture("second", 30), func(i *providers.StockImage) { i.Parent = "first" }),
					changed(picture("third", 30, "x:1"), func(i *providers.StockImage) { i.Parent = "second" }),
					picture("below", 30), changed(picture("used", 30, "used:1"), func(i *providers.StockImage) { i.Parent = "below" }),
				},
			},
			want: []string{"image x:1: ", "image second: ", "image first: "},
		},
		"releases": {
			stock: providers.Stock{
				Containers: []providers.StockContainer{
					changed(ended("ims-web-1", "old", 30), func(c *providers.StockContainer) { c.Project = "ims" }),
					changed(ended("shop-web-1", "shop", 30), func(c *providers.StockContainer) { c.Project = "shop" }),
					changed(ended("other-web-1", "other", 30), func(c *providers.StockContainer) { c.Project, c.Folder = "other", "/srv/other/current" }),
				},
				Images: []providers.StockImage{
					picture("current", 30, "imsctl-ims:20261128T190000Z-a1b2c3d.web", "web:1"), picture("older", 30, "imsctl-ims:20261120T190000Z-a1b2c3d.web"),
					picture("alike", 30, "imsctl-ims:latest"), picture("old", 30, "old:1"), picture("shop", 30, "shop:1"), picture("other", 30, "other:1"),
				},
				Networks: []providers.StockNetwork{{ID: "1", Name: "ims_default", Project: "ims", Created: days(30)}, {ID: "2", Name: "shop_default", Project: "shop", Created: days(30)}},
			},
			rules: rules{folders: []string{"/srv/other"}},
			want:  []string{"container shop-web-1: ", "network shop_default: made 30d ago, no container is in it", "image imsctl-ims:latest: ", "image shop:1: "},
			kept:  "2 containers stay for releases that can be gone back to; 1 network stays for releases that can be gone back to; 2 images stay for releases that can be gone back to",
		},
		"a declared project": {
			stock: providers.Stock{Containers: []providers.StockContainer{changed(ended("ims-web-1", "old", 30), func(c *providers.StockContainer) { c.Project = "ims" })}},
			rules: rules{projects: []string{"ims"}},
			kept:  "1 container stays for releases that can be gone back to",
		},
		"networks": {
			stock: providers.Stock{
				Containers: []providers.StockContainer{running("web", "a"), ended("recent", "a", 1)},
				Networks: []providers.StockNetwork{
					{ID: "0", Name: "bridge", Builtin: true, Created: days(30)}, {ID: "n-web", Name: "a", Created: days(30)}, {ID: "1", Name: "n-recent", Created: days(30)},
					{ID: "2", Name: "new", Created: days(1)}, {ID: "3", Name: "twice", Created: days(30)}, {ID: "4", Name: "twice", Created: days(30)},
				},
			},
			want: []string{"network twice (3): ", "network twice (4): "},
		},
		"volumes": {
			stock: providers.Stock{
				Containers: []providers.StockContainer{ended("recent", "a", 1), ended("old", "a", 30)},
				Volumes: []providers.StockVolume{
					{Name: "v-recent", Created: days(30)}, {Name: "v-old", Created: days(30), Bytes: -1}, {Name: "new", Created: days(2)}, {Name: "unnamed", Created: days(30)},
				},
			},
			rules:   rules{volumes: []string{"v-recent", "v-old", "new", "missing"}},
			want:    []string{"container old: ", "volume v-old: made 30d ago, mounted by no container"},
			kept:    "the volume new stays: it was made 2d ago",
			refused: "the volume v-recent is mounted by recent and stays: remove the container first, or do not name the volume",
		},
		"build cache": {
			stock: providers.Stock{Cache: []providers.StockCache{
				{ID: "a", Used: days(30)}, {ID: "b", Used: days(30), Parents: []string{"a"}, Bytes: 7, Description: "RUN  make"}, {ID: "busy", Used: days(30), InUse: true},
				{ID: "c", Used: days(30)}, {ID: "d", Used: days(1), Parents: []string{"c"}}, {ID: "e", Used: days(30), Shared: true, Bytes: 9},
			}},
			want: []string{"build cache b: last used 30d ago, RUN make", "build cache a: last used 30d ago", "build cache e: last used 30d ago"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.rules.now, test.rules.olderThan = now, usual*24*time.Hour
			got := choose(test.stock, test.rules)
			if len(got.things) != len(test.want) {
				t.Fatalf("got %d things: %+v", len(got.things), got.things)
			}
			for i, one := range got.things {
				if said := fmt.Sprintf("%s: %s", one.item().Name, one.detail); !strings.HasPrefix(said, test.want[i]) {
					t.Errorf("got %q, want %q", said, test.want[i])
				}
			}
			if kept := strings.Join(got.kept, "; "); kept != test.kept {
				t.Errorf("kept is %q", kept)
			}
			if refused := strings.Join(got.refused, "; "); refused != test.refused {
				t.Errorf("refused is %q", refused)
			}
		})
	}
}

func TestShares(t *testing.T) {
	layered := func(id string, layers ...string) providers.StockImage {
		return providers.StockImage{ID: id, Layers: layers, Alone: 1000}
	}
	stock := providers.Stock{Images: []providers.StockImage{
		layered("stays", "base"), layered("a", "base", "common", "of a"), layered("b", "base", "common", "of b"), layered("c", "base", "unknown"),
	}}
	var things []thing
	for _, id := range []string{"a", "b"} {
		at := slices.IndexFunc(stock.Images, func(one providers.StockImage) bool { return one.ID == id })
		things = append(things, thing{kind: imageKind, id: id, image: stock.Images[at]})
	}
	sizes := map[string][]int64{"a": {1, 10, 100}, "b": {1, 10, 200}}
	bytes, partly := shares(stock, things, sizes)
	if bytes["a"] != 100 || bytes["b"] != 210 || partly {
		t.Errorf("got %v, partly %v", bytes, partly)
	}
	things = append(things, thing{kind: imageKind, id: "c", image: stock.Images[3]}, thing{kind: containerKind, id: "d"})
	if bytes, partly = shares(stock, things, sizes); bytes["c"] != 1000 || bytes["b"] != 210 || !partly {
		t.Errorf("with one of unknown layers: got %v, partly %v", bytes, partly)
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"usual":         {Config{}, ""},
		"all":           {Config{Volumes: []string{"a", "b"}, When: &When{DiskAbove: 80}}, ""},
		"no percentage": {Config{When: &When{DiskAbove: 100}}, "when.disk_above: Invalid percentage"},
		"a pattern":     {Config{Volumes: []string{"a", "b*"}}, "volumes: Invalid name of a volume"},
		"an empty name": {Config{Volumes: []string{""}}, "volumes: Invalid name of a volume"},
		"twice":         {Config{Volumes: []string{"a", "a"}}, "volumes: Named twice"},
	} {
		got := ""
		for _, problem := range test.config.Validate() {
			got += problem.Attribute + ": " + problem.Summary
		}
		if got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
