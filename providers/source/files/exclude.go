package files

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// exclusion is a pattern of what is left out. The rules are those of gitignore without its negation:
//
//   - Without a slash, but for one at the end, it is about the name of anything at any depth.
//   - With one, it is about the path relative to the root; a slash at the beginning does nothing else.
//   - A slash at the end makes it match folders only.
//   - "**" as a whole element stands for any number of folders, none too; at the end for everything in the folder before it.
//   - Within an element there are *, ?, […], {a,b} and \ before a character that is meant itself. A leading dot is nothing special.
type exclusion struct {
	pattern     string
	byName      bool
	foldersOnly bool
}

// newExclusion reads a pattern. Its errors continue a sentence that names the pattern.
func newExclusion(text string) (exclusion, error) {
	if strings.HasPrefix(text, "!") {
		return exclusion{}, errors.New(`cannot bring back what another one leaves out; for a name that begins with "!" write "\\!"`)
	}
	e := exclusion{foldersOnly: strings.HasSuffix(text, "/")}
	trimmed := strings.TrimSuffix(text, "/")
	e.byName = !strings.Contains(trimmed, "/")
	e.pattern = strings.TrimPrefix(trimmed, "/")
	elements := strings.Split(e.pattern, "/")
	switch {
	case e.pattern == "":
		return exclusion{}, errors.New(`is empty; write a name such as ".git"`)
	case slices.ContainsFunc(elements, func(element string) bool { return element == "" || element == "." || element == ".." }):
		return exclusion{}, errors.New(`can never match, because of an element that is empty, "." or ".."; write the path relative to path, such as "var/cache"`)
	case !doublestar.ValidatePattern(e.pattern):
		return exclusion{}, errors.New(`is malformed; write a name such as ".git", or use *, ?, **, […] and {…}`)
	}
	if !e.byName && strings.HasSuffix(e.pattern, "/**") {
		// The matcher takes "x/**" for x itself, too.
		e.pattern += "/*"
	}
	return e, nil
}

// matches reports whether something below the root is left out.
func (e exclusion) matches(relative string, folder bool) bool {
	if e.foldersOnly && !folder {
		return false
	}
	if e.byName {
		relative = path.Base(relative)
	}
	return doublestar.MatchUnvalidated(e.pattern, relative)
}
