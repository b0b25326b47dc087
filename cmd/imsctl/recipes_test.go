package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRecipesAreOfTheExample holds what docs/recipes.md shows against the example that it explains.
func TestRecipesAreOfTheExample(t *testing.T) {
	example := essential(readText(t, filepath.Join(repository, "examples", wholeSystem)))
	page := readText(t, filepath.Join(repository, "docs", "recipes.md"))
	blocks := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 10 {
		t.Fatalf("%d blocks of HCL on the page", len(blocks))
	}
	for _, block := range blocks {
		for _, part := range strings.SplitAfter(block[1], "\n}\n") {
			if !strings.Contains(example, essential(part)) {
				t.Errorf("the example has nothing like this:\n%s", part)
			}
		}
	}
}

// essential is HCL without what does not count: comments and the size of spaces.
func essential(text string) string {
	text = regexp.MustCompile(`(?m)(^|\s)#.*$`).ReplaceAllString(text, "")
	return strings.Join(strings.Fields(text), " ")
}
