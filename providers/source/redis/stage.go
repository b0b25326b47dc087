package redis

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/providers"
)

// stage is where the keys of a restore are before all of them are there: in databases that the server has to spare, highest number
// first. They are exchanged for the others in one step. Where there are none to spare, keys go straight to their database.
type stage struct {
	// spare are the empty databases of the server, in descending order; nil where it cannot exchange them.
	spare []int64
	// places are the databases that the keys of the snapshot's databases went to.
	places map[int64]int64
	counts map[int64]*providers.KeyCount
	// exchanged is set where there are databases to spare.
	exchanged bool
}

// errNoSpare: the snapshot has more databases than the server can hold beside those it has.
var errNoSpare = errors.New("the server has too few empty databases to put the snapshot into, beside what it has: raise databases in its configuration, empty it, or restore into a stopped server with -to-directory")

// newStage makes the stage of a server with so many databases, of which some hold keys.
func newStage(databases int64, occupied []int64) *stage {
	s := &stage{places: make(map[int64]int64), counts: make(map[int64]*providers.KeyCount), exchanged: databases > 1}
	for number := databases - 1; number >= 0; number-- {
		if !slices.Contains(occupied, number) {
			s.spare = append(s.spare, number)
		}
	}
	return s
}

// place is the database that a key goes to.
func (s *stage) place(key rdb.Key) (int64, error) {
	count := s.counts[key.Database]
	if count == nil {
		count = new(providers.KeyCount)
		s.counts[key.Database] = count
		s.places[key.Database] = key.Database
		if s.exchanged {
			if len(s.spare) == 0 {
				return 0, errNoSpare
			}
			s.places[key.Database], s.spare = s.spare[0], s.spare[1:]
		}
	}
	tally(count, key)
	return s.places[key.Database], nil
}

// swaps are the exchanges after which every key is in its database, in their order.
func (s *stage) swaps() [][2]int64 {
	var swaps [][2]int64
	at := maps.Clone(s.places)
	for _, wanted := range slices.Sorted(maps.Keys(s.places)) {
		from := at[wanted]
		if from == wanted {
			continue
		}
		swaps = append(swaps, [2]int64{wanted, from})
		for other, place := range at {
			if place == wanted {
				at[other] = from
			}
		}
		at[wanted] = wanted
	}
	return swaps
}

// check compares what a server says of its databases with what went there. Keys that expire may have done so.
func (s *stage) check(found map[int64]providers.KeyCount, of func(database int64) int64) error {
	for _, database := range slices.Sorted(maps.Keys(s.counts)) {
		want, got := s.counts[database], found[of(database)]
		if got.Keys > want.Keys || got.Keys < want.Keys-want.Expiring {
			return fmt.Errorf("database %d has %d keys, and the snapshot has %d, of which %d expire", database, got.Keys, want.Keys, want.Expiring)
		}
	}
	return nil
}

// databases are how many keys each database of a server has (INFO keyspace: db0:keys=12,expires=3,avg_ttl=0).
func (f facts) databases() map[int64]providers.KeyCount {
	found := make(map[int64]providers.KeyCount)
	for name, value := range f {
		digits, ok := strings.CutPrefix(name, "db")
		number, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || !strings.HasPrefix(value, "keys=") {
			continue
		}
		var count providers.KeyCount
		if _, err := fmt.Sscanf(value, "keys=%d,expires=%d", &count.Keys, &count.Expiring); err == nil {
			found[number] = count
		}
	}
	return found
}
