package gcs

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
	other := configured(t, &Config{Bucket: old.bucket, Prefix: strings.TrimSuffix(old.prefix, "/"), Endpoint: old.connection.Endpoint})
	other.chunkSize = old.chunkSize
	return other
}

// createBucket creates a bucket in an emulator.
func createBucket(t *testing.T, endpoint, name string) {
	t.Helper()
	if err := testenv.MakeBucket(t.Context(), endpoint, name); err != nil {
		t.Fatal(err)
	}
}

// TestConformanceWithEmulator runs the suite against fake-gcs-server.
func TestConformanceWithEmulator(t *testing.T) {
	endpoint := testenv.GCS(t)
	var buckets atomic.Int64
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		bucket := fmt.Sprintf("bucket-%d", buckets.Add(1))
		createBucket(t, endpoint, bucket)
		return configured(t, &Config{Bucket: bucket, Prefix: "Cópias de segurança/漢字 #1?", Endpoint: endpoint})
	}, destinationtest.Reopen(again), destinationtest.Without("Crash", "the store shows no unfinished uploads"))
}

// TestConformanceWithStrictServer runs the suite against a server that forgives nothing, with chunks that are small.
func TestConformanceWithStrictServer(t *testing.T) {
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		return newStrict(t).destination(t)
	}, destinationtest.Reopen(again), destinationtest.Without("Crash", "the store shows no unfinished uploads"))
}
