package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// engineOf is an engine that a function plays, with one container, box, and the oldest API that is understood.
type engineOf struct {
	providers.Dialer
	address string
}

func (e engineOf) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return e.Dialer.Dial(ctx, "tcp", e.address)
}

// play starts an engine that answers what is not about the container itself as others does.
func play(t *testing.T, tty bool, others http.HandlerFunc) *engine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.40")
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
		case !strings.HasPrefix(r.URL.Path, "/v1.40/"):
			http.Error(w, "that is not the version that was agreed on: "+r.URL.Path, http.StatusBadRequest)
		case strings.HasSuffix(r.URL.Path, "/containers/box/json"), strings.HasSuffix(r.URL.Path, "/containers/17/json"):
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"Id":"17","Name":"/box","State":{"Status":"running","StartedAt":"2026-11-01T12:00:00Z"},"Config":{"Tty":%v}}`, tty)
		default:
			others(w, r)
		}
	})}
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-serving
	})
	e, err := newEngine(engineOf{local.New().(providers.Dialer), listener.Addr().String()}, "played", usualTiming())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// refuse answers as an engine does.
func refuse(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, words)
	}
}

// hangUp ends the connection after some bytes of an answer that should be longer.
func hangUp(status, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		fmt.Fprintf(connection, "HTTP/1.1 %s\r\nContent-Length: 100000\r\n\r\n%s", status, text)
		connection.Close()
	}
}

func TestLogsThatBreakOff(t *testing.T) {
	line := frame(frameStdout, "2026-11-01T12:00:00.000000000Z one\n")
	full := errors.New("full")
	for name, test := range map[string]struct {
		tty    bool
		play   http.HandlerFunc
		stdout io.Writer
		want   string
		is     error
	}{
		"between messages":   {play: hangUp("200 OK", line), is: providers.ErrTemporary},
		"within a message":   {play: hangUp("200 OK", line+line[:20]), is: providers.ErrTemporary},
		"within a header":    {play: hangUp("200 OK", line+line[:3]), is: providers.ErrTemporary},
		"within a line":      {tty: true, play: hangUp("200 OK", line[8:20]), is: providers.ErrTemporary},
		"a long message":     {play: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "\x01\x00\x00\x00\xff\x00\x00\x00") }, want: "too long"},
		"no stream":          {play: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, frame(7, "x")) }, want: "no stream of a container (7)"},
		"the engine's words": {play: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, line+frame(frameEngine, "bad log")) }, want: "the engine said: bad log"},
		"no logs":            {play: refuse(501, "configured logging driver does not support reading"), want: "does not support reading"},
		"removed meanwhile":  {play: refuse(404, "No such container: 17"), is: providers.ErrNoContainer},
		"a broken writer":    {play: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, line) }, stdout: writerFunc(func([]byte) (int, error) { return 0, full }), is: full},
	} {
		t.Run(name, func(t *testing.T) {
			if test.stdout == nil {
				test.stdout = io.Discard
			}
			err := play(t, test.tty, test.play).Logs(t.Context(), "17", time.Time{}, time.Time{}, test.stdout, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got %v", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := play(t, false, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, line)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}).Logs(ctx, "17", time.Time{}, time.Time{}, io.Discard, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// executing plays an engine in which executions end as a function says.
func executing(start http.HandlerFunc, ending string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/exec"):
			io.WriteString(w, `{"Id":"e1"}`)
		case strings.HasSuffix(r.URL.Path, "/start"):
			start(w, r)
		default:
			io.WriteString(w, ending)
		}
	}
}

// upgrade answers the start of an execution with these frames, and hangs up.
func upgrade(frames string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(connection, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"+frames)
		connection.Close()
	}
}

func TestExecutionsThatAreNoSuccess(t *testing.T) {
	for name, test := range map[string]struct {
		play http.HandlerFunc
		want string
	}{
		"refused":              {refuse(409, "Container 17 is not running"), "Container 17 is not running"},
		"broken":               {refuse(500, "out of memory"), "out of memory"},
		"nothing said":         {executing(upgrade(""), `{"ID":"e1","Running":false,"ExitCode":0}`), "the shell that ran it was killed in the container (exit status 0)"},
		"the connection ended": {executing(upgrade(""), `{"ID":"e1","Running":true}`), "the connection to the container engine on local broke"},
		"no shell":             {executing(upgrade(frame(frameStdout, "OCI runtime exec failed: no such file")), `{}`), "need its shell (/bin/sh), and it cannot be run: OCI runtime"},
		"not started":          {executing(refuse(500, "no"), `{}`), "received 500"},
	} {
		t.Run(name, func(t *testing.T) {
			err := play(t, false, test.play).In("box").Run(t.Context(), script("true", func() {}))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(frame(frameStdout, "a\n") + frame(frameStderr, "b"))
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(io.Reader, io.Writer, io.Writer) error{readMessages, readLines} {
			var whole, slow bytes.Buffer
			first := read(strings.NewReader(text), &whole, &whole)
			second := read(iotest.OneByteReader(strings.NewReader(text)), &slow, &slow)
			if whole.String() != slow.String() || (first == nil) != (second == nil) || whole.Len() > len(text) {
				t.Errorf("in one piece %q, %v, byte by byte %q, %v", whole.String(), first, slow.String(), second)
			}
		}
	})
}
