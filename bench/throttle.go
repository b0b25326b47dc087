package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// throttle is a proxy on this machine that passes on so many bytes per second to a server, over all connections together.
// What the server answers is not held up.
type throttle struct {
	// endpoint is the server's, with the address of the proxy in it.
	endpoint string
	server   string
	rate     float64
	listener net.Listener
	ended    chan struct{}

	mu sync.Mutex
	// next is when the next bytes may pass.
	next        time.Time
	connections []net.Conn
	running     sync.WaitGroup
}

// newThrottle begins to listen. It must be stopped.
func newThrottle(endpoint string, rate float64) (*throttle, error) {
	server, err := hostOf(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	t := &throttle{
		endpoint: strings.Replace(endpoint, server, listener.Addr().String(), 1),
		server:   server, rate: rate, listener: listener, ended: make(chan struct{}),
	}
	t.running.Go(t.accept)
	return t, nil
}

// stop ends all connections and waits for them.
func (t *throttle) stop() {
	close(t.ended)
	t.listener.Close()
	t.mu.Lock()
	for _, connection := range t.connections {
		connection.Close()
	}
	t.mu.Unlock()
	t.running.Wait()
}

func (t *throttle) accept() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", t.server)
		if err != nil {
			client.Close()
			continue
		}
		t.mu.Lock()
		t.connections = append(t.connections, client, server)
		t.mu.Unlock()
		t.running.Go(func() {
			_ = t.pass(server, client)
			server.(*net.TCPConn).CloseWrite()
		})
		t.running.Go(func() {
			_, _ = io.Copy(client, server)
			client.(*net.TCPConn).CloseWrite()
		})
	}
}

// pass copies at the rate that is allowed.
func (t *throttle) pass(to io.Writer, from io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !t.wait(n) {
				return errors.New("stopped")
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// wait returns when n more bytes may pass, and false when the proxy has ended.
func (t *throttle) wait(n int) bool {
	t.mu.Lock()
	now := time.Now()
	if t.next.Before(now) {
		t.next = now
	}
	turn := t.next.Sub(now)
	t.next = t.next.Add(time.Duration(float64(n) / t.rate * float64(time.Second)))
	t.mu.Unlock()
	select {
	case <-time.After(turn):
		return true
	case <-t.ended:
		return false
	}
}
