package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	sourcepostgres "github.com/castrolanda/imsctl/providers/source/postgres"
)

// probe asks a check of a database.
func probe(t *testing.T, config Config, source providers.Source, at clock.Clock) (providers.Finding, error) {
	t.Helper()
	if config.Query == "" {
		config.Query = "select 1"
	}
	check, err := config.Check(providers.Environment{Clock: at, Sources: func(providers.Reference) (providers.Source, error) { return source, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return check.Probe(t.Context())
}

func TestProbe(t *testing.T) {
	server := testenv.Postgres(t)
	source, err := (&sourcepostgres.Config{URL: server.URL("postgres")}).Source(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config  Config
		verdict providers.Verdict
		summary string
	}{
		"answers":         {Config{}, providers.Passed, "answered in 0s"},
		"no rows":         {Config{Query: "select 1 where false"}, providers.Passed, "answered in 0s"},
		"as expected":     {Config{Query: "select count(*) > 0 from pg_class", Expect: "t"}, providers.Passed, "answered in 0s"},
		"not as expected": {Config{Query: "select 'red'", Expect: "green"}, providers.Failed, `the query gives "red", not "green"`},
		"no row expected": {Config{Query: "select 1 where false", Expect: "1"}, providers.Failed, "the query has no row"},
		"no replica":      {Config{MaxLag: units.Duration(time.Second)}, providers.Failed, "no replica is connected"},
		"has connections": {Config{MaxConnections: 100}, providers.Passed, "answered in 0s"},
		"in no time":      {Config{MaxLatency: units.Duration(time.Second)}, providers.Passed, "answered in 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			finding, err := probe(t, test.config, source, clock.NewManual(time.Unix(0, 0)))
			if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
				t.Errorf("%v, got %+v", err, finding)
			}
		})
	}
	if _, err := probe(t, Config{Query: "create table t ()"}, source, clock.System{}); err == nil {
		t.Error("a session that reads only has made a table")
	}
	if _, err := probe(t, Config{Query: "select * from missing"}, source, clock.System{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("got %v", err)
	}
}

// answers is a database that gives an answer for each query that has one.
type answers struct {
	providers.Source
	rows map[string][][]string
}

func (a answers) Query(_ context.Context, sql string) ([][]string, error) {
	rows, ok := a.rows[sql]
	if !ok {
		return nil, errors.New("down")
	}
	return rows, nil
}

func TestJudgements(t *testing.T) {
	one := [][]string{{"1"}}
	for name, test := range map[string]struct {
		config  Config
		answers map[string][][]string
		verdict providers.Verdict
		summary string
	}{
		"behind":           {Config{MaxLag: units.Duration(time.Minute)}, map[string][][]string{lagQuery: {{"61.5"}}}, providers.Failed, "61.5 s behind, not 1m at most"},
		"no replica":       {Config{MaxLag: units.Duration(time.Minute)}, map[string][][]string{lagQuery: {{"alone"}}}, providers.Failed, "no replica is connected"},
		"replicas unseen":  {Config{MaxLag: units.Duration(time.Minute)}, map[string][][]string{lagQuery: {{"hidden"}}}, providers.Failed, "grant it pg_monitor"},
		"a little behind":  {Config{MaxLag: units.Duration(time.Minute)}, map[string][][]string{lagQuery: {{"59"}}}, providers.Passed, "answered"},
		"many connections": {Config{MaxConnections: 80}, map[string][][]string{connectionsQuery: {{"81.0"}}}, providers.Warned, "81 % of its connections are used"},
		"some connections": {Config{MaxConnections: 80}, map[string][][]string{connectionsQuery: {{"79.0"}}}, providers.Passed, "answered"},
	} {
		test.answers["select 1"] = one
		finding, err := probe(t, test.config, answers{rows: test.answers}, clock.NewManual(time.Unix(0, 0)))
		if err != nil || finding.Verdict != test.verdict || !strings.Contains(finding.Summary, test.summary) {
			t.Errorf("%s: %v, got %+v", name, err, finding)
		}
	}
	for _, config := range []Config{{}, {MaxLag: 1}, {MaxConnections: 1}} {
		rows := map[string][][]string{"select 1": one}
		if config == (Config{}) {
			rows = nil
		}
		if _, err := probe(t, config, answers{rows: rows}, clock.System{}); err == nil || err.Error() != "down" {
			t.Errorf("got %v", err)
		}
	}
	if _, err := (&Config{Source: providers.Reference{Address: "source.files.f"}}).Check(providers.Environment{
		Sources: func(providers.Reference) (providers.Source, error) { return struct{ providers.Source }{}, nil },
	}); err == nil || !strings.Contains(err.Error(), "source.files.f is no database") {
		t.Errorf("got %v", err)
	}
}
