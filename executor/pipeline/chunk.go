package pipeline

import (
	"sync"
	"sync/atomic"
)

const (
	// chunkSize is what travels at once, in bytes.
	chunkSize = 256 << 10
	// ringSize is how many chunks may wait for each reader: with the chunk size it bounds a job's memory to about
	// 4 MiB for each branch and 4 MiB for the proof, besides the codec's own.
	ringSize = 16
)

// chunk is a piece of the stored stream, shared by its readers.
type chunk struct {
	data    []byte
	readers atomic.Int32
	pool    *sync.Pool
}

// release gives the chunk back when its last reader is done with it.
func (c *chunk) release() {
	if c.readers.Add(-1) == 0 {
		c.data = c.data[:0]
		c.pool.Put(c)
	}
}

// newChunkPool makes chunks of chunkSize.
func newChunkPool() *sync.Pool {
	pool := new(sync.Pool)
	pool.New = func() any { return &chunk{data: make([]byte, 0, chunkSize), pool: pool} }
	return pool
}
