package providers

import (
	"context"
	"errors"
	"time"
)

// ErrInUse: something uses what should be removed, or it is not as it was seen. It is still there, as it was.
var ErrInUse = errors.New("in use")

// Stockkeeper is a Containers that tells what its engine has on its disk, and removes one thing of that at a time.
type Stockkeeper interface {
	Containers
	// Root is the folder on the host that the engine keeps all of it in; now is what its clock says, zero where it does not tell.
	Root(ctx context.Context) (folder string, now time.Time, err error)
	// Stock lists what there is, each kind sorted by name. Sizes of containers that run, and of volumes other than those that are
	// named, are not told: finding them out can take long.
	Stock(ctx context.Context, volumes []string) (Stock, error)
	// LayerBytes are the sizes of an image's layers in their order, nil where the engine does not tell which layer has which.
	LayerBytes(ctx context.Context, image StockImage) ([]int64, error)
	// LogFile is what keeps the log of a container, and the file on the host that "json-file" does it in, empty for others. Rotated
	// ones have a number behind its name, and then ".gz" where they are compressed; higher numbers are older.
	LogFile(ctx context.Context, id string) (driver, path string, err error)
	// Held is how many bytes all images, volumes, build cache and files of containers take by the engine's own count, what is shared
	// once.
	Held(ctx context.Context) (int64, error)

	// RemoveContainer removes a container that does not run, with its log, and none of its volumes. The Remove methods do nothing
	// where there is no such thing any more, remove nothing else beside it, and give ErrInUse where something uses it.
	RemoveContainer(ctx context.Context, id string) error
	// RemoveImage removes an image with the names that it was seen with, if it has no others now, and none that it was made from.
	RemoveImage(ctx context.Context, image StockImage) error
	RemoveNetwork(ctx context.Context, id string) error
	RemoveVolume(ctx context.Context, name string) error
	// RemoveCache removes a record of the build cache. ErrInUse also where a later one is made from it.
	RemoveCache(ctx context.Context, id string) error
}

// Stock is what an engine has on its disk.
type Stock struct {
	Containers []StockContainer
	Images     []StockImage
	Networks   []StockNetwork
	Volumes    []StockVolume
	Cache      []StockCache
}

// StockContainer is a container with what it needs. Its Bytes are those of the files that are its own, 0 while it runs.
type StockContainer struct {
	Container
	Bytes int64
	// Ended is when it last ended, zero when it never ran or runs.
	Ended time.Time
	// Networks are the identifications and names of its networks, Volumes the names of its volumes.
	Networks, Volumes []string
}

// StockImage is an image.
type StockImage struct {
	ID string
	// Names are its names ("ims_web:12"), sorted, and those with a digest of a repository of which it has no other name.
	Names []string
	// Parent is the image that it was made from, where that is an image of its own.
	Parent string
	// Created is when it was made, wherever that was; Named is when it was last given a name here, by pulling, building or tagging,
	// and zero where the engine does not know.
	Created, Named time.Time
	// Bytes is its whole size; Alone is what it shares with no other image, -1 when not known.
	Bytes, Alone int64
	// Layers identify its layers, from below. Each one's includes all those below it.
	Layers []string
}

// StockNetwork is a network.
type StockNetwork struct {
	ID, Name string
	Created  time.Time
	// Builtin is set for those that the engine or a swarm needs, and those that others take their settings from.
	Builtin bool
	// Project is that of docker compose, empty where it did not make it.
	Project string
}

// StockVolume is a volume.
type StockVolume struct {
	Name, Project string
	Created       time.Time
	// Bytes is its size, -1 when not known.
	Bytes int64
}

// StockCache is a record of the build cache.
type StockCache struct {
	ID, Description string
	// Parents are the records that it was made from.
	Parents []string
	// Used is when it was last used, or made.
	Used time.Time
	// InUse is set while a build uses it. Shared is set when its bytes are those of a layer of an image.
	InUse, Shared bool
	Bytes         int64
}
