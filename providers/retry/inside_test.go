package retry

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/destination/azblob"
	"github.com/castrolanda/imsctl/providers/destination/gcs"
)

// No destination tries again by itself: one call is one request to a store that is busy. Whoever adds a destination that speaks
// with a server adds it here.
func TestNoneRetriesInside(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	configs := map[string]providers.DestinationConfig{
		"local":  nil, // speaks with no server
		"gcs":    &gcs.Config{Bucket: "copies", Endpoint: server.URL},
		"azblob": &azblob.Config{Account: "account", Container: "copies", Key: "a2V5", Endpoint: server.URL + "/account"},
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range registry.Types(providers.KindDestination) {
		config, known := configs[name]
		if !known {
			t.Errorf("what does destination %q do when its store is busy?", name)
		}
		if config == nil {
			continue
		}
		if problems := config.Validate(); len(problems) > 0 {
			t.Fatal(problems)
		}
		made, err := config.Destination(providers.Environment{Hosts: builtin.Hosts(), Clock: clock.System{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"create", "open", "stat", "list", "delete", "remnants", "status"} {
			t.Run(name+" "+call, func(t *testing.T) {
				before := requests.Load()
				if err := calls()[call](t.Context(), made); err == nil && name+call != "gcsremnants" {
					t.Error("it succeeded")
				}
				if count := requests.Load() - before; count > 1 {
					t.Errorf("%d requests", count)
				}
				policy := restless()
				policy.Attempts = 3
				before = requests.Load()
				if err := calls()[call](context.Background(), Destination(made, name, policy)); err == nil && name+call != "gcsremnants" {
					t.Error("wrapped, it succeeded")
				}
				if count := requests.Load() - before; count != 3 && name+call != "gcsremnants" {
					t.Errorf("wrapped, %d requests", count)
				}
			})
		}
	}
}
