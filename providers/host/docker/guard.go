package docker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/output"
)

// killLook is how often it is looked whether killed processes are gone.
const killLook = 20 * time.Millisecond

// guard is a running guardScript. It is not for concurrent use.
type guard struct {
	*stream
	engine  *engine
	answers *bufio.Reader
	group   string // the process group that it watches
	said    output.Tail
	copies  sync.WaitGroup
	broken  error
}

// newGuard reads the answers of an execution of guardScript.
func newGuard(e *engine, s *stream) *guard {
	read, write := io.Pipe()
	g := &guard{stream: s, engine: e, answers: bufio.NewReader(read)}
	g.copies.Go(func() { write.CloseWithError(demultiplex(s.Reader, write, &g.said)) })
	return g
}

// begin waits until the guard is ready.
func (g *guard) begin() error {
	if answer, err := g.answers.ReadString('\n'); err != nil {
		return g.lost(fmt.Errorf("%w%s", err, told(answer+g.said.String())))
	}
	return nil
}

// told appends what an engine said instead of what was expected.
func told(text string) string {
	if text = strings.TrimSpace(text); text != "" {
		return ": " + text
	}
	return ""
}

// ask sends a line and returns the answer.
func (g *guard) ask(line string) (string, error) {
	if g.broken != nil {
		return "", g.broken
	}
	// Neither fails but on a connection that is closed, which is found by using it.
	g.Conn.SetDeadline(time.Now().Add(g.engine.timing.patience))
	defer g.Conn.SetDeadline(time.Time{})
	if _, err := io.WriteString(g.Conn, line+"\n"); err != nil {
		return "", g.lost(err)
	}
	answer, err := g.answers.ReadString('\n')
	if err != nil {
		return "", g.lost(err)
	}
	return strings.TrimSpace(answer), nil
}

func (g *guard) lost(err error) error {
	g.broken = fmt.Errorf("what ends commands in the container does not answer, so that the command may run on: %w", err)
	return g.broken
}

// watch puts a process group under guard.
func (g *guard) watch(group string) error {
	if group == "" || group == "0" || group == "1" || strings.Trim(group, "0123456789") != "" {
		return fmt.Errorf("%q is no process group", group)
	}
	g.group = group
	_, err := g.ask("watch " + group)
	return err
}

// signal sends a signal to the group and reports whether anybody is left in it.
func (g *guard) signal(name string) (alive bool, err error) {
	answer, err := g.ask(name + " " + g.group)
	return answer == "alive", err
}

// release kills what is left of the group, waits until it is gone, and ends the guard.
func (g *guard) release() error {
	defer g.close()
	if g.group == "" {
		return nil
	}
	alive, err := g.signal("KILL")
	// Dead processes that nobody buries stay in their group for ever.
	for waited := time.Duration(0); alive && err == nil && waited < g.engine.timing.patience; waited += killLook {
		time.Sleep(killLook)
		alive, err = g.signal("0")
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(g.Conn, "leave\n"); err != nil {
		return errors.Join(err, g.lost(err))
	}
	return nil
}

// close ends the connection, at whose end the guard ends what it still watches.
func (g *guard) close() {
	g.Close()
	// Nobody reads the answers any more.
	io.Copy(io.Discard, g.answers)
	g.copies.Wait()
}
