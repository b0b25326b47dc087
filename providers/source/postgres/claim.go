package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// claim locks what is dumped for as long as the session lives, so that no two imsctl dump the same at once, wherever they run. The
// lock is of the database: it hinders nobody but who asks for the same.
func (d *dumping) claim(ctx context.Context) error {
	key := strconv.FormatInt(claimKey(d.config), 10)
	// A session that has just ended is there for a moment.
	waiting, cancel := context.WithTimeout(ctx, sessionPatience)
	defer cancel()
	for {
		taken, err := value(ctx, d.session, "select pg_try_advisory_lock("+key+")")
		if err != nil {
			return fmt.Errorf("locking %s against others that dump it: %w", d.place, err)
		}
		if taken == "t" {
			return nil
		}
		select {
		case <-waiting.Done():
			return d.claimedBy(ctx, key)
		case <-time.After(terminateInterval):
		}
	}
}

// claimedBy says who dumps.
func (d *dumping) claimedBy(ctx context.Context, key string) error {
	// A key of 64 bits is two of 32 in pg_locks.
	rows, err := d.session.rows(ctx, `select application_name, coalesce(host(client_addr), 'the same machine'), to_char(query_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
		from pg_locks l join pg_stat_activity a using (pid) where locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
		and (l.classid::bigint << 32 | l.objid::bigint) = `+key+` and objsubid = 1`)
	if err != nil {
		return fmt.Errorf("asking who dumps %s: %w", d.place, err)
	}
	who := "another imsctl"
	if len(rows) > 0 {
		who += fmt.Sprintf(" (%s, from %s, at work since %s)", rows[0][0], rows[0][1], rows[0][2])
	}
	return fmt.Errorf("%s is being dumped by %s: wait for it; its lock ends with its session", d.place, who)
}

// claimKey is equal for sources that dump the same of a database.
func claimKey(config Config) int64 {
	hash := fnv.New64a()
	for _, list := range [][]string{{"imsctl source postgres"}, config.Tables, config.ExcludeTables} {
		list = slices.Sorted(slices.Values(list))
		fmt.Fprintf(hash, "%d %s\n", len(list), strings.Join(list, "\x00"))
	}
	return int64(hash.Sum64())
}
