package docker

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/feed"
	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// execution is a command in a container with the copies to and from its streams.
type execution struct {
	engine *engine
	*stream
	guard *guard
	report

	said   output.Tail
	early  output.Tail   // what came before the script said anything: words of the engine
	broken chan struct{} // closed when no more of the outputs can come
	lost   error         // why, once broken is closed
	input  chan struct{} // closed when the copy of standard input is over

	passing passing

	failure *cause.First // why the command is ended
}

// report is what the script of a command says. It is written by the copy of the outputs.
type report struct {
	heard    chan struct{} // closed when it has said something
	first    string        // what that was
	finished chan struct{} // closed when the command has ended and all its output was passed on
	status   string        // how it ended, once finished is closed

	begun, outEnded, errEnded bool
}

// onOutput hears of a marked line on standard output.
func (r *report) onOutput(line string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case !r.begun:
		r.begun, r.first = true, strings.TrimSpace(line)
		close(r.heard)
	case word == saysEnd && !r.outEnded:
		r.status, r.outEnded = rest, true
		r.end()
	}
}

// onError hears of a marked line on standard error.
func (r *report) onError(string) {
	if !r.errEnded {
		r.errEnded = true
		r.end()
	}
}

func (r *report) end() {
	if r.outEnded && r.errEnded {
		close(r.finished)
	}
}

// newExecution begins to read the output of a script.
func newExecution(e *engine, s *stream, mark string, command providers.Command) *execution {
	x := &execution{engine: e, stream: s, broken: make(chan struct{}), input: make(chan struct{}), failure: cause.New(),
		report: report{heard: make(chan struct{}), finished: make(chan struct{})}}
	stdout, stderr := output.Writers(command.Stdout, command.Stderr)
	passOut, passErr := x.passOn("standard output", stdout), x.passOn("standard error", stderr)
	out := &marked{mark: []byte(mark), line: x.onOutput, w: writerFunc(func(p []byte) (int, error) {
		if !x.begun {
			return x.early.Write(p)
		}
		return passOut(p)
	})}
	err := &marked{mark: []byte(mark), line: x.onError, w: io.MultiWriter(&x.said, passErr)}
	go func() { // finish waits for it
		x.lost = demultiplex(s.Reader, out, err)
		close(x.broken)
	}()
	return x
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// passOn writes to w until that fails, which ends the command.
func (x *execution) passOn(name string, w io.Writer) writerFunc {
	return x.passing.to(w, func(err error) { x.failure.Set(fmt.Errorf("passing on its %s: %w", name, err), false) })
}

// begin tells the script to go on, and starts the copy of standard input.
func (x *execution) begin(ctx context.Context, stdin io.Reader) error {
	if _, err := io.WriteString(x.Conn, goOn+"\n"); err != nil {
		return x.engine.lost(err)
	}
	go x.send(ctx, stdin) // finish waits for it, unless its reader hangs
	return nil
}

// send copies r to the command's standard input. Only a clean end of r ends it; after anything else it stays open until
// the whole group is dead.
func (x *execution) send(ctx context.Context, r io.Reader) {
	defer close(x.input)
	if r == nil {
		return
	}
	if feed.Copy(x.Conn, r, x.failure) && ctx.Err() == nil && x.failure.Err() == nil {
		x.CloseWrite() // it fails only when nobody reads any more
	}
}

// wait returns what the command's end was, once its group is dead and the copies are over.
func (x *execution) wait(ctx context.Context, was providers.Container, program string) error {
	select {
	case <-x.finished:
	case <-x.broken:
	case <-ctx.Done():
		x.failure.Set(cause.Interruption(ctx), false)
	case <-x.failure.Done():
	}
	if x.failure.Err() != nil {
		x.ask()
	}
	err := x.guard.release()
	x.finish()
	switch failure := x.failure.Err(); {
	case failure != nil && err != nil:
		return fmt.Errorf("%w; %w", failure, err)
	case failure != nil:
		return failure
	}
	select {
	case <-x.finished:
	default:
		return x.engine.explain(was, x.id, x.lost)
	}
	if err != nil {
		return err
	}
	return x.ending(program)
}

// ask asks the group to end, and gives it time.
func (x *execution) ask() {
	if x.failure.Urgent() {
		return
	}
	if _, err := x.guard.signal("TERM"); err != nil {
		return // release says so
	}
	timer := time.NewTimer(x.engine.timing.grace)
	defer timer.Stop()
	select {
	case <-x.finished:
	case <-x.broken:
	case <-timer.C:
	}
}

// finish closes the connection and ends the copies, after the group has been killed. A connection through SSH is closed only
// when the other side agrees, which a server does not while it holds input that nobody reads: such a copy ends with SSH.
func (x *execution) finish() {
	x.Close()
	timer := time.NewTimer(x.engine.timing.quiet)
	defer timer.Stop()
	for _, over := range []chan struct{}{x.input, x.broken} {
		select {
		case <-over:
			continue
		case <-timer.C:
		}
		break
	}
	x.passing.end()
}

// ending reads what the script said of the end.
func (x *execution) ending(program string) error {
	text, held, _ := strings.Cut(x.status, " ")
	status, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return fmt.Errorf("it was not understood how it ended: %q", x.status)
	case status != 0:
		return &providers.ExitError{Program: program, Code: status, Stderr: x.said.String()}
	case held == heldOpen:
		return fmt.Errorf("its output was not finished: a process it left behind still holds it open")
	}
	return nil
}
