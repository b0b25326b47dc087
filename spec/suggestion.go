package spec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/agext/levenshtein"
)

// suggest returns a sentence that proposes the nearest of the known names, or nothing when none is near. Ties are broken
// by length, then by alphabet, so that the same mistake always gets the same answer.
func suggest(given string, known []string) string {
	if best := nearest(given, known); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

func nearest(given string, known []string) string {
	candidates := slices.Clone(known)
	slices.SortFunc(candidates, func(a, b string) int {
		return cmp.Or(
			cmp.Compare(levenshtein.Distance(given, a, nil), levenshtein.Distance(given, b, nil)),
			cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	// A third of the letters may be wrong, and always one.
	limit := max(1, (len(given)+1)/3)
	if len(candidates) == 0 || levenshtein.Distance(given, candidates[0], nil) > limit {
		return ""
	}
	return candidates[0]
}
