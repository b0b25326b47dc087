package spec

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/spelling"
)

// suggest returns a sentence that proposes the nearest of the known names, or nothing when none is near.
func suggest(given string, known []string) string {
	if best := spelling.Nearest(given, known); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}
