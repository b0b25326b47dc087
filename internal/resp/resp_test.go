package resp_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/resp"
)

func read(text string) (resp.Reply, error) {
	return resp.ReadReply(bufio.NewReader(strings.NewReader(text)))
}

func TestReplies(t *testing.T) {
	for text, want := range map[string]resp.Reply{
		"+OK\r\n":                           "OK",
		"\n\n\r\n+OK\r\n":                   "OK",
		":-12\r\n":                          int64(-12),
		"$-1\r\n":                           nil,
		"$0\r\n\r\n":                        "",
		"$4\r\na\r\nb\r\n":                  "a\r\nb",
		"*-1\r\n":                           nil,
		"*3\r\n:1\r\n$1\r\nx\r\n-ERR y\r\n": []resp.Reply{int64(1), "x", resp.Error("ERR y")},
		"*1\r\n*1\r\n+a\r\n":                []resp.Reply{[]resp.Reply{"a"}},
	} {
		got, err := read(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestFailedCommands(t *testing.T) {
	for text, code := range map[string]string{
		"-NOAUTH Authentication required.\r\n": "NOAUTH",
		"-ERR unknown command\r\n":             "ERR",
		"-LOADING\r\n":                         "LOADING",
		"-Can't SYNC\r\n":                      "",
	} {
		_, err := read(text)
		var failed resp.Error
		if !errors.As(err, &failed) || failed.Code() != code {
			t.Errorf("%q gives %#v with the code %q", text, err, failed.Code())
		}
	}
}

func TestWhatIsNoReply(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "$-2\r\n", "$999999999999\r\n", "*999999999\r\n", ":1.5\r\n", "$1\r\nabc\r\n",
		strings.Repeat("x", 200<<10), strings.Repeat("*1\r\n", 20) + "+a\r\n",
	} {
		if _, err := read(text); !errors.Is(err, resp.ErrNotRedis) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	for _, text := range []string{"", "\n", "+OK", "$5\r\nab", "$2\r\nab", "*2\r\n:1\r\n"} {
		if _, err := read(text); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCommands(t *testing.T) {
	if got, want := string(resp.AppendCommand([]byte("x"), "SET", "k", "")), "x*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzReadReply(f *testing.F) {
	for _, text := range []string{"+OK\r\n", "-ERR x\r\n", ":1\r\n", "$3\r\nabc\r\n", "*2\r\n:1\r\n$-1\r\n", "\n$EOF:x\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reader := bufio.NewReader(strings.NewReader(text))
		for range 3 {
			if _, err := resp.ReadReply(reader); err != nil && !errors.As(err, new(resp.Error)) {
				return
			}
		}
	})
}
