package azblob

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/blobstorage"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/remote"
	"github.com/castrolanda/imsctl/state/statetest"
)

// shortest is the shortest lease that the store gives, in seconds.
const shortest = 15

func TestConformance(t *testing.T) {
	server := testenv.Azurite(t)
	location := blobstorage.Location{Account: server.Account, Container: "state", Endpoint: server.Endpoint, Key: server.Key}
	if err := server.MakeContainer(t.Context(), "state"); err != nil {
		t.Fatal(err)
	}
	var states atomic.Int64
	// The tests of the suite run at once, until the group is done: the server must live until then.
	t.Run("suite", func(t *testing.T) {
		statetest.Run(t, func(t *testing.T) statetest.Place {
			own := location
			own.Prefix = fmt.Sprintf("Zustände/漢字 #%d?", states.Add(1))
			place := statetest.Remote(t, func() remote.Medium {
				made := opened(t, own)
				if strings.HasSuffix(t.Name(), "Death") {
					// These tests wait until the store ends the lease. No other depends on how fast it is.
					made.lease = shortest
				}
				return made
			}, func(remote.Lease) {})
			place.Expire = func(t *testing.T) { statetest.AwaitEnd(t, opened(t, own)) }
			return place
		})
	})
}

// opened is the medium of a state.
func opened(t *testing.T, location blobstorage.Location) *medium {
	t.Helper()
	made, err := newMedium(location, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestMain(m *testing.M) {
	statetest.Main(m, func(place string) (state.Backend, error) { return shared(place) })
}

// shared is the backend of a state that several processes share, by its connection string.
func shared(place string) (state.Backend, error) {
	made, err := newMedium(blobstorage.Location{ConnectionString: place, Container: "state", Prefix: "shared"}, clock.System{})
	if err != nil {
		return nil, err
	}
	return remote.New(made, remote.Options{Clock: clock.System{}, Version: "0.2.0"}), nil
}

func TestTwoProcesses(t *testing.T) {
	server := testenv.Azurite(t)
	if err := server.MakeContainer(t.Context(), "state"); err != nil {
		t.Fatal(err)
	}
	place := "AccountName=" + server.Account + ";AccountKey=" + server.Key + ";BlobEndpoint=" + server.Endpoint
	backend, err := shared(place)
	if err != nil {
		t.Fatal(err)
	}
	statetest.TwoProcesses(t, place, backend)
}
