package local

import (
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/destinationtest"
)

func reopen(t *testing.T, d providers.Destination) providers.Destination {
	return at(t, d.(*destination).root)
}

func TestConformance(t *testing.T) {
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		return at(t, filepath.Join(t.TempDir(), "made", "when", "needed"))
	}, destinationtest.Reopen(reopen))
}

// TestConformanceWithoutHardLinks runs the suite on a file system that cannot link, as FAT cannot.
func TestConformanceWithoutHardLinks(t *testing.T) {
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		d := at(t, t.TempDir())
		d.files = linkless{d.files}
		return d
	}, destinationtest.Reopen(reopen))
}

// TestConformanceWithCoarseTime runs what depends on time stamps with those of whole tenths of a second.
func TestConformanceWithCoarseTime(t *testing.T) {
	destinationtest.Run(t, func(t *testing.T) providers.Destination {
		d := at(t, t.TempDir())
		d.files = coarse{d.files}
		return d
	}, destinationtest.Reopen(func(t *testing.T, d providers.Destination) providers.Destination {
		again := at(t, d.(*destination).root)
		again.files = coarse{again.files}
		return again
	}))
}
