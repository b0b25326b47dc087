package units

import (
	"fmt"
	"math"
)

// Smaller says by how much stored is smaller than raw, both in bytes, in whole percent: "28 % smaller". It is empty where that is less
// than one; of what is stored something is left, so it is never a hundred.
func Smaller(raw, stored int64) string {
	if raw <= 0 || stored > raw {
		return ""
	}
	percent := math.Round(100 * (1 - float64(stored)/float64(raw)))
	if stored > 0 {
		percent = min(percent, 99)
	}
	if percent < 1 {
		return ""
	}
	return fmt.Sprintf("%.0f %% smaller", percent)
}
