package planner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// foldersNamed are folders of so many backups.
func foldersNamed(name string, count int) []string {
	var folders []string
	for i := range count {
		folders = append(folders, fmt.Sprintf("%s%05d/", name, i))
	}
	return folders
}

// TestGroups: every folder is in exactly one group that lists it, no group is too large, and few are apart.
func TestGroups(t *testing.T) {
	inside := []string{"a/"}
	nested := append(foldersNamed("a/", 20), "a/", "a/b/c/", "z/")
	for name, test := range map[string]struct {
		folders []string
		each    int
		want    int
	}{
		"none":                {nil, 60, 0},
		"a few":               {foldersNamed("db.", 7), 60, 7},
		"some":                {foldersNamed("db.", 8), 60, 1},
		"ten thousand":        {foldersNamed("db.", 10_000), 60, 100},
		"ten thousand, empty": {foldersNamed("db.", 10_000), 0, 1},
		"of two kinds":        {slices.Concat(foldersNamed("small.app", 5000), foldersNamed("large.app", 5000)), 60, 100},
		"large ones":          {foldersNamed("db.", 1000), 1000, 100},
		"within one another":  {nested, 60, 2},
	} {
		t.Run(name, func(t *testing.T) {
			expected := make(map[string]int)
			for _, folder := range test.folders {
				expected[folder] = test.each
			}
			groups := groupsOf(test.folders, expected)
			if len(groups) > test.want || len(groups) < test.want/2 {
				t.Errorf("%d groups, want about %d", len(groups), test.want)
			}
			slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.prefix, b.prefix) })
			listing := 0
			for _, group := range groups {
				for _, folder := range group.folders {
					if key := folder + "x"; !strings.HasPrefix(key, group.prefix) || !group.has(key) {
						t.Errorf("%s is not listed by %s", folder, group.prefix)
					}
					listing++
				}
			}
			distinct := 0
			for _, folder := range test.folders {
				if !slices.ContainsFunc(inside, func(outer string) bool { return outer != folder && strings.HasPrefix(folder, outer) }) {
					distinct++
				}
			}
			if listing != distinct {
				t.Errorf("%d folders are listed, want %d", listing, distinct)
			}
			for _, group := range groups {
				if len(group.folders) > 1 && len(group.folders)*test.each > mostListed {
					t.Errorf("%s has %d folders", group.prefix, len(group.folders))
				}
				for _, key := range []string{group.prefix, "db.", "db.0000x/y", "zz/x", "A"} {
					if inside := slices.ContainsFunc(group.folders, func(folder string) bool { return strings.HasPrefix(key, folder) }); group.has(key) != inside {
						t.Errorf("%q in %q: %t", key, group.prefix, group.has(key))
					}
				}
			}
		})
	}
}

// countedDestination counts how often it is listed.
type countedDestination struct {
	fakeDestination
	lists atomic.Int64
}

// List implements providers.Destination.
func (c *countedDestination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	c.lists.Add(1)
	return c.fakeDestination.List(ctx, prefix, yield)
}

// TestManyBackupsAreFewListings: how often a destination is asked grows with what lies there, not with the number of backups. What
// others have between the folders is left alone, and where that is much the folders are listed one by one.
func TestManyBackupsAreFewListings(t *testing.T) {
	for name, test := range map[string]struct {
		others, lists int
	}{
		"alone":       {0, 1},
		"with others": {100, 1},
		"crowded":     {2 * mostListed, 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeA)
			s.spec.Backups = nil
			counted := &countedDestination{}
			for _, folder := range foldersNamed("db", 400) {
				backup := s.declare(strings.TrimSuffix(folder, "/"), placeA)
				counted.keys = append(counted.keys, prefix(backup)+"x.sql.gz")
			}
			for i := range test.others {
				counted.keys = append(counted.keys, fmt.Sprintf("db00of-others%05d", i))
			}
			observed, err := Observe(t.Context(), s.spec, s.document, worldOf(s, map[string]providers.Destination{placeA: counted}), clock.NewManual(s.now), ObserveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			view := observed.Destinations[placeA]
			if lists := int(counted.lists.Load()); view.Err != nil || len(view.Objects) != 400 || lists != test.lists {
				t.Errorf("%v: %d objects seen with %d listings, want %d", view.Err, len(view.Objects), lists, test.lists)
			}
		})
	}
}
