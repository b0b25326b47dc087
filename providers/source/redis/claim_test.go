package redis_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// during is a writer that does something once, while it is being written to.
type during func()

func (d *during) Write(p []byte) (int, error) {
	if *d != nil {
		work := *d
		*d = nil
		work()
	}
	return len(p), nil
}

// somebody is the channel of another imsctl, and listing a server's answer of one channel.
const somebody = "imsctl-reading:ABCDEFGH:1767225600:77:root@vm"

func listing(channel string) string { return fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", len(channel), channel) }

// TestReadByOneAtATime reads a server while it is being read, over another way to it: that is refused, with who has it, although the
// server has sent all of it already.
func TestReadByOneAtATime(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET a 1\n")
	server.Do(t, "ACL", "SETUSER", "backup", "on", ">backup-secret", "+ping", "+info", "+replconf", "+psync", "+sync", "+subscribe", "+pubsub", "&imsctl-reading:*")
	other := newSource(t, server, func(c *redis.Config) {
		c.Address, c.User, c.Password = server.Socket, "backup", "backup-secret"
	})
	tried := during(func() {
		var output bytes.Buffer
		_, err := other.Read(t.Context(), "the-other", &output)
		refusedWith(t, err, "the Redis server at "+server.Socket+" is being read by another imsctl, of ", " (process ", "), since 2", "its lock ends with its connection")
		if output.Len() > 0 {
			t.Error("something was read")
		}
	})
	reading, err := newSource(t, server, nil).Read(t.Context(), "the-first", &tried)
	if err != nil || len(reading.Warnings) > 0 || tried != nil {
		t.Fatalf("got %+v, %v", reading, err)
	}
	// It ends with the reading.
	if _, reading := read(t, other); len(reading.Warnings) > 0 {
		t.Errorf("warnings: %q", reading.Warnings)
	}
}

// populated makes a server, whose connections are no other process's, hold more than a connection takes that nobody reads from.
func populated(t *testing.T) *testenv.RedisServer {
	server := testenv.Redis(t, "rdbcompression no", "repl-diskless-sync no")
	server.Do(t, "DEBUG", "POPULATE", "30000", "key", "1000")
	return server
}

// waitFor asks a server until its answer is as it should be.
func waitFor(t *testing.T, server *testenv.RedisServer, good func(string) bool, words ...string) {
	t.Helper()
	for began := time.Now(); !good(server.Do(t, words...)); {
		if time.Since(began) > time.Minute {
			t.Fatalf("%q did not come to be as it should", words)
		}
	}
}

// listen listens to a channel until the test ends.
func listen(t *testing.T, server *testenv.RedisServer, channel string) {
	t.Helper()
	listener := exec.CommandContext(t.Context(), "redis-cli", "-s", server.Socket, "SUBSCRIBE", channel)
	listener.Env = append(os.Environ(), "REDISCLI_AUTH="+server.Password)
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Wait() })
	waitFor(t, server, func(channels string) bool { return strings.Contains(channels, channel) }, "PUBSUB", "CHANNELS")
}

// TestLockThatIsMadeAgain ends the connection of the lock in the middle of a reading.
func TestLockThatIsMadeAgain(t *testing.T) {
	server := populated(t)
	cut := during(func() {
		server.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
		waitFor(t, server, func(channels string) bool { return channels != "" }, "PUBSUB", "CHANNELS")
	})
	if _, err := newSource(t, server, nil).Read(t.Context(), "run", &cut); err != nil {
		t.Fatal(err)
	}
}

// TestLockThatIsLost gives it to somebody else as soon as its connection has ended.
func TestLockThatIsLost(t *testing.T) {
	server := populated(t)
	lose := during(func() {
		ours, _, _ := strings.Cut(strings.TrimPrefix(server.Do(t, "CLIENT", "LIST", "TYPE", "pubsub"), "id="), " ")
		listen(t, server, somebody)
		server.Do(t, "CLIENT", "KILL", "ID", ours)
		waitFor(t, server, func(replicas string) bool { return replicas == "" }, "CLIENT", "LIST", "TYPE", "replica")
	})
	_, err := newSource(t, server, nil).Read(t.Context(), "run", &lose)
	refusedWith(t, err, "the lock was lost with its connection: the Redis server at "+server.Address+" is being read by another imsctl, of root@vm (process 77)")
}

// TestLocksOfServers answers what a server would.
func TestLocksOfServers(t *testing.T) {
	whole := snapshot(t)
	for name, test := range map[string]struct{ command, answer, fails, warns string }{
		"another is there": {"PUBSUB", listing(somebody),
			"the Redis server at redis.test:6379 is being read by another imsctl, of root@vm (process 77), since 2026-01-01 00:00:00 UTC", ""},
		"a channel of somebody else":  {"PUBSUB", listing("imsctl-reading:news"), "", ""},
		"no right to listen":          {"SUBSCRIBE", "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n", "", "+subscribe +pubsub &imsctl-reading:*"},
		"no right to ask who listens": {"PUBSUB", "-NOPERM this user has no permissions to run the 'pubsub' command\r\n", "", "read without a lock against others"},
		"no such command":             {"SUBSCRIBE", "-ERR unknown command 'SUBSCRIBE'\r\n", "", "rename-command"},
		"a list of nothing known":     {"PUBSUB", "*2\r\n$-1\r\n:7\r\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := healthy()
				answers["PSYNC"] += fmt.Sprintf("$%d\r\n%s", len(whole), whole)
				answers[test.command] = test.answer
				reading, err := masterSource(t, answering(answers)).Read(t.Context(), "run", io.Discard)
				if test.fails != "" {
					refusedWith(t, err, test.fails)
				} else if err != nil || len(reading.Warnings) > 0 != (test.warns != "") || !strings.Contains(strings.Join(reading.Warnings, "\n"), test.warns) {
					t.Errorf("got %q, %v", reading.Warnings, err)
				}
			})
		})
	}
}

// TestTwoAtOnce lets two see each other: both step back, and come again one after the other.
func TestTwoAtOnce(t *testing.T) {
	whole := snapshot(t)
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		answers := healthy()
		answers["PSYNC"] += fmt.Sprintf("$%d\r\n%s", len(whole), whole)
		contended := healthy()
		contended["PUBSUB"] = listing(somebody)
		began := time.Now()
		if _, err := readFrom(t, func(conn net.Conn, reader *bufio.Reader) {
			// INFO, then SUBSCRIBE and PUBSUB of each attempt.
			if asked.Add(1) <= 5 {
				answerUntil(conn, reader, contended, "")
				return
			}
			answerUntil(conn, reader, answers, "")
		}, io.Discard); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < 200*time.Millisecond {
			t.Errorf("it came again after %s", waited)
		}
	})
}

func TestGivenUpWhileItWaitsForALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		answers := healthy()
		answers["PUBSUB"] = listing(somebody)
		if _, err := masterSource(t, answering(answers)).Read(ctx, "run", io.Discard); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// refusedWith holds an error against what it must say.
func refusedWith(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}
