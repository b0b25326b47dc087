package redis_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// everyType are commands that make keys of every type and most encodings of Redis 7: small ones that are kept packed, and
// large ones that are not.
func everyType() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "SET ml:classification:%d value-%d\n", i, i)
		fmt.Fprintf(&b, "RPUSH list:large %s\nSADD set:large member-%d\nZADD zset:large %d.5 member-%d\nHSET hash:large field-%d %d\n", strings.Repeat("x", i+1), i, i, i, i, i)
		fmt.Fprintf(&b, "XADD stream:large %d-1 field value-%d\n", i+1, i)
	}
	b.WriteString("SET 12345 -7\nSET 70000 1\nSET -100000 2\nSET model:large \"" + strings.Repeat("compressible ", 2000) + "\"\n")
	b.WriteString("SET \"binary \\x00\\xff key\" \"\\r\\n\\x00\"\nSET " + strings.Repeat("long:", 60) + " 1\nSET empty \"\"\n")
	b.WriteString("RPUSH list:small a b 3\nSADD set:numbers 1 2 3\nSADD set:small a b\nZADD zset:small 1 a 2 b -inf c +inf d\nHSET hash:small a 1 b 2\n")
	b.WriteString("RPUSH list:plain " + strings.Repeat("z", 20000) + "\n")
	b.WriteString("SET ml:expiring 1 EX 100000\nHSET features:expiring a 1\nPEXPIREAT features:expiring 99999999999999\n")
	b.WriteString("XGROUP CREATE stream:large workers 0\nXREADGROUP GROUP workers one COUNT 5 STREAMS stream:large >\nXREADGROUP GROUP workers two COUNT 3 STREAMS stream:large >\nXDEL stream:large 7-1\n")
	b.WriteString("PFADD hyperloglog a b c\nSETBIT bits 100 1\nGEOADD places 13.36 38.11 Palermo\n")
	b.WriteString("FUNCTION LOAD REPLACE \"#!lua name=lib\\nredis.register_function('f', function() return 1 end)\"\n")
	b.WriteString("SELECT 3\nSET model:one 1\nSET model:two 2 PX 100000000\nSELECT 0\n")
	return b.String()
}

func environment() providers.Environment {
	host := local.New()
	return providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return host, nil },
		Clock: clock.System{},
	}
}

// newSource makes a source of a server, with whatever change does to its configuration.
func newSource(t *testing.T, server *testenv.RedisServer, change func(*redis.Config)) providers.Source {
	t.Helper()
	config := redis.Provider().New().(*redis.Config)
	config.Address, config.Password = server.Address, server.Password
	if change != nil {
		change(config)
	}
	return sourceOf(t, config, environment())
}

func sourceOf(t *testing.T, config *redis.Config, environment providers.Environment) providers.Source {
	t.Helper()
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatalf("invalid: %+v", problems)
	}
	source, err := config.Source(environment)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// read reads a source to its end.
func read(t *testing.T, source providers.Source) ([]byte, providers.Reading) {
	t.Helper()
	var output bytes.Buffer
	reading, err := source.Read(t.Context(), "run", &output)
	if err != nil {
		t.Fatal(err)
	}
	return output.Bytes(), reading
}
