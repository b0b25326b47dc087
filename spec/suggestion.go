package spec

import (
	"cmp"
	"fmt"

	"github.com/agext/levenshtein"
)

// suggest returns a sentence that proposes the nearest of the known names, or nothing when none is near.
func suggest(given string, known []string) string {
	if best := nearest(given, known); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

// Nearest returns the one of the known names that a given one was probably meant to be, or nothing. The same mistake always
// gets the same answer.
func Nearest(given string, known []string) string { return nearest(given, known) }

// nearest returns the known name that a given one was probably meant to be, or nothing. A third of its letters may be wrong,
// and always one. Ties are broken by length, then by alphabet, so that the same mistake always gets the same answer.
func nearest(given string, known []string) string {
	best, distance := "", max(1, (len(given)+1)/3)+1
	for _, name := range known {
		// The lengths alone differ by at least as much, and they cost nothing to compare.
		if abs(len(name)-len(given)) > distance {
			continue
		}
		this := levenshtein.Distance(given, name, nil)
		if this < distance || best != "" && this == distance && cmp.Or(cmp.Compare(len(name), len(best)), cmp.Compare(name, best)) < 0 {
			best, distance = name, this
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }
