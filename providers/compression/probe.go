package compression

import (
	"encoding/binary"
	"math"
)

const (
	// randomBits is the entropy of single bytes, in bits, from which a block may be data that does not compress. Random data
	// has 7.99 in blocks of these sizes, text in base64 has 6, a JPEG file 7.95 and more.
	randomBits = 7.95
	// One in 256 windows of eight bytes is looked at when repetitions are searched, chosen by what it holds, so that the same
	// bytes are looked at wherever they stand.
	repeatSample = 256
	// repeatShare is the part of these windows, one in so many, that must be repetitions for a block to be worth its while.
	repeatShare = 100
)

// incompressible tells whether trying to compress data would be in vain: its bytes are spread evenly, and hardly anything
// occurs twice in it. It errs on the side of compressing.
func incompressible(data []byte) bool {
	return len(data) >= 4<<10 && entropy(data) >= randomBits && !repeats(data)
}

// entropy is the entropy of single bytes (order 0), in bits, over a sample of all parts of data.
func entropy(data []byte) float64 {
	// A prime stride meets every part of pages that lie side by side.
	const piece, stride = 640, 5333
	var counts [256]int
	total := 0
	step := stride
	if len(data) < 64*stride {
		step = piece
	}
	for start := 0; start < len(data); start += step {
		sample := data[start:min(start+piece, len(data))]
		for _, b := range sample {
			counts[b]++
		}
		total += len(sample)
	}
	bits := 0.0
	for _, count := range counts {
		if count > 0 {
			p := float64(count) / float64(total)
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// repeats tells whether a part of data that matters is a repetition of another part, however far apart they are.
func repeats(data []byte) bool {
	seen := make(map[uint64]struct{}, len(data)/repeatSample)
	found, looked := 0, 0
	for i := 0; i+8 <= len(data); i++ {
		window := binary.LittleEndian.Uint64(data[i:])
		if window*0x9E3779B97F4A7C15>>56 != 0 {
			continue
		}
		looked++
		if _, again := seen[window]; again {
			found++
			continue
		}
		seen[window] = struct{}{}
	}
	return found*repeatShare > looked
}
