package hosttest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

func testSockets(t *testing.T, s *suite) {
	dialer, ok := s.host.(providers.Dialer)
	if !ok {
		t.Fatal("the host dials no sockets")
	}
	unix := filepath.Join(t.TempDir(), "socket")
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": unix} {
		t.Run(network, func(t *testing.T) {
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() { echo(t, listener) })
			testEcho(t, dialer, network, listener.Addr().String())
			testDeadline(t, dialer, network, listener.Addr().String())
			listener.Close()
			serving.Wait()
		})
	}
	if connection, err := dialer.Dial(t.Context(), "unix", unix+".missing"); err == nil {
		connection.Close()
		t.Error("a socket that is not there was reached")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if connection, err := dialer.Dial(ended, "unix", unix); err == nil {
		connection.Close()
		t.Error("an ended context was ignored")
	}
}

// echo answers with what it gets.
func echo(t *testing.T, listener net.Listener) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		serving.Go(func() {
			defer connection.Close()
			io.Copy(connection, connection)
		})
	}
}

// testEcho sends something, ends the sending, and gets it back whole.
func testEcho(t *testing.T, dialer providers.Dialer, network, address string) {
	connection, err := dialer.Dial(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	var sending sync.WaitGroup
	sending.Go(func() {
		_, err := io.CopyN(connection, endless{}, 5<<20)
		half, ok := connection.(interface{ CloseWrite() error })
		if !ok {
			t.Errorf("a %T cannot end its sending alone", connection)
			connection.Close()
			return
		}
		if err := errors.Join(err, half.CloseWrite()); err != nil {
			t.Error(err)
		}
	})
	if n, err := io.Copy(io.Discard, connection); err != nil || n != 5<<20 {
		t.Errorf("got %d bytes, %v", n, err)
	}
	sending.Wait()
}

// testDeadline waits for an answer that does not come, with deadlines that are over before, and during the reading.
func testDeadline(t *testing.T, dialer providers.Dialer, network, address string) {
	connection, err := dialer.Dial(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that is over gives %v", err)
	}
	// One that was over while nobody read does not matter any more when another one is set.
	if err := connection.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := connection.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := connection.Read(answer); err != nil || answer[0] != 'x' {
		t.Errorf("got %q, %v", answer, err)
	}
	reading := make(chan error)
	go func() {
		_, err := connection.Read(answer)
		reading <- err
	}()
	if err := connection.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := <-reading; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that is set meanwhile gives %v", err)
	}
}
