package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/resp"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// master is what a server does with one connection after another.
type master struct {
	providers.Host
	serve func(net.Conn, *bufio.Reader)
}

// Dial connects to the master, without a network.
func (m master) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		m.serve(there, bufio.NewReader(there))
	}()
	return pipe{here}, nil
}

// pipe is one end of net.Pipe, with deadlines that can be set as those of a network can: also when the other end is closed.
type pipe struct{ net.Conn }

func (p pipe) SetReadDeadline(at time.Time) error {
	if err := p.Conn.SetReadDeadline(at); !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

// answering serves commands with answers by their first word, until one has none.
func answering(answers map[string]string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, reader *bufio.Reader) { answerUntil(conn, reader, answers, "") }
}

// info is a bulk reply of INFO.
func info(lines string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(lines), lines) }

// snapshot is a small one, from a server of version 7.0.
func snapshot(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/small.rdb")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readFrom reads from a master that does what serve does.
func readFrom(t *testing.T, serve func(net.Conn, *bufio.Reader), w io.Writer) (providers.Reading, error) {
	t.Helper()
	return masterSource(t, serve).Read(t.Context(), "run", w)
}

// masterSource is the source of a master that does what serve does.
func masterSource(t *testing.T, serve func(net.Conn, *bufio.Reader)) providers.Source {
	t.Helper()
	config := redis.Provider().New().(*redis.Config)
	config.Address, config.Password = "redis.test:6379", "some-secret"
	return sourceOf(t, config, providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return master{local.New(), serve}, nil },
		Clock: clock.System{},
	})
}

// healthy are the answers of a master up to the snapshot.
func healthy() map[string]string {
	return map[string]string{
		"AUTH": "+OK\r\n", "REPLCONF": "+OK\r\n", "INFO": info("redis_version:7.0.15\r\nrole:master\r\n"),
		"PSYNC":     "+FULLRESYNC 0123456789012345678901234567890123456789 0\r\n",
		"SUBSCRIBE": "*3\r\n$9\r\nsubscribe\r\n$4\r\nours\r\n:1\r\n", "PUBSUB": "*0\r\n", "UNSUBSCRIBE": "*3\r\n$11\r\nunsubscribe\r\n$4\r\nours\r\n:0\r\n", "PING": "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
	}
}

var mark = strings.Repeat("0123456789abcdef", 3)[:40]

func TestTransfers(t *testing.T) {
	whole := snapshot(t)
	full := healthy()["PSYNC"]
	sized := fmt.Sprintf("$%d\r\n%s", len(whole), whole)
	for name, change := range map[string]func(map[string]string){
		"of an announced length": func(a map[string]string) { a["PSYNC"] = full + sized },
		"up to a mark":           func(a map[string]string) { a["PSYNC"] = full + "$EOF:" + mark + "\r\n" + whole + mark },
		"commands after the mark": func(a map[string]string) {
			a["PSYNC"] = full + "$EOF:" + mark + "\r\n" + whole + mark + "*1\r\n$4\r\nPING\r\n"
		},
		"commands after the end": func(a map[string]string) { a["PSYNC"] = full + sized + "*1\r\n$4\r\nPING\r\n" },
		"kept alive":             func(a map[string]string) { a["PSYNC"] = "\n\n\n" + full + strings.Repeat("\n", 500) + sized },
		"old server": func(a map[string]string) {
			a["REPLCONF"] = "-ERR Unrecognized REPLCONF option: rdb-only\r\n"
			a["PSYNC"] = "-ERR unknown command 'PSYNC'\r\n"
			a["SYNC"] = "\n" + sized
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers := healthy()
			change(answers)
			var output strings.Builder
			reading, err := readFrom(t, answering(answers), &output)
			if err != nil {
				t.Fatal(err)
			}
			if output.String() != whole || reading.KeyCounts.Databases["0"].Keys != 3 {
				t.Errorf("%d bytes, not %d; counted %+v", output.Len(), len(whole), reading.KeyCounts)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	whole := snapshot(t)
	full := healthy()["PSYNC"]
	sized := fmt.Sprintf("$%d\r\n", len(whole))
	flipped := []byte(whole)
	flipped[len(flipped)/2] ^= 1
	for name, test := range map[string]struct {
		command, answer string
		want            string
	}{
		"silence of INFO":                {"INFO", "", "ended the connection"},
		"INFO of somebody else":          {"INFO", info("hello"), "did not say its version"},
		"loading":                        {"INFO", "-LOADING Redis is loading the dataset in memory\r\n", "try again"},
		"loading says INFO":              {"INFO", info("redis_version:7.0.15\r\nloading:1\r\n"), "try again"},
		"another protocol":               {"AUTH", "HTTP/1.1 400 Bad Request\r\n\r\n", "not one of Redis"},
		"password in what it says":       {"AUTH", "-ERR unknown command 'AUTH', with args beginning with: 'some-secret'\r\n", "rename-command"},
		"protected mode":                 {"AUTH", "-DENIED Redis is running in protected mode because protected mode is enabled\r\n", "its own machine"},
		"too many clients":               {"AUTH", "-ERR max number of clients reached\r\n", "maxclients"},
		"master is down":                 {"PSYNC", "-MASTERDOWN Link with MASTER is down\r\n", "masterauth"},
		"no link to its master":          {"PSYNC", "-NOMASTERLINK Can't SYNC while not connected with my master\r\n", "masterauth"},
		"no link, said in another way":   {"PSYNC", "-ERR Can't SYNC while not connected with my master\r\n", "masterauth"},
		"no right":                       {"PSYNC", "-NOPERM this user has no permissions to run the 'psync' command\r\n", "ACL SETUSER default"},
		"neither PSYNC nor SYNC":         {"PSYNC", "-ERR unknown command 'PSYNC'\r\n", "ended the connection"},
		"no snapshot can be made":        {"PSYNC", full + "-ERR BGSAVE failed, replication can't continue\r\n", "overcommit_memory"},
		"continues instead":              {"PSYNC", "+CONTINUE\r\n", "instead of a snapshot"},
		"announces nothing":              {"PSYNC", full + "+OK\r\n", "announced no snapshot"},
		"announces a negative":           {"PSYNC", full + "$-5\r\n", "announced no snapshot"},
		"announces half a mark":          {"PSYNC", full + "$EOF:0123\r\n", "announced no snapshot"},
		"ends after the announcement":    {"PSYNC", full + sized, "after 0 bytes"},
		"ends in the middle":             {"PSYNC", full + sized + whole[:len(whole)/2], fmt.Sprintf("after %d bytes", len(whole)/2)},
		"ends before the last byte":      {"PSYNC", full + sized + whole[:len(whole)-1], "before its end"},
		"ends before its mark":           {"PSYNC", full + "$EOF:" + mark + "\r\n" + whole, "before its end"},
		"ends within its mark":           {"PSYNC", full + "$EOF:" + mark + "\r\n" + whole + mark[:39], "before its end"},
		"another mark":                   {"PSYNC", full + "$EOF:" + mark + "\r\n" + whole + strings.Repeat("f", 40), "before its end"},
		"mark in the middle":             {"PSYNC", full + "$EOF:" + mark + "\r\n" + whole[:40] + mark, "ends in the middle"},
		"announces less than it is":      {"PSYNC", full + "$20\r\n" + whole, "ends in the middle"},
		"announces more than it is":      {"PSYNC", full + fmt.Sprintf("$%d\r\n%sgarbage", len(whole)+7, whole), "followed by 7 bytes"},
		"announces nothing and ends":     {"PSYNC", full + "$0\r\n", "ends in the middle"},
		"sends garbage":                  {"PSYNC", full + "$1000\r\n" + strings.Repeat("garbage.", 125), "no snapshot of Redis"},
		"sends one that is damaged":      {"PSYNC", full + sized + string(flipped), "damaged"},
		"sends one of a later version":   {"PSYNC", full + sized + strings.Replace(whole, "REDIS0010", "REDIS0099", 1), "damaged"},
		"sends a value of unknown type":  {"PSYNC", full + "$14\r\nREDIS0010\x80\x01abc", "128 is no type of a value"},
		"a line that never ends":         {"PSYNC", strings.Repeat("x", 100<<10), "not one of Redis"},
		"silence of PUBSUB":              {"PUBSUB", "", "ended the connection"},
		"silence of SUBSCRIBE":           {"SUBSCRIBE", "", "ended the connection"},
		"a list that ends":               {"PUBSUB", "*1\r\n", "ended the connection"},
		"says nothing of the connection": {"REPLCONF", "-NOPERM this user has no permissions to run the 'replconf' command\r\n", "+replconf"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := healthy()
			answers[test.command] = test.answer
			_, err := readFrom(t, func(conn net.Conn, reader *bufio.Reader) { answerUntil(conn, reader, answers, test.command) }, io.Discard)
			if err == nil {
				t.Fatal("a failure was taken for a backup")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "some-secret") {
				t.Errorf("%q does not say %q", err, test.want)
			}
		})
	}
}

// answerUntil answers commands up to one, and reports whether that was asked.
func answerUntil(conn net.Conn, reader *bufio.Reader, answers map[string]string, last string) bool {
	for {
		command, err := resp.ReadReply(reader)
		if err != nil {
			return false
		}
		word := strings.ToUpper(command.([]resp.Reply)[0].(string))
		answer, ok := answers[word]
		if !ok {
			return false
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return false
		}
		if word == last && !strings.HasPrefix(answer, "-ERR unknown") {
			return true
		}
	}
}

// TestServersThatHang stop answering at each step: they are given up, and never waited for in vain.
func TestServersThatHang(t *testing.T) {
	whole := snapshot(t)
	full := healthy()["PSYNC"]
	for name, test := range map[string]struct{ command, answer string }{
		"at once":              {"AUTH", ""},
		"asked what it is":     {"INFO", ""},
		"asked for a snapshot": {"PSYNC", full},
		"while it sends":       {"PSYNC", full + "$10000\r\n" + whole},
		"before the mark":      {"PSYNC", full + "$EOF:" + mark + "\r\n" + whole},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := healthy()
				answers[test.command] = test.answer
				released := make(chan struct{})
				_, err := readFrom(t, func(conn net.Conn, reader *bufio.Reader) {
					if answerUntil(conn, reader, answers, test.command) {
						<-released
					}
				}, io.Discard)
				close(released)
				if err == nil || !strings.Contains(err.Error(), "was silent for 1m0s") {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestServerThatIsAtWork keeps a connection alive for longer than a silence may be.
func TestServerThatIsAtWork(t *testing.T) {
	whole := snapshot(t)
	synctest.Test(t, func(t *testing.T) {
		answers := healthy()
		_, err := readFrom(t, func(conn net.Conn, reader *bufio.Reader) {
			if !answerUntil(conn, reader, answers, "PSYNC") {
				return
			}
			for range 20 {
				time.Sleep(50 * time.Second) // the time of the test's own bubble
				if _, err := io.WriteString(conn, "\n"); err != nil {
					return
				}
			}
			fmt.Fprintf(conn, "$%d\r\n%s", len(whole), whole)
		}, io.Discard)
		if err != nil {
			t.Error(err)
		}
	})
}

func TestGivenUpWhileItHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	released := make(chan struct{})
	config := redis.Provider().New().(*redis.Config)
	config.Address = "redis.test:6379"
	source := sourceOf(t, config, providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) {
			return master{local.New(), func(conn net.Conn, reader *bufio.Reader) {
				if answerUntil(conn, reader, healthy(), "PSYNC") {
					cancel()
					<-released
				}
			}}, nil
		},
		Clock: clock.System{},
	})
	_, err := source.Read(ctx, "run", io.Discard)
	close(released)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
