package planner

import (
	"errors"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Limits of a group of folders that are listed by one call.
const (
	// mostListed is how many objects a group may have, as far as is known: a few pages of a store. As many that belong to nobody are
	// passed over before the folders are listed one by one.
	mostListed = 10_000
	// fewestFolders is from how many folders on one call is made for all of them: fewer are not worth what else it may find.
	fewestFolders = 8
)

// group is what one call lists: all keys that begin with a prefix, of which those in the folders count.
type group struct {
	prefix string
	// folders are in order, and none is in another one.
	folders []string
}

// groupsOf divides folders into as few groups as the limits allow, so that thousands of backups are not thousands of calls: those
// whose names begin alike. expected is how many objects each is known to have. Folders that make no group stay in their order.
func groupsOf(folders []string, expected map[string]int) []group {
	var ordered []string
	for _, folder := range slices.Sorted(slices.Values(folders)) {
		// What is in a folder that is listed is listed with it.
		if last := len(ordered) - 1; last < 0 || !strings.HasPrefix(folder, ordered[last]) {
			ordered = append(ordered, folder)
		}
	}
	var grouped []group
	together := make(map[string]bool)
	var divide func(ordered []string)
	divide = func(ordered []string) {
		if len(ordered) < fewestFolders {
			return
		}
		shared := sharedPrefix(ordered[0], ordered[len(ordered)-1])
		objects := 0
		for _, folder := range ordered {
			objects += expected[folder]
		}
		if objects <= mostListed {
			grouped = append(grouped, group{prefix: shared, folders: ordered})
			for _, folder := range ordered {
				together[folder] = true
			}
			return
		}
		for len(ordered) > 0 {
			end := 1
			for end < len(ordered) && ordered[end][len(shared)] == ordered[0][len(shared)] {
				end++
			}
			divide(ordered[:end])
			ordered = ordered[end:]
		}
	}
	divide(ordered)
	var groups []group
	for _, folder := range folders {
		if within, _ := slices.BinarySearch(ordered, folder); !together[folder] && within < len(ordered) && ordered[within] == folder {
			groups = append(groups, group{prefix: folder, folders: []string{folder}})
		}
	}
	return append(groups, grouped...)
}

// sharedPrefix is what two texts begin with. Of ordered texts the first and the last one share what all of them do.
func sharedPrefix(a, b string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:min(len(a), len(b))]
}

// has reports whether a key lies in one of the folders.
func (g *group) has(key string) bool {
	i, found := slices.BinarySearch(g.folders, key)
	return found || i > 0 && strings.HasPrefix(key, g.folders[i-1])
}

// apart are groups of the same folders, one for each.
func (g *group) apart() []group {
	groups := make([]group, len(g.folders))
	for i, folder := range g.folders {
		groups[i] = group{prefix: folder, folders: g.folders[i : i+1]}
	}
	return groups
}

// errCrowded ends a listing that finds more of others than it is worth.
var errCrowded = errors.New("too much of others lies between the folders")

// collector takes what a listing of a group yields.
type collector struct {
	group   *group
	objects []providers.Object
	others  int
}

// take is called for each object.
func (c *collector) take(object providers.Object) error {
	if !c.group.has(object.Key) {
		if c.others++; c.others > mostListed {
			return errCrowded
		}
		return nil
	}
	c.objects = append(c.objects, object)
	return nil
}
