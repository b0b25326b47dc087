package gcs

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
	"github.com/castrolanda/imsctl/state/statetest"
)

func TestConformance(t *testing.T) {
	endpoint := testenv.GCS(t)
	if err := testenv.MakeBucket(t.Context(), endpoint, "state"); err != nil {
		t.Fatal(err)
	}
	var states atomic.Int64
	// The tests of the suite run at once, until the group is done: the server must live until then.
	t.Run("suite", func(t *testing.T) {
		statetest.Run(t, func(t *testing.T) statetest.Place {
			location := cloudstorage.Location{Bucket: "state", Prefix: fmt.Sprintf("Zustände/漢字 #%d?", states.Add(1)), Endpoint: endpoint}
			var expired atomic.Bool
			place := statetest.Remote(t, func() remote.Medium {
				made := newMedium(location, "")
				if expired.Load() {
					made.lease = -time.Hour
				}
				return made
			}, func(remote.Lease) {})
			// Whoever looks at the lock from now on finds that it was renewed too long ago.
			place.Expire = func(*testing.T) { expired.Store(true) }
			return place
		})
	})
}

func TestMain(m *testing.M) {
	statetest.Main(m, func(place string) (state.Backend, error) { return shared(place), nil })
}

// shared is the backend of a state that several processes share.
func shared(endpoint string) state.Backend {
	location := cloudstorage.Location{Bucket: "state", Prefix: "shared", Endpoint: endpoint}
	return remote.New(newMedium(location, ""), remote.Options{Clock: clock.System{}, Version: "0.2.0"})
}

func TestTwoProcesses(t *testing.T) {
	endpoint := testenv.GCS(t)
	if err := testenv.MakeBucket(t.Context(), endpoint, "state"); err != nil {
		t.Fatal(err)
	}
	statetest.TwoProcesses(t, endpoint, shared(endpoint))
}
