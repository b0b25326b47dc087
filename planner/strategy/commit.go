package strategy

import (
	"regexp"
	"slices"
	"strings"
)

// Commit is what the message of a commit says by Conventional Commits 1.0.0 (https://www.conventionalcommits.org).
type Commit struct {
	// Type is the word before the colon, in small letters ("feat", "fix"); empty for a message of another form.
	Type string `json:"type"`
	// Scope is what is in brackets behind it.
	Scope string `json:"scope,omitempty"`
	// Description is what follows the colon, or the whole subject of a message of another form.
	Description string `json:"description"`
	// Breaking is set for a "!" before the colon or a footer BREAKING CHANGE.
	Breaking bool `json:"breaking"`
}

var (
	conventional = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*)(?:\(([^()]+)\))?(!)?: +(\S.*)$`)
	footer       = regexp.MustCompile(`(?m)^BREAKING[ -]CHANGE(?:: | #)`)
	reverted     = regexp.MustCompile(`^Revert "(.*)"$`)
)

// ParseCommit reads a message, as its subject and what follows that. What git itself writes for a revert counts as one.
func ParseCommit(subject, body string) Commit {
	subject = strings.TrimSpace(subject)
	breaking := footer.MatchString(strings.ReplaceAll(body, "\r\n", "\n"))
	if parts := conventional.FindStringSubmatch(subject); parts != nil {
		return Commit{Type: strings.ToLower(parts[1]), Scope: strings.TrimSpace(parts[2]), Description: strings.TrimSpace(parts[4]), Breaking: breaking || parts[3] == "!"}
	}
	if parts := reverted.FindStringSubmatch(subject); parts != nil {
		return Commit{Type: "revert", Description: parts[1], Breaking: breaking}
	}
	return Commit{Description: subject, Breaking: breaking}
}

// Types of commits by what they ask of a deploy.
var (
	weightyTypes = []string{"feat", "hotfix", "security", "revert"}
	plainTypes   = []string{"fix", "perf", "refactor"}
	lightTypes   = []string{"docs", "style", "test", "tests", "chore", "ci", "build"}
)

// commitTypes counts commits by their type; what is none of the known ones is "other".
func commitTypes(commits []Commit) map[string]int {
	counts := map[string]int{}
	for _, commit := range commits {
		if known := slices.Concat(weightyTypes, plainTypes, lightTypes); slices.Contains(known, commit.Type) {
			counts[commit.Type]++
		} else {
			counts["other"]++
		}
	}
	return counts
}
