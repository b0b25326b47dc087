package docker

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/image"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// find is the one of a list that is meant, which must be there.
func find[T any](t *testing.T, list []T, what string, is func(T) bool) T {
	t.Helper()
	at := slices.IndexFunc(list, is)
	if at < 0 {
		t.Fatalf("there is no %s in %+v", what, list)
	}
	return list[at]
}

// stockOf is what an engine has.
func stockOf(t *testing.T, e *engine, volumes ...string) providers.Stock {
	t.Helper()
	stock, err := e.Stock(t.Context(), volumes)
	if err != nil {
		t.Fatal(err)
	}
	return stock
}

// imageOf is the image of a name, with the sizes of its layers.
func imageOf(t *testing.T, e *engine, stock providers.Stock, name string) (providers.StockImage, []int64) {
	t.Helper()
	found := find(t, stock.Images, name, func(one providers.StockImage) bool { return slices.Contains(one.Names, name) })
	sizes, err := e.LayerBytes(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	return found, sizes
}

func TestStock(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	server.Build(t, "app:1", "FROM "+testenv.Tiny+"\nENV A=b\nWORKDIR /tmp\nCOPY Dockerfile /a\nCOPY Dockerfile /b\nCMD [\"sh\"]\n")
	server.Run(t, "tag", "app:1", "other/app:2")
	server.Run(t, "network", "create", "--label", "com.docker.compose.project=ims", "ims_default")
	server.Run(t, "volume", "create", "data")
	start(t, server, "box")
	server.Run(t, "run", "--detach", "--name", "ended", "--network", "ims_default", "--volume", "data:/data", "app:1", "sh", "-c", "echo 12345 >/mine; exit 3")
	server.Run(t, "wait", "ended")

	stock := stockOf(t, e, "data")
	app, sizes := imageOf(t, e, stock, "app:1")
	_, tiny := imageOf(t, e, stock, testenv.Tiny)
	if !slices.Equal(app.Names, []string{"app:1", "other/app:2"}) || app.Created.IsZero() || app.Named.Before(app.Created) || app.Parent != "" {
		t.Errorf("the image is %+v", app)
	}
	if len(tiny) != 1 || len(sizes) != 4 || sizes[0] != tiny[0] || sizes[1] != 0 || sizes[2] == 0 || sizes[3] != sizes[2] || app.Alone != 2*sizes[2] {
		t.Errorf("its layers have %v of %d, and those of what it was made from %v", sizes, app.Bytes, tiny)
	}
	ended := find(t, stock.Containers, "container", func(one providers.StockContainer) bool { return one.Name == "ended" })
	if ended.State != "exited" || ended.ExitCode != 3 || ended.Ended.IsZero() || ended.Bytes != 6 || ended.ImageID != app.ID ||
		!slices.Contains(ended.Networks, "ims_default") || !slices.Equal(ended.Volumes, []string{"data"}) {
		t.Errorf("the container is %+v", ended)
	}
	if driver, path, err := e.LogFile(t.Context(), ended.ID); err != nil || driver != "json-file" || !strings.HasSuffix(path, ended.ID+"-json.log") {
		t.Errorf("%v, its log is %q of %q", err, path, driver)
	}
	if _, _, err := e.LogFile(t.Context(), "missing"); !errors.Is(err, providers.ErrNoContainer) {
		t.Errorf("the log of a container that is not there: %v", err)
	}
	box := find(t, stock.Containers, "container", func(one providers.StockContainer) bool { return one.Name == "box" })
	if box.State != "running" || !box.Ended.IsZero() || box.Bytes != 0 {
		t.Errorf("the running container is %+v", box)
	}
	network := find(t, stock.Networks, "network", func(one providers.StockNetwork) bool { return one.Name == "ims_default" })
	if network.Builtin || network.Project != "ims" || network.Created.IsZero() || !slices.Contains(ended.Networks, network.ID) {
		t.Errorf("the network is %+v", network)
	}
	for _, one := range stock.Networks {
		if one.Builtin != slices.Contains([]string{"bridge", "host", "none"}, one.Name) {
			t.Errorf("the network %+v", one)
		}
	}
	if len(stock.Volumes) != 1 || stock.Volumes[0].Name != "data" || stock.Volumes[0].Bytes != 0 || stock.Volumes[0].Created.IsZero() {
		t.Errorf("the volumes are %+v", stock.Volumes)
	}
	if len(stock.Cache) == 0 || slices.ContainsFunc(stock.Cache, func(one providers.StockCache) bool { return one.ID == "" || one.Used.IsZero() || one.InUse }) {
		t.Errorf("the build cache is %+v", stock.Cache)
	}
	if root, now, err := e.Root(t.Context()); err != nil || !strings.HasSuffix(root, "/data") || now.Before(ended.Created) {
		t.Errorf("%v, the root is %q, and the time %s", err, root, now)
	}
}

func TestRemoveFromStock(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	server.Build(t, "app:1", "FROM "+testenv.Tiny+"\nCOPY Dockerfile /a\nCOPY Dockerfile /b\n")
	server.Run(t, "tag", "app:1", "other/app:2")
	server.Run(t, "network", "create", "quiet")
	server.Run(t, "volume", "create", "data")
	server.Run(t, "run", "--detach", "--name", "box", "--network", "quiet", "--volume", "data:/data", "app:1")
	stock := stockOf(t, e)
	app, _ := imageOf(t, e, stock, "app:1")
	box := find(t, stock.Containers, "container", func(one providers.StockContainer) bool { return one.Name == "box" })
	network := find(t, stock.Networks, "network", func(one providers.StockNetwork) bool { return one.Name == "quiet" })
	held, err := e.Held(t.Context())
	if err != nil || held < app.Bytes {
		t.Fatalf("%v, all of it is %d", err, held)
	}

	removals := map[string]func() error{
		"container": func() error { return e.RemoveContainer(t.Context(), box.ID) },
		"image":     func() error { return e.RemoveImage(t.Context(), app) },
		"network":   func() error { return e.RemoveNetwork(t.Context(), network.ID) },
		"volume":    func() error { return e.RemoveVolume(t.Context(), "data") },
	}
	for what, remove := range removals {
		if err := remove(); !errors.Is(err, providers.ErrInUse) {
			t.Errorf("the %s, which is in use: %v", what, err)
		}
	}
	if again, _ := imageOf(t, e, stockOf(t, e), "app:1"); !slices.Equal(again.Names, app.Names) {
		t.Errorf("the image that stayed has the names %q", again.Names)
	}
	server.Run(t, "stop", "--time", "0", "box")
	if err := removals["image"](); !errors.Is(err, providers.ErrInUse) {
		t.Errorf("the image of a container that ended: %v", err)
	}
	for _, what := range []string{"container", "network", "volume"} {
		for range 2 { // what is gone is gone
			if err := removals[what](); err != nil {
				t.Errorf("the %s: %v", what, err)
			}
		}
	}
	server.Run(t, "tag", "app:1", "third:1")
	if err := removals["image"](); !errors.Is(err, providers.ErrInUse) || !strings.Contains(err.Error(), "third:1") {
		t.Errorf("an image with a new name: %v", err)
	}
	server.Run(t, "rmi", "third:1")
	for range 2 {
		if err := removals["image"](); err != nil {
			t.Errorf("the image: %v", err)
		}
	}
	after := stockOf(t, e)
	if len(after.Images) != 1 || !slices.Contains(after.Images[0].Names, testenv.Tiny) || len(after.Containers) != 0 {
		t.Errorf("left are %+v and %+v", after.Images, after.Containers)
	}
	for round := 0; len(after.Cache) > 0; round++ {
		for _, record := range after.Cache {
			if err := e.RemoveCache(t.Context(), record.ID); err != nil && !errors.Is(err, providers.ErrInUse) {
				t.Fatal(err)
			}
		}
		if after = stockOf(t, e); round > 10 {
			t.Fatalf("left is %+v", after.Cache)
		}
	}
	if now, err := e.Held(t.Context()); err != nil || now >= held {
		t.Errorf("%v, all of it is %d, and was %d", err, now, held)
	}
	if err := e.RemoveCache(t.Context(), "a.*"); err == nil {
		t.Error("a pattern was taken for an identification")
	}
}

// TestImagesOfSteps removes images that were made from one another, as the old builder makes them.
func TestImagesOfSteps(t *testing.T) {
	server := testenv.Docker(t)
	e := reach(t, server)
	build := server.Command(t.Context(), "build", "--network", "none", "--tag", "old:1", "-")
	build.Env = append(build.Env, "DOCKER_BUILDKIT=0")
	build.Stdin = strings.NewReader("FROM " + testenv.Tiny + "\nENV A=b\nRUN echo x >/x\n")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	stock := stockOf(t, e)
	last, _ := imageOf(t, e, stock, "old:1")
	for last.Parent != "" && !slices.Contains(last.Names, testenv.Tiny) {
		parent := find(t, stock.Images, "parent", func(one providers.StockImage) bool { return one.ID == last.Parent })
		if err := e.RemoveImage(t.Context(), parent); !errors.Is(err, providers.ErrInUse) {
			t.Errorf("an image that another one was made from: %v", err)
		}
		if err := e.RemoveImage(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		left := stockOf(t, e)
		find(t, left.Images, "parent", func(one providers.StockImage) bool { return one.ID == parent.ID })
		last = parent
	}
}

func TestLayerBytes(t *testing.T) {
	step := func(size int64, by string) image.HistoryResponseItem {
		return image.HistoryResponseItem{Size: size, CreatedBy: by}
	}
	for name, test := range map[string]struct {
		history []image.HistoryResponseItem
		layers  int
		size    int64
		want    []int64
	}{
		"all sizes":       {[]image.HistoryResponseItem{step(3, "COPY a"), step(0, "CMD x"), step(7, "")}, 2, 10, []int64{7, 3}},
		"an empty layer":  {[]image.HistoryResponseItem{step(0, `/bin/sh -c #(nop)  CMD ["x"]`), step(0, "WORKDIR /tmp"), step(7, "")}, 2, 7, []int64{7, 0}},
		"cannot be told":  {[]image.HistoryResponseItem{step(0, "RUN true"), step(0, "WORKDIR /tmp"), step(7, "")}, 2, 7, nil},
		"other sizes":     {[]image.HistoryResponseItem{step(3, "COPY a"), step(7, "")}, 2, 25, nil},
		"a shell's words": {[]image.HistoryResponseItem{step(0, "/bin/sh -c CMD"), step(7, "")}, 2, 7, []int64{7, 0}},
		"nothing":         {nil, 1, 7, nil},
	} {
		if got := layerBytes(test.history, test.layers, test.size); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestImageNames(t *testing.T) {
	for name, test := range map[string]struct{ tags, digests, want []string }{
		"none":        {[]string{"<none>:<none>"}, []string{"<none>@<none>"}, nil},
		"tags":        {[]string{"b:1", "localhost:5000/a:2"}, []string{"b@sha256:17"}, []string{"b:1", "localhost:5000/a:2"}},
		"only digest": {nil, []string{"b@sha256:17"}, []string{"b@sha256:17"}},
		"two":         {[]string{"a:1"}, []string{"a@sha256:17", "b@sha256:17"}, []string{"a:1", "b@sha256:17"}},
	} {
		if got := imageNames(test.tags, test.digests); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// TestStockOfOldEngines reads what an engine of API 1.40 says, which computes everything and tells no parents of its cache.
func TestStockOfOldEngines(t *testing.T) {
	answers := map[string]string{
		"/v1.40/system/df": `{"LayersSize":9,"Images":[{"Id":"sha256:17","Size":9,"SharedSize":4}],"Containers":[{"Id":"17","SizeRw":2}],` +
			`"Volumes":[{"Name":"v","CreatedAt":"2026-11-01T12:00:00Z","UsageData":{"RefCount":0,"Size":5}},{"Name":"w"}],` +
			`"BuildCache":[{"ID":"c","Parent":"b","Type":"regular","Description":"mount / from exec","Size":3,"CreatedAt":"2026-11-01T12:00:00Z","LastUsedAt":null}]}`,
		"/v1.40/images/json":              `[{"Id":"sha256:17","ParentId":""}]`,
		"/v1.40/images/sha256:17/json":    `{"Id":"sha256:17","RepoTags":["a:1"],"Size":9,"Created":"2026-11-01T12:00:00Z","RootFS":{"Layers":["x","y"]},"Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"}}`,
		"/v1.40/containers/json":          `[{"Id":"17","Names":["/box"]}]`,
		"/v1.40/networks":                 `[{"Name":"bridge","Id":"n","Scope":"local"}]`,
		"/v1.40/info":                     `{"DockerRootDir":"/var/lib/docker"}`,
		"/v1.40/images/sha256:17/history": `[{"Size":9}]`,
	}
	e := play(t, false, func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			refuse(http.StatusInternalServerError, "the disk is broken: "+r.URL.Path)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer)
	})
	stock := stockOf(t, e, "v")
	want := "[{ID:sha256:17 Names:[a:1] Parent: Created:2026-11-01 12:00:00 +0000 UTC Named:0001-01-01 00:00:00 +0000 UTC Bytes:9 Alone:5 Layers:[x x y]}] " +
		"[{Name:v Project: Created:2026-11-01 12:00:00 +0000 UTC Bytes:5}] " +
		"[{ID:c Description:mount / from exec Parents:[] Used:2026-11-01 12:00:00 +0000 UTC InUse:false Shared:false Bytes:3}]"
	if got := fmt.Sprintf("%+v %+v %+v", stock.Images, stock.Volumes, stock.Cache); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if held, err := e.Held(t.Context()); err != nil || held != 9+2+5+3 {
		t.Errorf("%v, all of it is %d", err, held)
	}
	if sizes, err := e.LayerBytes(t.Context(), stock.Images[0]); err != nil || sizes != nil {
		t.Errorf("%v, the layers have %v", err, sizes)
	}
	for path := range answers {
		if strings.HasSuffix(path, "/history") || path == "/v1.40/info" {
			continue
		}
		answer := answers[path]
		delete(answers, path)
		if _, err := e.Stock(t.Context(), []string{"v"}); err == nil || !strings.Contains(err.Error(), "the disk is broken") {
			t.Errorf("without %s: %v", path, err)
		}
		answers[path] = answer
	}
	delete(answers, "/v1.40/info")
	if _, _, err := e.Root(t.Context()); err == nil {
		t.Error("there is a root although nobody says so")
	}
	if err := e.RemoveVolume(t.Context(), "v"); err == nil || errors.Is(err, providers.ErrInUse) {
		t.Errorf("removing with a broken disk: %v", err)
	}
}
