package testenv

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/faultlist"
)

// Fault is what goes wrong with a request on its way to a server.
type Fault struct {
	kind faultKind
	// status, header and body are an answer that the server did not give.
	status int
	header http.Header
	body   string
	pause  time.Duration
	answer func(*http.Response)
	alter  func(*http.Request, []byte)
	// arrived is told of an answer that is held until released ends.
	arrived  chan<- struct{}
	released <-chan struct{}
}

// faultKind is a kind of fault: one for each function below that makes one.
type faultKind int

const (
	faultReset faultKind = iota
	faultResetMidBody
	faultAnswer
	faultLostAnswer
	faultCutAnswer
	faultStall
	faultHalfClosed
	faultSlow
	faultAnswered
	faultHeld
	faultAlter
)

// Reset breaks the connection before the server has heard of the request.
func Reset() Fault { return Fault{kind: faultReset} }

// ResetMidBody breaks the connection when half of the request's body has reached the server.
func ResetMidBody() Fault { return Fault{kind: faultResetMidBody} }

// LostAnswer lets the server carry the request out, and breaks the connection instead of passing its answer on.
func LostAnswer() Fault { return Fault{kind: faultLostAnswer} }

// CutAnswer passes on half of what the server answers, and breaks the connection.
func CutAnswer() Fault { return Fault{kind: faultCutAnswer} }

// HeldAnswer lets the server carry the request out, tells arrived, and keeps the answer until the proxy is healed; the
// connection then breaks.
func HeldAnswer(arrived chan<- struct{}) Fault { return Fault{kind: faultHeld, arrived: arrived} }

// Stall takes the request and then does nothing until the proxy is healed; the connection then breaks.
func Stall() Fault { return Fault{kind: faultStall} }

// HalfClosed takes the request, closes the half of the connection that the answer would come on, and leaves the other one open.
func HalfClosed() Fault { return Fault{kind: faultHalfClosed} }

// Slow lets the bytes of the request pass with a pause after every 16 KiB.
func Slow(pause time.Duration) Fault { return Fault{kind: faultSlow, pause: pause} }

// Answer answers instead of the server.
func Answer(status int, header http.Header, body string) Fault {
	return Fault{kind: faultAnswer, status: status, header: header, body: body}
}

// Altered changes what the server answers.
func Altered(change func(*http.Response)) Fault { return Fault{kind: faultAnswered, answer: change} }

// AlteredBody changes the bytes of the request.
func AlteredBody(change func(*http.Request, []byte)) Fault {
	return Fault{kind: faultAlter, alter: change}
}

// Rule says which requests a fault befalls.
type Rule struct {
	// Match picks requests, nil all of them; Body tells it what they bring. The calls of a proxy's rules come one at a time.
	Match func(*http.Request) bool
	// Times is how often the fault happens, 0 for always.
	Times int
	Fault Fault
	// Hit is told of each request that the fault befalls, before it does; nil for nobody. It may block.
	Hit func(*http.Request)
}

// Proxy stands on loopback between a client and a server, and lets go wrong what a test wants.
type Proxy struct {
	// URL is its address, with nothing after the port.
	URL string

	server *httptest.Server
	rules  *faultlist.List[Rule]
}

// NewProxy stands in front of the server of an address until the test ends.
func NewProxy(t testing.TB, address string) *Proxy {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{rules: faultlist.New[Rule]()}
	forward := &httputil.ReverseProxy{
		// The server is to believe that it was asked directly: it may answer with addresses, and signatures may depend on it.
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", target.Host },
		ModifyResponse: modify,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       log.New(io.Discard, "", 0), // what breaks is meant to
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(forward, w, r) }))
	p.URL = p.server.URL
	t.Cleanup(p.Close)
	return p
}

// Inject adds rules. Of those that match a request, the first that has not happened often enough counts.
func (p *Proxy) Inject(rules ...Rule) {
	for _, rule := range rules {
		p.rules.Add(rule, 0, rule.Times)
	}
}

// Heal drops all rules and ends the requests that stall.
func (p *Proxy) Heal() { p.rules.Heal() }

// Hits is how many faults have happened.
func (p *Proxy) Hits() int { return p.rules.Hits() }

// Close ends the proxy: its address refuses connections afterwards.
func (p *Proxy) Close() {
	p.Heal()
	p.server.CloseClientConnections()
	p.server.Close()
}

// serve passes a request on, with the fault that befalls it.
func (p *Proxy) serve(forward http.Handler, w http.ResponseWriter, r *http.Request) {
	r = whole(r)
	rule, befalls, released := p.rules.Take(func(rule Rule) bool { return rule.Match == nil || rule.Match(r) })
	if !befalls {
		forward.ServeHTTP(w, r)
		return
	}
	if rule.Hit != nil {
		rule.Hit(r)
	}
	fault := rule.Fault
	fault.released = released
	switch fault.kind {
	case faultReset:
		panic(http.ErrAbortHandler)
	case faultAnswer:
		for name, values := range fault.header {
			w.Header()[name] = values
		}
		w.WriteHeader(fault.status)
		_, _ = io.WriteString(w, fault.body)
	case faultStall:
		<-released
		panic(http.ErrAbortHandler)
	case faultHalfClosed:
		halfClose(w, released)
	default:
		forward.ServeHTTP(w, fault.onTheWay(r))
	}
}

// halfClose closes the half of the connection that the answer would come on.
func halfClose(w http.ResponseWriter, released <-chan struct{}) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer connection.Close()
	if half, ok := connection.(*net.TCPConn); !ok || half.CloseWrite() != nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, connection)
	}()
	select {
	case <-closed:
	case <-released:
		_ = connection.Close()
		<-closed
	}
}
