package smtp

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// here is a host from which connections are made.
type here struct{ providers.Host }

// Dial implements providers.Dialer.
func (here) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// send notifies as a block says, completed for the server.
func send(ctx context.Context, t *testing.T, server *testenv.MailServer, config Config, notice providers.Notice) error {
	t.Helper()
	config.Server, config.Port = "127.0.0.1", server.Port
	if config.CAFile == "" && config.Security != securityNone {
		config.CAFile = server.CAFile
	}
	if config.From == "" {
		config.From = "imsctl <imsctl@example.org>"
	}
	if config.To == nil {
		config.To = []string{"ops@example.org"}
	}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	notifier, err := config.Notifier(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return here{}, nil }, Directory: filepath.Dir(server.CAFile),
	})
	if err != nil {
		t.Fatal(err)
	}
	return notifier.Notify(ctx, notice)
}

// script is a server that says what it is told to, line by line, after each line that it hears. Then it tells hung and says nothing more, or
// breaks off where that is nil.
func script(t *testing.T, hung chan<- struct{}, lines ...string) *testenv.MailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		heard := bufio.NewReader(connection)
		for i, line := range lines {
			if i > 0 {
				if _, err := heard.ReadString('\n'); err != nil {
					return
				}
			}
			if _, err := io.WriteString(connection, line+"\r\n"); err != nil {
				return
			}
		}
		if hung == nil {
			return
		}
		close(hung)
		_, _ = io.Copy(io.Discard, heard)
	})
	t.Cleanup(func() {
		listener.Close()
		done.Wait()
	})
	return &testenv.MailServer{Port: int64(listener.Addr().(*net.TCPAddr).Port)}
}

// failed is a notice with everything in it.
var failed = providers.Notice{
	Event: providers.EventFailure, Severity: providers.SeverityError, Subject: "Failed: backup.a (imsctl apply on vm)", Text: "backup.a: übel",
	About: []providers.Concern{{Address: "backup.a", Artifact: "a-1", Text: "übel"}},
	Time:  time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC), Host: "vm", Run: "apply", Log: []string{"backup.a: failed: übel"},
}
