package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// link is the target of a link in Markdown; heading is a title, which a link can name behind "#".
var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ +(.*)$`)
	named   = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// TestLinks follows every link of the documentation to files of the repository and to their headings.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md", "examples/*/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	followed := 0
	for _, page := range pages {
		for _, match := range link.FindAllStringSubmatch(strings.Join(prose(t, page), "\n"), -1) {
			if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
				continue
			}
			followed++
			name, anchor, _ := strings.Cut(match[1], "#")
			target := page
			if name != "" {
				target = filepath.Join(filepath.Dir(page), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, match[1])
			} else if anchor != "" && strings.HasSuffix(target, ".md") && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s: the link to %s leads to no heading", page, match[1])
			}
		}
	}
	if followed < 100 {
		t.Errorf("only %d links were found in %d pages", followed, len(pages))
	}
}

// prose are the lines of a page that are not code.
func prose(t *testing.T, page string) []string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	code := false
	for line := range strings.SplitSeq(string(data), "\n") {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			code = !code
		case !code:
			lines = append(lines, line)
		}
	}
	return lines
}

// anchors are what links to a page can name: its headings, as GitHub spells them, and what has a name.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var found []string
	for _, line := range prose(t, page) {
		for _, match := range named.FindAllStringSubmatch(line, -1) {
			found = append(found, match[1])
		}
		if match := heading.FindStringSubmatch(line); match != nil {
			found = append(found, strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
					return unicode.ToLower(r)
				}
				return -1
			}, strings.TrimSpace(match[1])))
		}
	}
	return found
}
