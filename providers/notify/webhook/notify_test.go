package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// failed is a notice with everything in it.
var failed = providers.Notice{
	Event: providers.EventFailure, Severity: providers.SeverityError, Subject: "Failed: backup.a (imsctl apply on vm)", Text: "backup.a: a < b",
	About: []providers.Concern{{Address: "backup.a", Artifact: "a-1", Text: "a < b"}},
	Time:  time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC), Host: "vm", Run: "apply", Log: []string{"backup.a: failed: a < b"},
}

// received is what a server was sent.
type received struct{ request, contentType, body string }

// post sends a notice in a format to a server that answers with a status.
func post(t *testing.T, format string, notice providers.Notice, status int) (received, error) {
	t.Helper()
	requests := make(chan received, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- received{r.Method + " " + r.URL.String(), r.Header.Get("Content-Type"), string(body)}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	err := notify(t.Context(), t, server.URL+"/hook/secret?a=b", format, notice)
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	return <-requests, err
}

func notify(ctx context.Context, t *testing.T, url, format string, notice providers.Notice) error {
	t.Helper()
	config := &Config{URL: url, Format: format}
	notifier, err := config.Notifier(providers.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return notifier.Notify(ctx, notice)
}

func TestBodies(t *testing.T) {
	for format, want := range map[string]received{
		formatJSON: {"POST /hook/secret?a=b", "application/json", `{"format_version":"1.0","type":"notice","event":"failure","severity":"error",` +
			`"subject":"Failed: backup.a (imsctl apply on vm)","text":"backup.a: a < b","about":[{"address":"backup.a","artifact":"a-1","text":"a < b"}],` +
			`"time":"2026-11-28T02:00:00Z","host":"vm","run":"apply","log":["backup.a: failed: a < b"]}`},
		formatSlack: {"POST /hook/secret?a=b", "application/json",
			`{"text":":rotating_light: *Failed: backup.a (imsctl apply on vm)*\nbackup.a: a &lt; b\n_imsctl apply on vm_"}`},
		formatHealthchecks: {"POST /hook/secret/fail?a=b", "text/plain; charset=utf-8",
			"Failed: backup.a (imsctl apply on vm)\n\nbackup.a: a < b\n\nbackup.a: failed: a < b\n"},
	} {
		got, err := post(t, format, failed, http.StatusOK)
		if err != nil || got != want {
			t.Errorf("%s: %v\n got %q\nwant %q", format, err, got, want)
		}
	}
}

// TestOutputOfAnyProgram: what is no UTF-8 must not keep anybody from being told.
func TestOutputOfAnyProgram(t *testing.T) {
	for _, format := range []string{formatJSON, formatSlack, formatHealthchecks} {
		notice := failed
		notice.Subject, notice.Text, notice.Log = "s\xff", "t\xff", []string{"l\xff"}
		if got, err := post(t, format, notice, http.StatusOK); err != nil || !strings.Contains(got.body, "s") {
			t.Errorf("%s: %v, %q", format, err, got)
		}
	}
}

func TestHealthchecksPaths(t *testing.T) {
	for event, want := range map[providers.Event]string{
		providers.EventStart: "/hook/secret/start?a=b", providers.EventSuccess: "/hook/secret?a=b", providers.EventFailure: "/hook/secret/fail?a=b",
		providers.EventOverdue: "/hook/secret/fail?a=b", providers.EventDegraded: "/hook/secret/log?a=b", providers.EventRecovered: "/hook/secret/log?a=b",
		providers.EventTest: "/hook/secret/log?a=b",
	} {
		got, err := post(t, formatHealthchecks, providers.Notice{Event: event, Severity: event.Severity(), Subject: "s"}, http.StatusOK)
		if err != nil || got.request != "POST "+want {
			t.Errorf("%s: %v, %s; want %s", event, err, got.request, want)
		}
	}
}

func TestOnlyHealthchecksHearStarts(t *testing.T) {
	for format, want := range map[string]bool{formatJSON: false, formatSlack: false, formatHealthchecks: true} {
		if got := (&notifier{config: Config{Format: format}}).HearsStarts(); got != want {
			t.Errorf("%s: %v", format, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[int]struct {
		temporary bool
		text      string
	}{
		http.StatusFound:              {false, "status 302, which sends to another URL"},
		http.StatusNotFound:           {false, "status 404"},
		http.StatusTooManyRequests:    {true, "status 429"},
		http.StatusServiceUnavailable: {true, "status 503"},
	} {
		_, err := post(t, formatJSON, failed, status)
		if err == nil || errors.Is(err, providers.ErrTemporary) != want.temporary || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestErrorsHoldNoURL(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	for _, url := range []string{address + "/secret", address + "/secret\x7f"} {
		err := notify(t.Context(), t, url, formatJSON, failed)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	}
}

// TestHangingServer gives up on a server that takes the request and never answers, as soon as nobody waits any more.
func TestHangingServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	defer server.Close()
	defer close(release)
	if err := notify(ctx, t, server.URL+"/secret", formatJSON, failed); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
