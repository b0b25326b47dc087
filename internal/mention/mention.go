// Package mention finds paths in lines of text, such as those of scripts.
package mention

import "strings"

// In reports whether a line has a path as a whole, or the beginning of one below it: what follows must not belong to another name.
func In(line, path string) bool {
	for at := 0; ; {
		next := strings.Index(line[at:], path)
		if next < 0 {
			return false
		}
		at += next + len(path)
		if strings.HasSuffix(path, "/") || at == len(line) || !partOfName(line[at]) {
			return true
		}
	}
}

// partOfName reports whether a byte goes on with the name of a file.
func partOfName(b byte) bool {
	return b >= 0x80 || b == '-' || b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
