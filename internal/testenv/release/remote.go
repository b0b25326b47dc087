package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// Remote is a bare repository that is served over SSH and over HTTP. It has the same addresses for the operator and for the machine.
type Remote struct {
	// SSH and HTTP are the URLs.
	SSH, HTTP string
	// Folder is the repository itself.
	Folder string

	ssh   *testenv.SSHServer
	http  *httptest.Server
	gates []*testenv.Gate
	ports []int
	// inside are the listeners on the machine.
	inside []net.Listener
}

// newRemote makes an empty repository and serves it. It must be closed.
func newRemote(folder string) (*Remote, error) {
	r := &Remote{Folder: filepath.Join(folder, "app.git")}
	if _, err := git(".", nil, "init", "--quiet", "--bare", "--initial-branch=main", r.Folder); err != nil {
		return nil, err
	}
	for _, setting := range []string{"http.receivepack=true", "uploadpack.allowAnySHA1InWant=true"} {
		name, value, _ := strings.Cut(setting, "=")
		if _, err := git(r.Folder, nil, "config", name, value); err != nil {
			return nil, err
		}
	}
	backend, err := git(".", nil, "--exec-path")
	if err != nil {
		return nil, err
	}
	if r.ssh, err = testenv.StartSSH(); err != nil {
		return nil, err
	}
	r.http = httptest.NewServer(whole{&cgi.Handler{Path: filepath.Join(backend, "git-http-backend"), Dir: folder, InheritEnv: []string{"PATH"},
		Env: append([]string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ana"}, gitSettings[:3]...)}})
	for _, server := range []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ssh.Port)), r.http.Listener.Addr().String()} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		gate := testenv.NewGate(func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", server) })
		gate.Serve(listener)
		r.gates, r.ports = append(r.gates, gate), append(r.ports, listener.Addr().(*net.TCPAddr).Port)
	}
	r.SSH = fmt.Sprintf("ssh://%s@127.0.0.1:%d%s", r.ssh.User, r.ports[0], r.Folder)
	r.HTTP = fmt.Sprintf("http://127.0.0.1:%d/app.git", r.ports[1])
	return r, nil
}

// whole hands on requests whose bodies have been read: CGI must be told how long one is, and git does not always say.
type whole struct{ next http.Handler }

func (w whole) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	request.Body, request.ContentLength, request.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	w.next.ServeHTTP(writer, request)
}

// listen lets the machine reach the remote.
func (r *Remote) listen(ctx context.Context, machine *testenv.DockerServer) error {
	for i, gate := range r.gates {
		listener, err := machine.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[i])))
		if err != nil {
			return fmt.Errorf("the remote on the machine: %w", err)
		}
		r.inside = append(r.inside, listener)
		gate.Serve(listener)
	}
	return nil
}

// leave ends listening on the machine, which is off.
func (r *Remote) leave() {
	for _, listener := range r.inside {
		listener.Close() // it may have been closed before
	}
	r.inside = nil
}

// Down makes the remote unreachable: connections break, and new ones do at once.
func (r *Remote) Down() {
	for _, gate := range r.gates {
		gate.Refuse()
	}
}

// Stall makes the remote silent: connections stay, and nothing is answered.
func (r *Remote) Stall() {
	for _, gate := range r.gates {
		gate.Stall()
	}
}

// Up makes the remote reachable again.
func (r *Remote) Up() {
	for _, gate := range r.gates {
		gate.Open()
	}
}

// Head is the commit of a branch of the remote, "" where there is none.
func (r *Remote) Head(t testing.TB, branch string) string {
	t.Helper()
	head, err := git(r.Folder, nil, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func (r *Remote) close() error {
	r.leave()
	for _, gate := range r.gates {
		gate.Close()
	}
	if r.http != nil {
		r.http.CloseClientConnections()
		r.http.Close()
	}
	var err error
	if r.ssh != nil {
		err = r.ssh.Close()
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(r.Folder)))
}
