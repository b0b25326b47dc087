package redis

import (
	"fmt"
	"strconv"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// counter counts the keys of a snapshot: of each database, and of each pattern over all databases.
type counter struct {
	patterns  []pattern
	matching  []providers.KeyCount
	databases map[int64]*providers.KeyCount
}

func newCounter(patterns []pattern) *counter {
	return &counter{patterns: patterns, matching: make([]providers.KeyCount, len(patterns)), databases: make(map[int64]*providers.KeyCount)}
}

// add counts a key.
func (c *counter) add(key rdb.Key) error {
	database := c.databases[key.Database]
	if database == nil {
		database = new(providers.KeyCount)
		c.databases[key.Database] = database
	}
	tally(database, key)
	for i := range c.patterns {
		if c.patterns[i].match(key.Name) {
			tally(&c.matching[i], key)
		}
	}
	return nil
}

func tally(count *providers.KeyCount, key rdb.Key) {
	count.Keys++
	if key.Expires != 0 {
		count.Expiring++
	}
}

// counts are what was counted.
func (c *counter) counts() *providers.KeyCounts {
	counts := &providers.KeyCounts{Databases: make(map[string]providers.KeyCount), Patterns: make(map[string]providers.KeyCount)}
	for number, count := range c.databases {
		counts.Databases[strconv.FormatInt(number, 10)] = *count
	}
	for i, pattern := range c.patterns {
		counts.Patterns[pattern.text] = c.matching[i]
	}
	return counts
}

// warnings name the patterns that matched nothing.
func (c *counter) warnings() []string {
	var warnings []string
	for i, pattern := range c.patterns {
		if c.matching[i].Keys == 0 {
			warnings = append(warnings, fmt.Sprintf("no key matches %q", pattern.text))
		}
	}
	return warnings
}
