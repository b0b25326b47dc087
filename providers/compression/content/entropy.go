package content

import "math"

// Entropy is the Shannon entropy of the bytes of all samples together, in bits per byte: 0 for a single value, 8 for all
// values equally often.
func Entropy(samples ...[]byte) float64 {
	var counts [256]int
	total := 0
	for _, sample := range samples {
		for _, value := range sample {
			counts[value]++
		}
		total += len(sample)
	}
	entropy := 0.0
	for _, count := range counts {
		if count > 0 {
			share := float64(count) / float64(total)
			entropy -= share * math.Log2(share)
		}
	}
	return max(0, entropy)
}
