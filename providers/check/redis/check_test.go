package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

func local(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }

// cases are what holds for a server with the keys ml:a, ml:b and model:x, of which 150 reads found one and 50 did not.
var cases = map[string]struct {
	config  Config
	verdict providers.Verdict
	summary string
}{
	"answers":        {Config{}, providers.Passed, "PONG in"},
	"keys":           {Config{Keys: []string{"ml:*", "model:?"}}, providers.Passed, "keys for all of 2 patterns"},
	"no key":         {Config{Keys: []string{"ml:*", "features:*"}}, providers.Failed, "no key matches features:*"},
	"hit rate":       {Config{MinHitRate: 70}, providers.Passed, "hit rate 75.0 %"},
	"low hit rate":   {Config{MinHitRate: 80}, providers.Failed, "hit rate 75.0 %, not 80 %"},
	"memory":         {Config{MaxMemory: 100}, providers.Passed, "PONG"},
	"much memory":    {Config{MaxMemory: 1}, providers.Warned, "of its maxmemory is used"},
	"within latency": {Config{MaxLatency: units.Duration(time.Hour)}, providers.Passed, "PONG in"},
}

// fill are the commands that make such a server.
var fill = []string{"config set maxmemory 20mb", "mset ml:a 1 ml:b 2 model:x 3", "config resetstat"}

func TestProbeByAddress(t *testing.T) {
	server := testenv.Redis(t)
	for _, command := range fill {
		server.Do(t, strings.Fields(command)...)
	}
	server.Do(t, "eval", "for i=1,150 do redis.call('get','ml:a') end for i=1,50 do redis.call('get','none') end return 1", "0")
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			test.config.Address, test.config.Password = server.Address, server.Password
			expect(t, test.config, providers.Environment{Clock: clock.System{}, Hosts: local}, test.verdict, test.summary)
		})
	}
	server.Do(t, "acl", "setuser", "reader", "on", "nopass", "~*", "+@all")
	expect(t, Config{Address: server.Address, User: "reader"}, providers.Environment{Clock: clock.System{}, Hosts: local}, providers.Passed, "PONG in")

	config := Config{Address: server.Address, Password: "wrong"}
	check, err := config.Check(providers.Environment{Clock: clock.System{}, Hosts: local})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("got %v", err)
	}
}

func TestProbeInAContainer(t *testing.T) {
	server := testenv.DockerDebian(t)
	server.Redis(t, "cache")
	for _, command := range fill {
		server.Run(t, append([]string{"exec", "cache", "redis-cli"}, strings.Fields(command)...)...)
	}
	server.Run(t, "exec", "cache", "redis-cli", "eval", "for i=1,150 do redis.call('get','ml:a') end for i=1,50 do redis.call('get','none') end return 1", "0")
	environment := providers.Environment{Clock: clock.System{}, Hosts: local,
		Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) }}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			test.config.Container = "cache"
			expect(t, test.config, environment, test.verdict, test.summary)
		})
	}
	server.Run(t, "exec", "cache", "redis-cli", "config", "set", "requirepass", "hunter2")
	config := Config{Container: "cache"}
	check, err := config.Check(environment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("got %v", err)
	}
	expect(t, Config{Container: "cache", Password: "hunter2", Keys: []string{"ml:*"}}, environment, providers.Passed, "keys for all")
}

func expect(t *testing.T, config Config, environment providers.Environment, verdict providers.Verdict, summary string) {
	t.Helper()
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	check, err := config.Check(environment)
	if err != nil {
		t.Fatal(err)
	}
	finding, err := check.Probe(t.Context())
	if err != nil || finding.Verdict != verdict || !strings.Contains(finding.Summary, summary) {
		t.Errorf("%v, got %+v", err, finding)
	}
}

func TestSlow(t *testing.T) {
	server := testenv.Redis(t)
	steps := &stepping{Manual: clock.NewManual(time.Unix(0, 0))}
	expect(t, Config{Address: server.Address, Password: server.Password, MaxLatency: units.Duration(2 * time.Second)},
		providers.Environment{Clock: steps, Hosts: local}, providers.Failed, "PONG in 3s, not within 2s")
}

// stepping is a clock on which 3 seconds pass between two looks.
type stepping struct{ *clock.Manual }

func (c *stepping) Now() time.Time {
	defer c.Advance(3 * time.Second)
	return c.Manual.Now()
}

func TestNobodyThere(t *testing.T) {
	config := Config{Address: "localhost:1"}
	check, err := config.Check(providers.Environment{Clock: clock.System{}, Hosts: local})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "connecting to localhost:1") {
		t.Errorf("got %v", err)
	}
}

func TestParseInfo(t *testing.T) {
	facts := parseInfo("# Stats\r\nkeyspace_hits:3\r\nrole:master\r\nused_memory:1e3\n:\nx")
	if len(facts) != 2 || facts["keyspace_hits"] != 3 || facts["used_memory"] != 1000 {
		t.Errorf("got %v", facts)
	}
}
