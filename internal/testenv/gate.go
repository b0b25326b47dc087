package testenv

import (
	"context"
	"io"
	"net"
	"sync"
)

// Gate stands before a server, for TCP: it joins who comes to its listeners with what it dials, and can be shut. It must be closed.
type Gate struct {
	dial    func(context.Context) (net.Conn, error)
	ctx     context.Context
	cancel  context.CancelFunc
	serving sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	joined    map[net.Conn]struct{}
	refusing  bool
	// passing is closed while bytes pass.
	passing chan struct{}
}

// NewGate makes an open gate before what dial connects to.
func NewGate(dial func(context.Context) (net.Conn, error)) *Gate {
	g := &Gate{dial: dial, joined: make(map[net.Conn]struct{}), passing: make(chan struct{})}
	close(g.passing)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Serve serves a listener until that or the gate is closed. It does not wait.
func (g *Gate) Serve(listener net.Listener) {
	g.mu.Lock()
	g.listeners = append(g.listeners, listener)
	g.mu.Unlock()
	g.serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			g.serving.Go(func() { g.join(client) })
		}
	})
}

// Refuse shuts the gate: all connections break, and new ones do at once.
func (g *Gate) Refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusing = true
	g.breakAll()
}

// Stall shuts the gate silently, as a network does that loses everything: connections stay, new ones can be made, and not a byte passes.
func (g *Gate) Stall() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.passing:
		g.passing = make(chan struct{})
	default:
	}
}

// Open opens the gate again. What has been stalled goes on.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusing = false
	select {
	case <-g.passing:
	default:
		close(g.passing)
	}
}

// Close closes the listeners, breaks all connections and waits for their ends.
func (g *Gate) Close() {
	g.cancel()
	g.mu.Lock()
	g.refusing = true
	for _, listener := range g.listeners {
		listener.Close() // it may have been closed before
	}
	g.breakAll()
	g.mu.Unlock()
	g.serving.Wait()
}

func (g *Gate) breakAll() {
	for connection := range g.joined {
		connection.Close()
	}
}

// keep remembers a connection, which it closes instead where the gate refuses.
func (g *Gate) keep(connection net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusing {
		connection.Close()
		return false
	}
	g.joined[connection] = struct{}{}
	return true
}

func (g *Gate) forget(connection net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.joined, connection)
	connection.Close()
}

// join joins a client with the server until either side has had enough.
func (g *Gate) join(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // who is refused is told so at once
	}
	if !g.keep(client) {
		return
	}
	defer g.forget(client)
	server, err := g.dial(g.ctx)
	if err != nil || !g.keep(server) {
		return
	}
	defer g.forget(server)
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(-1)
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		g.pass(client, server)
		client.Close() // who broke off sees it
	})
	g.pass(server, client)
	answering.Wait()
}

// pass copies what one side says to the other, and that it says no more.
func (g *Gate) pass(to, from net.Conn) {
	if _, err := io.Copy(waiting{g, to}, from); err != nil {
		to.Close()
		from.Close()
	}
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}

// waiting is a connection that is written to while bytes pass.
type waiting struct {
	gate *Gate
	to   net.Conn
}

func (w waiting) Write(data []byte) (int, error) {
	w.gate.mu.Lock()
	passing := w.gate.passing
	w.gate.mu.Unlock()
	select {
	case <-passing:
		return w.to.Write(data)
	case <-w.gate.ctx.Done():
		return 0, w.gate.ctx.Err()
	}
}
