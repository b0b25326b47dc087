package testenv

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

// TestGate shuts a gate before a server that says what it is told.
func TestGate(t *testing.T) {
	server := listen(t)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				_, _ = io.Copy(connection, connection)
			}()
		}
	}()
	gate := NewGate(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Addr().String())
	})
	defer gate.Close()
	front := listen(t)
	gate.Serve(front)
	connect := func() net.Conn {
		connection, err := net.Dial("tcp", front.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return connection
	}
	say := func(connection net.Conn) error {
		_, _ = connection.Write([]byte("word")) // who reads sees whether it went through
		_, err := io.ReadFull(connection, make([]byte, 4))
		return err
	}
	first := connect()
	if err := say(first); err != nil {
		t.Fatal(err)
	}

	gate.Stall()
	second := connect()
	for _, connection := range []net.Conn{first, second} {
		_ = connection.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if err := say(connection); err == nil {
			t.Error("something came through a gate that is shut")
		}
		_ = connection.SetReadDeadline(time.Time{})
	}
	gate.Open()
	for _, connection := range []net.Conn{first, second} {
		if _, err := io.ReadFull(connection, make([]byte, 4)); err != nil {
			t.Errorf("what was said meanwhile is lost: %v", err)
		}
	}

	gate.Refuse()
	if say(first) == nil {
		t.Error("something came through a gate that refuses")
	}
	if refused, err := net.Dial("tcp", front.Addr().String()); err == nil {
		if say(refused) == nil {
			t.Error("something new came through a gate that refuses")
		}
		refused.Close()
	}
	gate.Open()
	last := connect()
	if err := say(last); err != nil {
		t.Error(err)
	}
	if err := last.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(last); err != nil || len(rest) > 0 {
		t.Errorf("after the last word came %q, %v", rest, err)
	}
}

// listen listens on a free port until the test ends.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}
