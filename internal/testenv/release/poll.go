package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Polling is a client that asks a service again and again, one request after the other, until it is stopped.
type Polling struct {
	client  *http.Client
	url     string
	pause   time.Duration
	stop    context.CancelFunc
	stopped chan struct{}

	mu      sync.Mutex
	answers []answer
	// more is closed when there is one more answer.
	more chan struct{}
}

// answer is what came of one request: a revision, or none.
type answer struct {
	asked, answered time.Time
	revision        string
}

// Span is a time in which the answers were the same.
type Span struct {
	// Revision is what answered: the body without space around it, or "" where no good answer came.
	Revision string
	// From is when the first of the answers came, or when the first request that failed was made; To is when the last one came.
	From, To time.Time
	Answers  int
}

// Report is what a polling client has seen.
type Report struct {
	// Spans are in their order. No two that follow each other are of one revision.
	Spans []Span
	// Answers and Failures are numbers of requests.
	Answers, Failures int
	// Downtime is the sum of all times without a good answer: each from the first request that failed to the next good answer, or
	// to the end.
	Downtime time.Duration
	// Longest is the longest time between two good answers that followed each other, a slow answer's included.
	Longest time.Duration
}

// Poll starts asking a URL, with a connection of its own for each request and a pause after each answer. A good answer has the
// status 200 and comes within 30 s. It is stopped when the test ends, if not before.
func Poll(t testing.TB, url string, pause time.Duration) *Polling {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	transport := &http.Transport{DisableKeepAlives: true, Proxy: nil, DialContext: new(net.Dialer).DialContext}
	p := &Polling{client: &http.Client{Transport: transport, Timeout: 30 * time.Second}, url: url, pause: pause, stop: stop,
		stopped: make(chan struct{}), more: make(chan struct{})}
	go p.run(ctx)
	t.Cleanup(func() { p.Stop() })
	return p
}

func (p *Polling) run(ctx context.Context) {
	defer close(p.stopped)
	pause := time.NewTicker(p.pause)
	defer pause.Stop()
	for {
		asked := time.Now()
		revision, err := p.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			revision = ""
		}
		p.add(answer{asked, time.Now(), revision})
		pause.Reset(p.pause)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// ask makes one request.
func (p *Polling) ask(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return "", err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status)
	}
	return strings.TrimSpace(string(body)), nil
}

func (p *Polling) add(a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, a)
	close(p.more)
	p.more = make(chan struct{})
}

// Await waits until a revision answers a request that is made from now on; "" waits for one that fails. The test fails after two
// minutes.
func (p *Polling) Await(t testing.TB, revision string) {
	t.Helper()
	from := time.Now()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	seen := 0
	for {
		p.mu.Lock()
		news, more := p.answers[seen:], p.more
		p.mu.Unlock()
		for _, a := range news {
			if a.revision == revision && a.asked.After(from) {
				return
			}
		}
		seen += len(news)
		select {
		case <-more:
		case <-limit.C:
			t.Fatalf("%s does not answer with %q: %s", p.url, revision, p.Report())
		}
	}
}

// Stop stops asking and reports. It may be called again.
func (p *Polling) Stop() Report {
	p.stop()
	<-p.stopped
	return p.Report()
}

// Report is what has been seen until now.
func (p *Polling) Report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return report(p.answers)
}

// report sums answers up that came one after the other.
func report(answers []answer) Report {
	var r Report
	var good time.Time
	for i, a := range answers {
		down := a.revision == ""
		if down {
			r.Failures++
		} else {
			r.Answers++
			if !good.IsZero() {
				r.Longest = max(r.Longest, a.answered.Sub(good))
			}
			good = a.answered
		}
		if i == 0 || answers[i-1].revision != a.revision {
			from := a.answered
			if down {
				from = a.asked
			}
			r.Spans = append(r.Spans, Span{Revision: a.revision, From: from})
		}
		last := &r.Spans[len(r.Spans)-1]
		last.To = a.answered
		last.Answers++
	}
	for i, span := range r.Spans {
		if span.Revision != "" {
			continue
		}
		end := span.To
		if i+1 < len(r.Spans) {
			end = r.Spans[i+1].From
		}
		r.Downtime += end.Sub(span.From)
	}
	return r
}

// Revisions are those that answered, in their order, without what was between them: good1, good2.
func (r Report) Revisions() []string {
	var names []string
	for _, span := range r.Spans {
		if span.Revision != "" && (len(names) == 0 || names[len(names)-1] != span.Revision) {
			names = append(names, span.Revision)
		}
	}
	return names
}

// Sum says in one line what was seen, without who answered.
func (r Report) Sum() string {
	return fmt.Sprintf("down for %s of %d answers and %d failures, longest gap %s", r.Downtime.Round(time.Millisecond), r.Answers, r.Failures, r.Longest.Round(time.Millisecond))
}

// String says in one line what was seen.
func (r Report) String() string {
	var spans []string
	for _, span := range r.Spans {
		name := span.Revision
		if name == "" {
			name = "nobody"
		}
		spans = append(spans, fmt.Sprintf("%s %s (%d)", name, span.To.Sub(span.From).Round(time.Millisecond), span.Answers))
	}
	return r.Sum() + ": " + strings.Join(spans, ", ")
}
