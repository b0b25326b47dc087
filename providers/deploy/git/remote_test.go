package git

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

const (
	secretUser     = "robô/deploy"
	secretPassword = "p@ss:w/ord#1"
)

// serve serves a folder of repositories with git's own server behind a password.
func serve(t *testing.T, w *workshop, folder string) *url.URL {
	t.Helper()
	backend := filepath.Join(w.run("", "git", "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		testenv.Skip(t, "git-http-backend is not installed")
	}
	handler := &cgi.Handler{Path: backend, Env: append([]string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ana"}, w.machine.environment...), Stderr: t.Output()}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if name, password, _ := request.BasicAuth(); name != secretUser || password != secretPassword {
			answer.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(answer, request)
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.write("a", "a")
	first := w.commit("one")
	remote := w.bare()
	w.run(remote, "git", "config", "http.receivepack", "true")
	address := serve(t, w, filepath.Dir(remote)).JoinPath("remote.git")
	address.User = url.UserPassword(secretUser, secretPassword)
	r, host := w.open(), w.host()

	second := w.commit("two")
	if changed, err := r.Push(t.Context(), address.String(), second, "main"); err != nil || !changed {
		t.Fatalf("%v, %v", changed, err)
	}
	if changed, err := r.Push(t.Context(), address.String(), second, "main"); err != nil || changed {
		t.Fatalf("again: %v, %v", changed, err)
	}
	head, err := r.RemoteHead(t.Context(), address.String(), "main")
	if err != nil || head.Commit != second || head.Took <= 0 {
		t.Fatalf("%v, %v", head, err)
	}
	if err := host.Fetch(t.Context(), address.String(), "main", second); err != nil {
		t.Fatal(err)
	}
	if relation, err := host.Relate(t.Context(), first, second); err != nil || relation != Ahead {
		t.Errorf("%v, %v", relation, err)
	}

	address.User = url.UserPassword(secretUser, "another p@ssword")
	_, err = r.RemoteHead(t.Context(), address.String(), "main")
	shown(t, err, ErrRefused, "does not let us in")
	address.User = nil
	_, err = r.RemoteHead(t.Context(), address.String(), "main")
	shown(t, err, ErrRefused, "does not let us in")
	address.User, address.Path = url.UserPassword(secretUser, secretPassword), "/nothing.git"
	_, err = r.RemoteHead(t.Context(), address.String(), "main")
	shown(t, err, ErrNoRepository, "/nothing.git")
}

// shown checks what an error is and says, and that it tells no secret.
func shown(t *testing.T, err, is error, says string) {
	t.Helper()
	if err == nil || !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v that says %q", err, is, says)
		return
	}
	for _, secret := range []string{secretPassword, "ss:w", "another p", "p%40ss", "robô", "rob%C3"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	commit := w.commit("one")
	status := func(code int) string {
		server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) { answer.WriteHeader(code) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	ssh := func(says string) string { return fakeSSH(t, "echo '"+says+"' >&2; exit 255") }
	for name, c := range map[string]struct {
		address, ssh string
		want         error
	}{
		"nobody listens":       {gone.URL + "/x.git", "", providers.ErrTemporary},
		"no such name":         {"https://" + url.UserPassword(secretUser, secretPassword).String() + "@nowhere.invalid/x.git", "", providers.ErrTemporary},
		"busy":                 {status(503), "", providers.ErrTemporary},
		"too many requests":    {status(429), "", providers.ErrTemporary},
		"forbidden":            {status(403), "", ErrRefused},
		"not found":            {status(404), "", ErrNoRepository},
		"no such folder":       {filepath.Join(t.TempDir(), "x.git"), "", ErrNoRepository},
		"no such remote":       {"upstream", "", ErrNoRepository},
		"ssh cannot connect":   {"git@example.com:x.git", ssh("ssh: connect to host example.com port 22: Connection refused"), providers.ErrTemporary},
		"ssh is refused":       {"git@example.com:x.git", ssh("git@example.com: Permission denied (publickey)."), ErrRefused},
		"ssh knows no key":     {"ssh://git@example.com/x.git", ssh("Host key verification failed."), ErrRefused},
		"ssh is cut":           {"git@example.com:x.git", fakeSSH(t, "exit 0"), providers.ErrTemporary},
		"github has it not":    {"git@example.com:x.git", ssh("ERROR: Repository not found."), ErrNoRepository},
		"ssh cannot find host": {"git@example.com:x.git", ssh("ssh: Could not resolve hostname example.com: Name or service not known"), providers.ErrTemporary},
	} {
		t.Run(name, func(t *testing.T) {
			other := *w
			other.machine.environment = append(append([]string{}, w.machine.environment...), "GIT_SSH_COMMAND="+c.ssh)
			r := other.open()
			_, err := r.RemoteHead(t.Context(), c.address, "main")
			shown(t, err, c.want, "asking for the branches of")
			shown(t, r.Fetch(t.Context(), c.address, "main", strings.Repeat("ab", 20)), c.want, "fetching abab")
			_, err = r.Push(t.Context(), c.address, commit, "main")
			shown(t, err, c.want, "pushing "+commit[:12])
		})
	}
}

// fakeSSH is a program in place of ssh.
func fakeSSH(t *testing.T, script string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestOverSSH has ssh as it is set up, and sees that it asks nothing.
func TestOverSSH(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	commit := w.commit("one")
	remote := w.bare()
	log := filepath.Join(t.TempDir(), "log")
	program := fakeSSH(t, `echo "$@" >> `+log+`; for last; do :; done; exec sh -c "$last"`)
	w.git("config", "core.sshCommand", program+" -i key")
	r := w.open()
	head, err := r.RemoteHead(t.Context(), "git@example.com:"+remote, "main")
	if err != nil || head.Commit != commit {
		t.Errorf("%v, %v", head, err)
	}
	if said := string(must(os.ReadFile(log))); !strings.Contains(said, "-i key -o BatchMode=yes") {
		t.Error(said)
	}
}

// TestSilentRemote has one that takes the question and never answers.
func TestSilentRemote(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	asked, over := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		asked <- struct{}{}
		select {
		case <-over:
		case <-request.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	r := w.open()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := r.RemoteHead(ctx, server.URL, "main"); !errors.Is(err, context.Canceled) || errors.Is(err, providers.ErrTemporary) {
		t.Error(err)
	}
	r.patience = time.Millisecond
	_, err := r.RemoteHead(t.Context(), server.URL, "main")
	shown(t, err, providers.ErrTemporary, "no answer in 1ms")
}

func TestUnknownBranchThere(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.commit("one")
	w.git("branch", "staging")
	w.git("branch", "x/refs/heads/production")
	_, err := w.open().RemoteHead(t.Context(), w.bare(), "stagign")
	shown(t, err, ErrUnknown, "did you mean staging?")
	_, err = w.open().RemoteHead(t.Context(), w.bare(), "production")
	shown(t, err, ErrUnknown, "production")
	_, err = w.open().RemoteHead(t.Context(), w.host().Directory(), "main")
	shown(t, err, ErrUnknown, "it has none at all")
}

func TestFetch(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string][]string{
		"by hash":            nil,
		"of an older server": {"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.version", "GIT_CONFIG_VALUE_0=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t, environment...)
			w.write("a", "a")
			first := w.commit("one")
			second := w.commit("two")
			w.git("tag", "v1")
			remote, host := w.bare(), w.host()
			// The branch has moved on: what was wanted is fetched all the same.
			if err := host.Fetch(t.Context(), "file://"+remote, "main", first); err != nil {
				t.Fatal(err)
			}
			if got := must(host.text(t.Context(), "for-each-ref", "--format=%(objectname) %(refname)")); got != first+" refs/imsctl/fetched\n" {
				t.Errorf("references: %s", got)
			}
			if err := host.Fetch(t.Context(), "file://"+remote, "main", second); err != nil {
				t.Fatal(err)
			}
			if ok, err := host.IsAncestor(t.Context(), first, second); err != nil || !ok {
				t.Errorf("%v, %v", ok, err)
			}
			missing := strings.Repeat("ab", 20)
			shown(t, host.Fetch(t.Context(), "file://"+remote, "main", missing), ErrUnknown, "has no commit abab")
			shown(t, host.Fetch(t.Context(), "file://"+remote, "mian", missing), ErrUnknown, "mian")
		})
	}
}

func TestPushNeverForces(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	first := w.commit("one")
	remote := w.bare()
	second := w.commit("two")
	r := w.open()
	if changed, err := r.Push(t.Context(), remote, second, "main"); err != nil || !changed {
		t.Fatalf("%v, %v", changed, err)
	}
	_, err := r.Push(t.Context(), remote, first, "main")
	shown(t, err, ErrOtherHistory, "commits there that this one has not")
	w.git("checkout", "--quiet", "-b", "other", first)
	other := w.commit("another two")
	_, err = r.Push(t.Context(), remote, other, "main")
	shown(t, err, ErrOtherHistory, "never pushed by force")
	if head := must(r.RemoteHead(t.Context(), remote, "main")); head.Commit != second {
		t.Errorf("it is %v now", head)
	}
	hook := filepath.Join(remote, "hooks", "pre-receive")
	if err := errors.Join(os.MkdirAll(filepath.Dir(hook), 0o755), os.WriteFile(hook, []byte("#!/bin/sh\necho 'main is protected'\nexit 1\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	third := w.commit("three")
	_, err = r.Push(t.Context(), remote, third, "new")
	shown(t, err, ErrRefused, "main is protected")
	if err := errors.Join(os.Remove(hook), os.WriteFile(filepath.Join(remote, "refs", "heads", "new.lock"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err = r.Push(t.Context(), remote, third, "new")
	shown(t, err, providers.ErrTemporary, "pushing "+third[:12])
}

func TestOptionsAreNoNames(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	commit := w.commit("one")
	r, remote, marker := w.open(), w.bare(), filepath.Join(t.TempDir(), "marker")
	for _, address := range []string{
		"--upload-pack=touch " + marker, "-x", "ext::sh -c touch% " + marker, "fd::17", "ssh://-oProxyCommand=touch " + marker + "/x", "ssh://-oProxyCommand=x/y",
		"-oProxyCommand=x:y", "", "https://a b/\n", "ftp://example.com/x", "https://user:pa/ss@example.com", "transport::https://example.com",
	} {
		for what, err := range map[string]error{
			"asked":   second(r.RemoteHead(t.Context(), address, "main")),
			"fetched": r.Fetch(t.Context(), address, "main", commit),
			"pushed":  second(r.Push(t.Context(), address, commit, "main")),
		} {
			if err == nil || !strings.Contains(err.Error(), "address of the remote") || strings.Contains(err.Error(), "pa/ss") {
				t.Errorf("%s %q: %v", what, address, err)
			}
		}
	}
	for _, branch := range []string{"--upload-pack=x", "-f", "main:other", "+main", "*", ""} {
		if _, err := r.RemoteHead(t.Context(), remote, branch); err == nil && branch != "+main" {
			t.Errorf("asked for %q", branch)
		}
		if _, err := r.Push(t.Context(), remote, commit, branch); err == nil && branch != "+main" {
			t.Errorf("pushed to %q", branch)
		}
	}
	if _, err := r.Push(t.Context(), remote, "+"+commit, "main"); err == nil {
		t.Error("pushed by force")
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command was run")
	}
}

func second[T any](_ T, err error) error { return err }
