package providers

import (
	"fmt"
	"strings"
)

// CheckKey returns what is wrong with a key, by the rules that Destination states; nil for a legal one.
func CheckKey(key string) error {
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return fmt.Errorf("key %q has a character that is not printable ASCII at byte %d", key, i)
		}
	}
	for part := range strings.SplitSeq(key, "/") {
		switch part {
		case "":
			return fmt.Errorf("key %q has an empty part: it must be words separated by single slashes, with none at either end", key)
		case ".", "..":
			return fmt.Errorf("key %q has the part %q, which could lead out of the destination", key, part)
		}
	}
	return nil
}
