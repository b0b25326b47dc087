package azblob

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
)

// configured makes a destination as a specification would.
func configured(t *testing.T, config *Config) *destination {
	t.Helper()
	if problems := config.Validate(); len(problems) != 0 {
		t.Fatalf("problems: %+v", problems)
	}
	made, err := config.Destination(providers.Environment{Clock: clock.System{}, Directory: "/nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*destination)
}

// again is the same destination in another process.
func again(t *testing.T, d providers.Destination) providers.Destination {
	old := d.(*destination)
	access := old.connection.Access
	other := configured(t, &Config{Account: access.Account, Container: old.container, Prefix: strings.TrimSuffix(old.prefix, "/"), Endpoint: access.Service, Key: access.Key})
	other.blockSize = old.blockSize
	return other
}

// createContainer creates a destination's container.
func createContainer(t *testing.T, d *destination) {
	t.Helper()
	_, blobs, err := d.connection.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// TestConformanceWithAzurite runs the suite against Azurite.
func TestConformanceWithAzurite(t *testing.T) {
	server := testenv.Azurite(t)
	var containers atomic.Int64
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		d := configured(t, &Config{Account: server.Account, Container: fmt.Sprintf("container-%d", containers.Add(1)), Prefix: "Cópias de segurança/漢字 #1?",
			Endpoint: server.Endpoint, Key: server.Key})
		createContainer(t, d)
		return d
	}, destinationtest.Reopen(again), destinationtest.Refuses(`\`))
}
