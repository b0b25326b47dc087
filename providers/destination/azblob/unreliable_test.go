package azblob

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// unreliable stands between the destination and Azurite: it fails, loses answers, and knows the rules of the cloud that
// Azurite does not.
type unreliable struct {
	*httptest.Server
	azurite testenv.AzuriteServer

	mu     sync.Mutex
	before func(*http.Request) *failure // what goes wrong with a request before the store has it
	lose   func(*http.Request) bool     // whether the answer to a request that was carried out is lost
	alter  func(*http.Request, []byte)  // what happens to the bytes of a request on the way
	answer func(*http.Response)         // what happens to an answer
}

// failure is an answer that Azurite did not give, or a reset where there is no status.
type failure struct {
	status int
	code   string
}

func newUnreliable(t *testing.T, azurite testenv.AzuriteServer) *unreliable {
	u := &unreliable{azurite: azurite}
	target, err := url.Parse(azurite.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", target.Host },
		ModifyResponse: func(r *http.Response) error {
			u.mu.Lock()
			defer u.mu.Unlock()
			if u.lose != nil && u.lose(r.Request) {
				panic(http.ErrAbortHandler)
			}
			if u.answer != nil {
				u.answer(r)
			}
			return nil
		},
	}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u.spoil(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(u.Close)
	return u
}

// spoil does to a request what it is to suffer, and reports whether it goes on to the store.
func (u *unreliable) spoil(w http.ResponseWriter, r *http.Request) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.before != nil {
		if failed := u.before(r); failed != nil && failed.status == 0 {
			panic(http.ErrAbortHandler)
		} else if failed != nil {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("x-ms-error-code", failed.code)
			w.WriteHeader(failed.status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>The store says %s.\nRequestId:1</Message></Error>", failed.code, failed.code)
			return false
		}
	}
	if u.alter != nil {
		body, _ := io.ReadAll(r.Body)
		u.alter(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return true
}

// set changes what goes wrong from now on.
func (u *unreliable) set(change func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change()
}

// destination is a container of its own, with small blocks.
func (u *unreliable) destination(t *testing.T) *destination {
	t.Helper()
	d := configured(t, &Config{Account: u.azurite.Account, Key: u.azurite.Key, Endpoint: u.URL + "/" + u.azurite.Account, Prefix: "a prefix/ção",
		Container: strings.ToLower(strings.Trim(fmt.Sprintf("c-%x", uniqueName(t)), "-"))})
	d.blockSize = 64 << 10
	createContainer(t, d)
	return d
}

// failing answers the first n requests that match with a failure.
func failing(n int, failed failure, matches func(*http.Request) bool) func(*http.Request) *failure {
	return func(r *http.Request) *failure {
		if n <= 0 || !matches(r) {
			return nil
		}
		n--
		return &failed
	}
}

// isWrite reports whether a request brings bytes or makes a blob, isMaking whether it makes one.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Get("restype") == ""
}

func isMaking(r *http.Request) bool { return isWrite(r) && r.URL.Query().Get("comp") != "block" }

func isDeletion(r *http.Request) bool { return r.Method == http.MethodDelete }
