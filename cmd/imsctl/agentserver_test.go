package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
)

// get asks a server, and returns the status and the body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestAgentHealth: what /healthz says while rounds come and go.
func TestAgentHealth(t *testing.T) {
	now := clock.NewManual(metricsMoment)
	health := &agentHealth{clock: now, limit: time.Hour}
	server := httptest.NewServer(agentHandler(health, nil))
	defer server.Close()
	for _, step := range []struct {
		change func()
		passes time.Duration
		status int
		words  string
	}{
		{health.begin, time.Minute, 200, "the first round has been running for 1m"},
		{func() {}, time.Hour, 503, "stuck: the round has been running for 61m, and 60m is the most"},
		{func() { health.end(errors.New("no route\nmore")) }, time.Minute, 503, "1 round failed, the last one 1m ago: no route; no round ever went well"},
		{health.begin, time.Minute, 503, "1 round failed, the last one 2m ago: no route; no round ever went well"},
		{func() { health.end(nil) }, time.Minute, 200, "the last round went well 1m ago"},
		{health.begin, time.Minute, 200, "the last round went well 2m ago"},
		{func() { health.end(errors.New("state lost")); health.begin(); health.end(errors.New("state lost")) }, time.Minute, 503,
			"2 rounds in a row failed, the last one 1m ago: state lost; the last round that went well was 3m ago"},
	} {
		step.change()
		now.Advance(step.passes)
		if status, words := get(t, server.URL+"/healthz"); status != step.status || words != step.words+"\n" {
			t.Errorf("got %d %q, want %d %q", status, words, step.status, step.words)
		}
	}
}

// TestAgentHandler: the types, what goes wrong, and what there is not.
func TestAgentHandler(t *testing.T) {
	var failure error
	server := httptest.NewServer(agentHandler(&agentHealth{clock: clock.System{}, limit: time.Hour}, func(context.Context) ([]byte, error) {
		return []byte("# EOF\n"), failure
	}))
	defer server.Close()
	for accept, want := range map[string]string{
		"": "text/plain; version=0.0.4; charset=utf-8",
		"application/openmetrics-text;version=1.0.0,text/plain;q=0.5": "application/openmetrics-text; version=1.0.0; charset=utf-8",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Content-Type"); got != want || response.StatusCode != http.StatusOK {
			t.Errorf("Accept %q: got %d %q", accept, response.StatusCode, got)
		}
	}
	failure = errors.New("the state cannot be reached")
	if status, words := get(t, server.URL+"/metrics"); status != 503 || words != "the state cannot be reached\n" {
		t.Errorf("got %d %q", status, words)
	}
	if status, _ := get(t, server.URL+"/else"); status != 404 {
		t.Errorf("got %d", status)
	}
	if response, err := http.Post(server.URL+"/metrics", "text/plain", http.NoBody); err != nil || response.StatusCode != 405 {
		t.Errorf("a POST: %v, %v", response, err)
	}
}

// TestOneScrapeAtATime: a scrape that hangs is waited for, and not for ever.
func TestOneScrapeAtATime(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	handler := agentHandler(&agentHealth{clock: clock.System{}, limit: time.Hour}, func(context.Context) ([]byte, error) {
		close(entered)
		<-release
		return nil, nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	second := httptest.NewRecorder()
	handler.ServeHTTP(second, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
	if second.Code != 503 || !strings.Contains(second.Body.String(), "another scrape") {
		t.Errorf("got %d %s", second.Code, second.Body)
	}
	close(release)
	<-done
}

func TestListenAddress(t *testing.T) {
	for text, want := range map[string]string{
		":9774": "127.0.0.1:9774", "0.0.0.0:9774": "0.0.0.0:9774", "[::]:1": "[::]:1", "localhost:0": "localhost:0", "9774": "", "": "", "host:": "", "a:b:c": "",
	} {
		got, err := listenAddress(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// TestAgentListens runs an agent that serves, and a second one that cannot.
func TestAgentListens(t *testing.T) {
	w := newWorkFolder(t, map[string]string{"main.hcl": exitSpecification, "notes.txt": "one\n"})
	agent := exec.Command("imsctl", "agent", "-listen", ":0", "-interval", "1h")
	agent.Dir, agent.Env = w.folder, os.Environ()
	stderr, err := agent.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	address := regexp.MustCompile(`http://(127\.0\.0\.1:[0-9]+)/metrics`).FindStringSubmatch(line)
	if err != nil || address == nil {
		t.Fatalf("the agent says %q: %v", line, err)
	}
	// What it did is printed when the round is over.
	printed := bufio.NewScanner(stdout)
	for printed.Scan() && !strings.Contains(printed.Text(), "Apply complete") {
	}
	if status, text := get(t, "http://"+address[1]+"/metrics"); status != 200 ||
		!strings.Contains(text, `imsctl_backup_overdue{backup="backup.notes"} 0`) || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("the metrics are %d\n%s", status, text)
	}
	if status, text := get(t, "http://"+address[1]+"/healthz"); status != 200 {
		t.Errorf("the health is %d %s", status, text)
	}
	second := exec.Command("imsctl", "agent", "-listen", address[1], "-interval", "1h")
	second.Dir = w.folder
	said, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "the address is in use") {
		t.Errorf("a second agent: %v\n%s", err, said)
	}

	// What is wrong with the specification is said to who asks, and the rounds go on.
	w.write("main.hcl", "backup")
	if status, text := get(t, "http://"+address[1]+"/metrics"); status != 503 || !strings.Contains(text, "main.hcl") {
		t.Errorf("the metrics of a broken specification are %d\n%s", status, text)
	}
	if err := agent.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	_, _ = io.Copy(io.Discard, stderr)
	if err := agent.Wait(); err != nil {
		t.Errorf("the agent ends with %v", err)
	}
}
