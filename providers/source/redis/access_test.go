package redis_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// refusal reads a source that must fail, and returns what it said. Nothing that it wrote counts.
func refusal(t *testing.T, source providers.Source) string {
	t.Helper()
	_, err := source.Read(t.Context(), "run", io.Discard)
	if err == nil {
		t.Fatal("a failure was taken for a backup")
	}
	return err.Error()
}

func TestUsers(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET ml:1 one\n")
	server.Do(t, "ACL", "SETUSER", "backup", "on", ">backup-secret", "+ping", "+info", "+replconf", "+psync", "+sync", "+subscribe", "+pubsub", "&imsctl-reading:*")
	server.Do(t, "ACL", "SETUSER", "reader", "on", ">reader-secret", "+@read", "+info", "~*")
	server.Do(t, "ACL", "SETUSER", "half", "on", ">half-secret", "+info", "+replconf")
	for name, test := range map[string]struct {
		user, password string
		want           []string
	}{
		"password of the server": {"", server.Password, nil},
		"user with the rights":   {"backup", "backup-secret", nil},
		"no password":            {"", "", []string{"NOAUTH", "set password"}},
		"wrong password":         {"", "wrong-secret", []string{"WRONGPASS", "check user and password"}},
		"unknown user":           {"nobody", "backup-secret", []string{"WRONGPASS"}},
		"no right to replicate":  {"reader", "reader-secret", []string{"NOPERM", "ACL SETUSER reader +ping +info +replconf +psync +sync +subscribe +pubsub &imsctl-reading:*"}},
		"no right to the bytes":  {"half", "half-secret", []string{"NOPERM", "psync", "ACL SETUSER half"}},
	} {
		t.Run(name, func(t *testing.T) {
			source := newSource(t, server, func(c *redis.Config) { c.User, c.Password = test.user, test.password })
			if test.want == nil {
				if _, reading := read(t, source); reading.KeyCounts.Databases["0"].Keys != 1 {
					t.Errorf("counted %+v", reading.KeyCounts)
				}
				return
			}
			said := refusal(t, source)
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q does not say %q", said, want)
				}
			}
			if test.password != "" && strings.Contains(said, test.password) {
				t.Errorf("the password is in %q", said)
			}
		})
	}
}

func TestPasswordThatIsNotAskedFor(t *testing.T) {
	server := testenv.Redis(t, "requirepass \"\"")
	said := refusal(t, newSource(t, server, func(c *redis.Config) { c.Password = "some-secret" }))
	if !strings.Contains(said, "leave password out") || strings.Contains(said, "some-secret") {
		t.Errorf("got %q", said)
	}
	read(t, newSource(t, server, func(c *redis.Config) { c.Password = "" }))
}

func TestReplicaWithoutItsMaster(t *testing.T) {
	master := testenv.Redis(t)
	host, port, _ := net.SplitHostPort(master.Address)
	// masterauth is missing: the replica is refused and has nothing to give.
	replica := testenv.Redis(t, "replicaof "+host+" "+port, "replica-serve-stale-data no")
	source := newSource(t, replica, nil)
	if said := refusal(t, source); !strings.Contains(said, "masterauth") {
		t.Errorf("got %q", said)
	}
	if _, err := source.Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), "masterauth") {
		t.Errorf("a plan would say: %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	server := testenv.Redis(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	source := newSource(t, server, nil)
	if said := refusal(t, source); !strings.Contains(said, server.Address) || !strings.Contains(said, "refused") {
		t.Errorf("got %q", said)
	}
}

// keys makes an authority and a certificate that it signed for a name, and returns the folder: ca.pem, server.pem, server.key.
func keys(t *testing.T, name string) string {
	t.Helper()
	openssl := testenv.Need(t, "openssl")
	folder := t.TempDir()
	for _, arguments := range [][]string{
		{"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority"},
		{"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name},
		{"x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "2", "-copy_extensions", "copy"},
	} {
		command := exec.Command(openssl, arguments...)
		command.Dir = folder
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v: %s", arguments[0], err, output)
		}
	}
	return folder
}

func TestTLS(t *testing.T) {
	folder := keys(t, "redis.test")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	server := testenv.Redis(t, "tls-port "+port, "tls-cert-file "+filepath.Join(folder, "server.pem"),
		"tls-key-file "+filepath.Join(folder, "server.key"), "tls-ca-cert-file "+filepath.Join(folder, "ca.pem"))
	server.Fill(t, "SET a 1\n")
	whole := func(c *redis.Config) {
		c.Address, c.TLS, c.CAFile, c.ServerName = address, true, "ca.pem", "redis.test"
		c.CertFile, c.KeyFile = "server.pem", "server.key"
	}
	for name, test := range map[string]struct {
		change func(*redis.Config)
		want   string
	}{
		"all of it":         {func(*redis.Config) {}, ""},
		"unknown authority": {func(c *redis.Config) { c.CAFile = "" }, "ca_file"},
		"another name":      {func(c *redis.Config) { c.ServerName = "" }, "server_name"},
		"no certificate":    {func(c *redis.Config) { c.CertFile, c.KeyFile = "", "" }, "cert_file"},
		"not a certificate": {func(c *redis.Config) { c.CAFile = "server.key" }, "no certificates in PEM form"},
		"no such file":      {func(c *redis.Config) { c.CertFile = "missing.pem" }, "missing.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			config := redis.Provider().New().(*redis.Config)
			config.Password = server.Password
			whole(config)
			test.change(config)
			environment := environment()
			environment.Directory = folder
			source := sourceOf(t, config, environment)
			if test.want == "" {
				read(t, source)
				return
			}
			if said := refusal(t, source); !strings.Contains(said, test.want) {
				t.Errorf("%q does not say %q", said, test.want)
			}
		})
	}
}

// counted is a host that counts the connections that are made through it.
type counted struct {
	providers.Dialer
	dialled *atomic.Int32
}

func (c counted) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.dialled.Add(1)
	return c.Dialer.Dial(ctx, network, address)
}

func TestServerOnAnotherMachine(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, everyType())
	machine := testenv.SSH(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	made, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer made.(io.Closer).Close()
	for name, address := range map[string]string{"tcp": server.Address, "socket": server.Socket} {
		t.Run(name, func(t *testing.T) {
			host := counted{made.(providers.Dialer), new(atomic.Int32)}
			config := redis.Provider().New().(*redis.Config)
			config.Address, config.Password, config.Host = address, server.Password, providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
			source := sourceOf(t, config, providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return host, nil }, Clock: clock.System{}})
			data, _ := read(t, source)
			loads(t, server, data)
			if host.dialled.Load() == 0 {
				t.Error("the server was not reached through the machine")
			}
		})
	}
}

var errDisk = errors.New("the disk is full")

// full is a disk that has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDisk }

func TestErrorOfTheWriter(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, everyType())
	if _, err := newSource(t, server, nil).Read(t.Context(), "run", full{}); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}

// ending does something as soon as something is written.
type ending struct{ end func() }

func (e ending) Write(p []byte) (int, error) {
	e.end()
	return len(p), nil
}

// large is a server with more than fits into the buffers of a connection.
func large(t *testing.T) *testenv.RedisServer {
	t.Helper()
	server := testenv.Redis(t, "rdbcompression no", "repl-diskless-sync no")
	server.Do(t, "DEBUG", "POPULATE", "200", "filler", "200000")
	return server
}

func TestGivenUp(t *testing.T) {
	server := large(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := newSource(t, server, nil).Read(ctx, "run", ending{cancel}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServerThatIsKilledMeanwhile(t *testing.T) {
	server := large(t)
	stop := func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	_, err := newSource(t, server, nil).Read(t.Context(), "run", ending{stop})
	if err == nil || !strings.Contains(err.Error(), "before its end") && !strings.Contains(err.Error(), "reset") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(server.Folder, "dump.rdb")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(t, newSource(t, server, nil))
}
