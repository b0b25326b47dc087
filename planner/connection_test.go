package planner

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/spec"
)

// askedSource and askedDestination answer one question.
type askedSource struct {
	providers.Source
	inspection providers.Inspection
	err        error
}

func (a askedSource) Inspect(context.Context) (providers.Inspection, error) {
	return a.inspection, a.err
}

type askedDestination struct {
	providers.Destination
	status providers.Status
	err    error
}

func (a askedDestination) Status(context.Context) (providers.Status, error) { return a.status, a.err }

func TestConnectTriesEverything(t *testing.T) {
	sources := map[string]askedSource{
		"source.a.silent":   {},
		"source.a.versions": {inspection: providers.Inspection{Bytes: 2048, Versions: map[string]string{"server": "16.1", "pg_dump": "16.2"}}},
		"source.a.wrong":    {err: errors.New("not there")},
	}
	destinations := map[string]askedDestination{
		"destination.a.ahead":     {status: providers.Status{Free: 1, Time: sceneNow.Add(-time.Hour)}},
		"destination.a.free":      {status: providers.Status{Free: 1 << 30, Time: sceneNow.Add(time.Minute)}},
		"destination.a.full":      {},
		"destination.a.unlimited": {status: providers.Status{Free: -1}},
		"destination.a.wrong":     {err: errors.New("denied")},
	}
	specification := &spec.Spec{
		Hosts:        []*spec.Host{{Address: "host.a.far", NotBuilt: "not yet"}, {Address: "host.a.here"}},
		Sources:      []*spec.Source{{Address: "source.a.later", NotBuilt: "later"}},
		Destinations: []*spec.Destination{},
	}
	world := &World{
		Hosts:   map[string]providers.Host{"host.a.here": hostlocal.New()},
		Sources: make(map[string]providers.Source), Destinations: make(map[string]providers.Destination),
	}
	for _, name := range []string{"silent", "versions", "wrong"} {
		world.Sources["source.a."+name] = sources["source.a."+name]
		specification.Sources = append(specification.Sources, &spec.Source{Address: "source.a." + name})
	}
	for _, name := range []string{"ahead", "free", "full", "unlimited", "wrong"} {
		world.Destinations["destination.a."+name] = destinations["destination.a."+name]
		specification.Destinations = append(specification.Destinations, &spec.Destination{Address: "destination.a." + name})
	}
	connections, err := Connect(t.Context(), specification, world, clock.NewManual(sceneNow), ObserveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"host.a.far: not built: not yet", "host.a.here: its files can be read",
		"source.a.later: not built: later", "source.a.silent: it can be read",
		"source.a.versions: pg_dump 16.2, server 16.1, about 2.0 KiB", "source.a.wrong: error: not there",
		"destination.a.ahead: error: its clock differs from this machine's by 1h0m0s", "destination.a.free: 1.0 GiB free",
		"destination.a.full: error: there is no free space", "destination.a.unlimited: it can be written to", "destination.a.wrong: error: denied",
	}
	if len(connections) != len(want) {
		t.Fatalf("%d connections, want %d", len(connections), len(want))
	}
	for i, connection := range connections {
		got := connection.Address + ": " + connection.Found
		if connection.NotBuilt != "" {
			got += "not built: " + connection.NotBuilt
		}
		if connection.Err != nil {
			got += "error: " + connection.Err.Error()
		}
		if !strings.HasPrefix(got, want[i]) {
			t.Errorf("got %q, want %q", got, want[i])
		}
	}
}

func TestConnectStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Connect(ctx, &spec.Spec{}, &World{}, clock.NewManual(sceneNow), ObserveOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}
