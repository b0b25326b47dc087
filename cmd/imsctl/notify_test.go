package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// pinged is a server that remembers what it was asked, in order.
type pinged struct {
	mu       sync.Mutex
	requests []string
}

// ServeHTTP implements http.Handler.
func (p *pinged) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	first, _, _ := strings.Cut(string(body), ":")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.URL.Path+" "+first)
}

// take returns what it was asked since the last time.
func (p *pinged) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := strings.Join(p.requests, ", ")
	p.requests = nil
	return text
}

// TestHealthchecksHearOfEachRun: a ping at the beginning, and one for how it ended, also when there was nothing to do.
func TestHealthchecksHearOfEachRun(t *testing.T) {
	pings := &pinged{}
	server := httptest.NewServer(pings)
	defer server.Close()
	w := newWorkFolder(t, map[string]string{"notes.txt": "one\n", "main.hcl": exitSpecification + `
notify "webhook" "nightly" {
  url    = "` + server.URL + `/check"
  format = "healthchecks"
  on     = ["success", "failure"]
}
`})
	for _, step := range []struct {
		code    int
		command string
		ended   string
	}{
		{exitDone, "apply -auto-approve", "/check Well"},
		{exitDone, "apply -auto-approve", "/check Well"},
		{exitDone, "verify", "/check Well"},
	} {
		w.run(step.code, strings.Fields(step.command)...)
		got := pings.take()
		begun, ended, _ := strings.Cut(got, ", ")
		if !strings.HasPrefix(begun, "/check/start imsctl "+strings.Fields(step.command)[0]+" on ") || ended != step.ended {
			t.Errorf("%s: got %s", step.command, got)
		}
	}
	// A plan changes nothing, and nobody is told of it.
	w.run(exitDone, "plan")
	if got := pings.take(); got != "" {
		t.Errorf("plan: got %s", got)
	}
	w.write("main.hcl", strings.ReplaceAll(readText(t, w.folder+"/main.hcl"), `"notes.txt"`, `"gone.txt"`))
	w.environment = []string{"IMSCTL_TEST_NOW=2099-01-01T00:00:00Z"}
	w.run(exitError, "apply", "-auto-approve")
	if got := pings.take(); !strings.HasSuffix(got, ", /check/fail Failed") {
		t.Errorf("a run that fails: got %s", got)
	}
}

// TestHangingWebhookIsInNobodysWay: a run ends as it would have, the others are told, and that one was not is said.
func TestHangingWebhookIsInNobodysWay(t *testing.T) {
	hangs := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hangs)
	w := newWorkFolder(t, map[string]string{"notes.txt": "one\n", "main.hcl": exitSpecification + `
notify "webhook" "hangs" {
  url = "` + server.URL + `"
  on  = ["success"]
}
notify "command" "ops" {
  command = ["sh", "-c", "echo $IMS_EVENT >told"]
  on      = ["success"]
}
`})
	command := exec.Command("imsctl", "apply", "-auto-approve")
	command.Dir = w.folder
	said, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "1 done") || !strings.Contains(string(said), "Warning: notify.webhook.hangs") {
		t.Errorf("%v\n%s", err, said)
	}
	if told := string(w.read("told")); told != "success\n" {
		t.Errorf("the other one was told %q", told)
	}
	w.run(exitDone, "status")
}
