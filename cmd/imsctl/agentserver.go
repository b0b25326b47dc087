package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

const (
	// scrapePatience is how long the metrics may take: the state may be on a server that does not answer.
	scrapePatience = 20 * time.Second
	// farewell is how long requests may take that are answered when the agent stops.
	farewell = 5 * time.Second
)

// agentServer serves the metrics and the health of an agent.
type agentServer struct {
	server *http.Server
	// ended gets why it serves no more, once.
	ended chan error
}

// serveAgent begins to serve. The error says why it cannot; stop ends it.
func (c *cli) serveAgent(arguments agentArguments, health *agentHealth) (*agentServer, error) {
	address, err := listenAddress(arguments.listen)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("-listen=%s: the address is in use; another agent, or another program, listens there", arguments.listen)
	case err != nil:
		return nil, fmt.Errorf("-listen=%s: %w", arguments.listen, err)
	}
	s := &agentServer{ended: make(chan error, 1), server: &http.Server{
		Handler:           agentHandler(health, func(ctx context.Context) ([]byte, error) { return c.scrape(ctx, arguments.path) }),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: scrapePatience + 10*time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
		// What clients do wrong is not for the agent's log.
		ErrorLog: log.New(io.Discard, "", 0),
	}}
	fmt.Fprintf(c.stderr, "Serving http://%[1]s/metrics and http://%[1]s/healthz\n", listener.Addr())
	go func() {
		err := s.server.Serve(listener)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		} else {
			err = fmt.Errorf("serving metrics: %w", err)
		}
		s.ended <- err
		close(s.ended)
	}()
	return s, nil
}

// stop lets requests end that are being answered, and waits until nothing is served any more.
func (s *agentServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		// Who has not been answered by now is not waited for: that is no error of the agent's.
		_ = s.server.Close()
	}
	return <-s.ended
}

// listenAddress is a flag as an address: without a host it means this machine alone.
func listenAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return "", fmt.Errorf(`-listen=%s: write HOST:PORT, such as ":9774" for this machine alone or "0.0.0.0:9774" for everybody`, text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// agentHandler answers what monitoring asks. One scrape is made at a time: a second one waits for it, or for its own end.
func agentHandler(health *agentHealth, scrape func(context.Context) ([]byte, error)) http.Handler {
	turn := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		well, words := health.verdict()
		plainly(w)
		if !well {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		// That the client has gone is its own affair, here and below.
		_, _ = fmt.Fprintln(w, words)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapePatience)
		defer cancel()
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			http.Error(w, "another scrape has not ended", http.StatusServiceUnavailable)
			return
		}
		text, err := scrape(ctx)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		plainly(w)
		if strings.Contains(r.Header.Get("Accept"), "application/openmetrics-text") {
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		}
		_, _ = w.Write(text)
	})
	return mux
}

// plainly says that what follows is text, and of this moment. It is also the type of Prometheus' older format, which all of the text fits.
func plainly(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
}

// scrape makes the metrics of now, as a run of "imsctl metrics" would: by itself, since the rounds go on meanwhile.
func (c *cli) scrape(ctx context.Context, path string) ([]byte, error) {
	var said bytes.Buffer
	own := &cli{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: &said, environment: c.environment, clock: c.clock, version: c.version,
		patience: scrapePatience, noColor: true,
	}
	text, err := own.metricsText(ctx, path, inputs{}, false)
	var code exitCode
	if errors.As(err, &code) {
		// What is wrong with the specification was said.
		err = errors.New(strings.TrimSpace(said.String()))
	}
	if err != nil && own.loaded != nil {
		err = own.loaded.RedactError(err)
	}
	return text, err
}
