package tracing

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path"

	"github.com/castrolanda/imsctl/providers"
)

// source tells of the readings of a source.
type source struct {
	providers.Source
	*Tracer
	address string
}

// Inspect implements providers.Source.
func (s *source) Inspect(ctx context.Context) (inspection providers.Inspection, err error) {
	err = s.call(ctx, slog.LevelDebug, "source inspected", func() error {
		inspection, err = s.Source.Inspect(ctx)
		return err
	}, slog.String("source", s.address))
	return inspection, err
}

// Read implements providers.Source.
func (s *source) Read(ctx context.Context, run string, w io.Writer) (reading providers.Reading, err error) {
	err = s.call(ctx, slog.LevelInfo, "source read", func() error {
		reading, err = s.Source.Read(ctx, run, w)
		return err
	}, slog.String("source", s.address), slog.String("run", run))
	return reading, err
}

// source wraps a source. It goes on where others ended when the source does, and is a group when the source is.
func (t *Tracer) source(found providers.Source, address string) providers.Source {
	traced := &source{found, t, address}
	switch found := found.(type) {
	case providers.Continuing:
		return &continuingSource{traced, found}
	case providers.Group:
		return &group{traced, found}
	}
	return traced
}

// continuingSource is one whose readings go on where others ended.
type continuingSource struct {
	*source
	continuing providers.Continuing
}

// After implements providers.Continuing.
func (s *continuingSource) After(position string) (providers.Source, error) {
	after, err := s.continuing.After(position)
	if err != nil {
		return nil, err
	}
	return s.Tracer.source(after, s.address), nil
}

// group tells of the listing of a group's members, and of their readings.
type group struct {
	*source
	several providers.Group
}

// Members implements providers.Group.
func (g *group) Members(ctx context.Context) (names []string, err error) {
	err = g.call(ctx, slog.LevelDebug, "members listed", func() error {
		names, err = g.several.Members(ctx)
		return err
	}, slog.String("source", g.address))
	return names, err
}

// Member implements providers.Group.
func (g *group) Member(name string) providers.Source {
	return g.Tracer.source(g.several.Member(name), g.address+"["+name+"]")
}

// Host returns a host whose commands are told. It dials where the host does.
func (t *Tracer) Host(found providers.Host) providers.Host {
	traced := &host{found, t}
	if dialer, ok := found.(providers.Dialer); ok {
		return &dialingHost{traced, dialer}
	}
	return traced
}

// Hosts wraps a finder of hosts.
func (t *Tracer) Hosts(find func(providers.Reference) (providers.Host, error)) func(providers.Reference) (providers.Host, error) {
	return func(reference providers.Reference) (providers.Host, error) {
		found, err := find(reference)
		if err != nil {
			return nil, err
		}
		return t.Host(found), nil
	}
}

// host tells of the commands that run on a host: the program and how it ended, nothing else.
type host struct {
	providers.Host
	*Tracer
}

// Run implements providers.Host.
func (h *host) Run(ctx context.Context, command providers.Command) error {
	program := ""
	if len(command.Arguments) > 0 {
		program = path.Base(command.Arguments[0])
	}
	return h.call(ctx, slog.LevelDebug, "command run", func() error { return h.Host.Run(ctx, command) },
		slog.String("host", h.Name()), slog.String("program", program))
}

// dialingHost tells of connections too.
type dialingHost struct {
	*host
	dialer providers.Dialer
}

// Dial implements providers.Dialer.
func (h *dialingHost) Dial(ctx context.Context, network, address string) (connection net.Conn, err error) {
	err = h.call(ctx, slog.LevelDebug, "socket dialled", func() error {
		connection, err = h.dialer.Dial(ctx, network, address)
		return err
	}, slog.String("host", h.Name()), slog.String("address", address))
	return connection, err
}
