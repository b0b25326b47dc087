// Package postgres checks that a PostgreSQL database answers a query as it should.
package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "postgres".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "postgres",
		Summary: "A PostgreSQL database that answers.",
		New:     func() providers.Config { return &Config{Query: "select 1"} },
	}
}

// Config is the body of the block.
type Config struct {
	Source         providers.Reference `hcl:"source" kind:"source" doc:"The database, a source \"postgres\"."`
	Query          string              `hcl:"query,optional" doc:"What is asked, in a session that reads only; select 1 when left out."`
	Expect         string              `hcl:"expect,optional" doc:"The first column of the first row, as text; anything when left out, also no row."`
	MaxLatency     units.Duration      `hcl:"max_latency,optional" doc:"Connecting and the answer may take this long together."`
	MaxLag         units.Duration      `hcl:"max_lag,optional" doc:"The most that a replica may be behind: this one, or of those that it feeds the last. Where there is none, it fails."`
	MaxConnections int64               `hcl:"max_connections,optional" doc:"Warn when more of the connections that the server allows are used, in percent."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if c.MaxConnections < 0 || c.MaxConnections > 100 {
		return []providers.Problem{{Attribute: "max_connections", Summary: "Invalid percentage", Detail: "It is a percentage: 0 to 100."}}
	}
	return nil
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	source, err := environment.Sources(c.Source)
	if err != nil {
		return nil, err
	}
	asked, ok := source.(providers.Querier)
	if !ok {
		return nil, fmt.Errorf("%s is no database that can be asked in SQL; name a source \"postgres\"", c.Source.Address)
	}
	return &check{config: *c, database: asked, clock: environment.Clock}, nil
}

// The queries for what is judged besides. In recovery a server that has replayed all that it receives is not behind, however long ago the last change
// was, as long as it is connected to what it follows (PostgreSQL documentation, "Recovery Information Functions" and "pg_stat_wal_receiver"); one
// that is not knows of nothing newer. One that has replayed no change since it was started is behind since then at the most. The answer is a
// number of seconds, or a word for why there is none. Who may not see the sessions of others sees no states.
const (
	lagQuery = `select case
		when pg_is_in_recovery() then case
			when exists (select from pg_stat_wal_receiver) and pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then '0'
			else (extract(epoch from now() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())))::text end
		when exists (select from pg_stat_replication where state is null) then 'hidden'
		when not exists (select from pg_stat_replication where state <> 'backup') then 'alone'
		else (select coalesce(max(extract(epoch from replay_lag)), 0)::text from pg_stat_replication where state <> 'backup')
	end`
	connectionsQuery = `select 100.0 * count(*) / current_setting('max_connections')::int from pg_stat_activity where backend_type = 'client backend'`
)

// check implements providers.Check.
type check struct {
	config   Config
	database providers.Querier
	clock    clock.Clock
}

// Probe asks the query, and what else is to be judged.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	begun := c.clock.Now()
	rows, err := c.database.Query(ctx, c.config.Query)
	if err != nil {
		return providers.Finding{}, err
	}
	took := c.clock.Now().Sub(begun)
	finding := providers.Finding{Verdict: providers.Passed}
	finding.Figure("latency_seconds", took.Seconds())
	c.judgeAnswer(&finding, rows, took)
	if limit := c.config.MaxLag.Std(); limit > 0 {
		if err := c.judgeLag(ctx, &finding, limit); err != nil {
			return providers.Finding{}, err
		}
	}
	if limit := c.config.MaxConnections; limit > 0 {
		used, err := c.number(ctx, connectionsQuery)
		if err != nil {
			return providers.Finding{}, err
		}
		finding.Figure("connections_percent", used)
		if used > float64(limit) {
			finding.Add(providers.Warned, fmt.Sprintf("%.0f %% of its connections are used", used))
		}
	}
	return finding, nil
}

func (c *check) judgeAnswer(finding *providers.Finding, rows [][]string, took time.Duration) {
	answer, answered := "", len(rows) > 0 && len(rows[0]) > 0
	if answered {
		answer = rows[0][0]
	}
	said := fmt.Sprintf("answered in %s", took.Round(100*time.Microsecond))
	switch limit := c.config.MaxLatency.Std(); {
	case c.config.Expect != "" && !answered:
		finding.Add(providers.Failed, fmt.Sprintf("the query has no row, and %q is expected", c.config.Expect))
	case c.config.Expect != "" && answer != c.config.Expect:
		finding.Add(providers.Failed, fmt.Sprintf("the query gives %q, not %q", answer, c.config.Expect))
	case limit > 0 && took > limit:
		finding.Add(providers.Failed, said+", not within "+c.config.MaxLatency.String())
	default:
		finding.Add(providers.Passed, said)
	}
}

// judgeLag holds how far a replica is behind against the limit. A server without any fails: the replica that is meant has gone.
func (c *check) judgeLag(ctx context.Context, finding *providers.Finding, limit time.Duration) error {
	said, err := c.one(ctx, lagQuery)
	switch {
	case err != nil:
		return err
	case said == "alone":
		finding.Add(providers.Failed, "no replica is connected, and it is none itself: how far one is behind is not known")
		return nil
	case said == "hidden":
		finding.Add(providers.Failed, "how far its replicas are behind is not shown to this user: grant it pg_monitor")
		return nil
	}
	lag, err := strconv.ParseFloat(said, 64)
	if err != nil {
		return err
	}
	finding.Figure("lag_seconds", lag)
	if lag > limit.Seconds() {
		finding.Add(providers.Failed, fmt.Sprintf("%.1f s behind, not %s at most", lag, c.config.MaxLag))
	}
	return nil
}

// number asks for one number.
func (c *check) number(ctx context.Context, sql string) (float64, error) {
	said, err := c.one(ctx, sql)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(said, 64)
}

// one asks for one value.
func (c *check) one(ctx context.Context, sql string) (string, error) {
	rows, err := c.database.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		return "", fmt.Errorf("the server answered with %d rows where it is asked for one value", len(rows))
	}
	return rows[0][0], nil
}
