package strict

import (
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
)

func TestConformance(t *testing.T) {
	destinationtest.Run(t, func(*testing.T) providers.Destination {
		return New(bucket.New(clock.System{}), "a prefix/")
	}, destinationtest.Reopen(func(_ *testing.T, d providers.Destination) providers.Destination {
		return New(d.(*Destination).store, d.(*Destination).prefix)
	}))
}
