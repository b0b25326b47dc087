package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// usualDatabases is how many databases a server has that is not told otherwise.
	usualDatabases = 16
	// lookInterval is how often is looked whether a server has loaded its data, and listenPatience how long it may take until it answers at all.
	lookInterval   = 50 * time.Millisecond
	listenPatience = time.Minute
	// stopPatience is how long a server may take to end by itself.
	stopPatience = 5 * time.Second
)

// scratchServer runs a server. When this process is killed the end of its standard input, which a second process waits for, ends the server.
const scratchServer = `exec 3<&0; { cat <&3; kill -KILL $$; } >/dev/null 2>&1 & exec "$@" 3<&- </dev/null`

// process is a scratch server that runs.
type process struct {
	end   context.CancelFunc
	input *io.PipeWriter
	ended chan struct{}
	// err is how it ended, and said the last that it said, once ended is closed.
	err  error
	said output.Tail
}

// start starts the server on the snapshot. It is told that it is a replica, of a master that cannot be: so it keeps the keys that have expired
// meanwhile, and nothing else changes them.
func (s *scratch) start(ctx context.Context, databases int64) error {
	lines := []string{
		"port 0", "unixsocket " + quotedWord(s.server().place), "unixsocketperm 700", "dir " + quotedWord(s.path), "dbfilename " + snapshotName,
		`save ""`, "appendonly no", "replicaof 127.0.0.1 0", "loglevel warning", fmt.Sprintf("databases %d", max(usualDatabases, databases)),
	}
	err := s.write(configName, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
		return err
	})
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	p := &process{end: end, input: writer, ended: make(chan struct{})}
	s.process = p
	go func() {
		defer close(p.ended)
		p.err = s.host.Run(running, providers.Command{
			Arguments: []string{"sh", "-c", scratchServer, "sh", s.program, path.Join(s.path, configName)},
			Stdin:     reader, Stdout: &p.said, Stderr: &p.said,
		})
	}()
	return s.loaded(ctx)
}

// quotedWord is a path as a word of redis.conf.
func quotedWord(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// loaded waits until the server has loaded the snapshot.
func (s *scratch) loaded(ctx context.Context) error {
	answered := time.Now()
	for {
		found, err := s.server().info(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && found["loading"] != "1":
			return nil
		case err == nil:
			answered = time.Now()
		case time.Since(answered) > listenPatience:
			return fmt.Errorf("the scratch server does not answer: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.process.ended:
			return s.process.failed()
		case <-time.After(lookInterval):
		}
	}
}

// failed says why a server ended that should not have.
func (p *process) failed() error {
	err := errors.New("it did not say why")
	if p.err != nil {
		err = p.err
	}
	if said := strings.TrimSpace(p.said.String()); said != "" {
		// The last line says that it gave up, the one before why.
		lines := strings.Split(said, "\n")
		lines = lines[max(0, len(lines)-2):]
		return fmt.Errorf("the scratch server could not load the snapshot: %w; it said: %s", err, quoted(strings.Join(lines, "; "), ""))
	}
	return fmt.Errorf("the scratch server could not load the snapshot: %w", err)
}

// stop ends the server and waits for that: by the end of its input, or by force where that does not do it.
func (p *process) stop() {
	_ = p.input.Close()
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
	}
	p.end()
	<-p.ended
}
