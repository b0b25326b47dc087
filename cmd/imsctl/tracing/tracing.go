// Package tracing tells a log what is done: decorators around the state, the sources, the destinations and the hosts, which
// change nothing about them. What is told are names, sizes, durations and errors; never the arguments, the environment or the
// output of a command, and never what is read or written.
package tracing

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
)

// Off is the level above all that is told.
const Off = slog.Level(100)

// ParseLevel reads a level: "debug" tells every call, "info" what changes something, "off" and "" nothing.
func ParseLevel(text string) (slog.Level, error) {
	switch text {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "", "off":
		return Off, nil
	default:
		return Off, fmt.Errorf("%q is not a level: write debug, info or off", text)
	}
}

// Tracer tells a log what is done.
type Tracer struct {
	log   *slog.Logger
	clock clock.Clock
}

// New returns a tracer that writes lines of key=value to w, one write for each line. redact strikes secrets out of every value:
// what programs and servers say when they fail may hold some.
func New(w io.Writer, level slog.Level, clock clock.Clock, redact func(string) string) *Tracer {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, attribute slog.Attr) slog.Attr {
		if len(groups) == 0 && attribute.Key == slog.TimeKey {
			return slog.Time(slog.TimeKey, clock.Now().UTC())
		}
		if attribute.Value.Kind() == slog.KindString {
			return slog.String(attribute.Key, redact(attribute.Value.String()))
		}
		return attribute
	}}
	return &Tracer{log: slog.New(slog.NewTextHandler(w, options)), clock: clock}
}

// Log is where the tracer tells, for what is done inside of the things that it wraps.
func (t *Tracer) Log() *slog.Logger { return t.log }

// World wraps the sources and destinations of a world. Its hosts are wrapped when they are made: others hold on to them.
func (t *Tracer) World(world *planner.World) {
	for address, found := range world.Sources {
		world.Sources[address] = t.source(found, address)
	}
	for address, found := range world.Destinations {
		world.Destinations[address] = &destination{found, t, address}
	}
}

// call runs something and tells how it ended. What failed is told at level warn, because that is what one looks for.
func (t *Tracer) call(ctx context.Context, level slog.Level, what string, do func() error, about ...slog.Attr) error {
	begun := t.clock.Now()
	err := do()
	t.tell(ctx, level, what, begun, err, about...)
	return err
}

// tell writes a line about something that began at a moment and is over.
func (t *Tracer) tell(ctx context.Context, level slog.Level, what string, begun time.Time, err error, about ...slog.Attr) {
	about = append(about, slog.Duration("took", t.clock.Now().Sub(begun)))
	if err != nil {
		level = max(level, slog.LevelWarn)
		about = append(about, slog.String("error", err.Error()))
	}
	t.log.LogAttrs(ctx, level, what, about...)
}
