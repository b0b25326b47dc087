package testenv

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestProxy holds every fault against what reaches the server and what reaches the client.
func TestProxy(t *testing.T) {
	const length = 100_000
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		got.Store(n)
		if err == nil {
			w.Header().Set("Content-Length", fmt.Sprint(length))
			fmt.Fprint(w, strings.Repeat("x", length))
		}
	}))
	t.Cleanup(server.Close)
	p := NewProxy(t, server.URL)
	ask := func() (status, size int, err error) {
		got.Store(-1)
		response, err := http.Post(p.URL, "text/plain", strings.NewReader(strings.Repeat("y", length)))
		if err != nil {
			return 0, 0, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, len(body), err
	}
	for name, test := range map[string]struct {
		fault                 Fault
		reaches, status, size int
		fails                 bool
	}{
		"reset":          {Reset(), -1, 0, 0, true},
		"reset mid-body": {ResetMidBody(), length / 2, 0, 0, true},
		"answer":         {Answer(503, nil, "sorry"), -1, 503, 5, false},
		"lost answer":    {LostAnswer(), length, 0, 0, true},
		"cut answer":     {CutAnswer(), length, 200, length / 2, true},
		"half-closed":    {HalfClosed(), -1, 0, 0, true},
		"slow":           {Slow(time.Microsecond), length, 200, length, false},
		"altered":        {Altered(func(r *http.Response) { r.StatusCode = 299 }), length, 299, length, false},
		"altered body":   {AlteredBody(func(_ *http.Request, body []byte) { body[0] ^= 1 }), length, 200, length, false},
	} {
		p.Inject(Rule{Fault: test.fault, Times: 1})
		status, size, err := ask()
		if (err != nil) != test.fails || status != test.status || size != test.size {
			t.Errorf("%s: the client got %d, %d bytes, %v", name, status, size, err)
		}
		// What breaks off reaches the server's handler a moment later.
		for n := 0; name == "reset mid-body" && got.Load() < 0 && n < 3000; n++ {
			time.Sleep(10 * time.Millisecond)
		}
		if n := got.Load(); n != int64(test.reaches) && name != "reset mid-body" || n > int64(test.reaches) {
			t.Errorf("%s: %d bytes reached the server", name, n)
		}
		if status, size, err := ask(); status != 200 || size != length || err != nil {
			t.Errorf("after %s: %d, %d bytes, %v", name, status, size, err)
		}
	}
}

// TestStalledRequestEnds with the faults, and with the proxy.
func TestStalledRequestEnds(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for name, end := range map[string]func(*Proxy){"heal": (*Proxy).Heal, "close": (*Proxy).Close} {
		p, reached, ended := NewProxy(t, server.URL), make(chan string), make(chan error)
		p.Inject(Rule{Fault: Stall(), Match: func(r *http.Request) bool { return r.URL.Path == "/x" }, Hit: func(r *http.Request) { reached <- r.URL.Path }})
		go func() {
			response, err := http.Post(p.URL+"/x", "text/plain", strings.NewReader("data"))
			if err == nil {
				response.Body.Close()
			}
			ended <- err
		}()
		<-reached
		end(p)
		if err := <-ended; err == nil {
			t.Errorf("%s: the request was answered", name)
		}
		if p.Hits() != 1 {
			t.Errorf("%s: %d hits", name, p.Hits())
		}
	}
}
