package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/feed"
	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// outputSize is how much of a command's output is read at once, in bytes.
const outputSize = 256 << 10

// patience is how long a machine may take to end a command that nobody wants any more. After that the connection is given
// up, which ends the command too.
const patience = 8 * time.Second

// errHeldOpen is the output of a command that has ended and may not have been all of it.
var errHeldOpen = errors.New("its output was not finished: a process it left behind still holds it open")

// execution is a command on the far side with the copies to and from its streams.
type execution struct {
	*session
	link   *link
	timing timing
	sudo   bool
	group  string
	stdout *bufio.Reader
	said   output.Tail

	output  io.Writer      // where standard output goes
	copies  sync.WaitGroup // the copies of both outputs
	reads   atomic.Int64   // how often something was read of them
	passing atomic.Int32   // how many of the copies are handing on what they read
	input   chan struct{}  // closed when the copy of standard input is over

	failure *cause.First // why the command is ended
}

// newExecution begins to read the standard error of a session.
func newExecution(h *host, link *link, session *session, command providers.Command) *execution {
	stdout, stderr := output.Writers(command.Stdout, command.Stderr)
	e := &execution{session: session, link: link, timing: h.connection.timing, sudo: h.config.Sudo, output: stdout,
		stdout: bufio.NewReaderSize(session.channel, 4<<10), input: make(chan struct{}), failure: cause.New()}
	e.receive("standard error", session.channel.Stderr(), io.MultiWriter(&e.said, stderr))
	return e
}

// begin tells the script to go on, and starts the copies.
func (e *execution) begin(stdin io.Reader) error {
	if _, err := io.WriteString(e.channel, goOn+"\n"); err != nil {
		return e.link.lost(err)
	}
	e.receive("standard output", e.stdout, e.output)
	go e.send(stdin) // wait waits for it, unless its reader hangs
	return nil
}

// giveUp ends a script that was not told to go on.
func (e *execution) giveUp() error {
	e.channel.Close()
	e.copies.Wait()
	if e.group == "" {
		return nil
	}
	return e.link.release(e.sudo, e.group)
}

// receive copies one output stream to w in a goroutine that e.copies waits for. What nobody wants any more is read all the
// same, for the session ends only when everything was.
func (e *execution) receive(name string, from io.Reader, w io.Writer) {
	e.copies.Go(func() {
		buffer := make([]byte, outputSize)
		for wanted := true; ; {
			n, err := from.Read(buffer)
			e.reads.Add(1)
			if n > 0 && wanted {
				e.passing.Add(1)
				if _, err := w.Write(buffer[:n]); err != nil {
					wanted = false
					e.failure.Set(fmt.Errorf("passing on its %s: %w", name, err), false)
				}
				e.passing.Add(-1)
			}
			if err != nil {
				return // that of a broken connection is found by what is asked next over it
			}
		}
	})
}

// send copies r to the command's standard input. Only a clean end of r ends it; after anything else it stays open until
// the whole group is dead.
func (e *execution) send(r io.Reader) {
	defer close(e.input)
	if r != nil && feed.Copy(e.channel, r, e.failure) {
		e.channel.CloseWrite() // it fails only when nobody reads any more
	}
}

// wait returns what the command's end was, once the group is dead and the copies are over.
func (e *execution) wait(ctx context.Context, wanted bool) (ending, error) {
	over, drained := make(chan struct{}), make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { e.watch(ctx, over) })
	how := <-e.ended
	helpers.Go(func() {
		e.copies.Wait()
		close(drained)
	})
	e.drain(drained, wanted)
	close(over)
	// Also the proof that the end of the output was not that of the connection.
	err := e.link.release(e.sudo, e.group)
	e.channel.Close()
	helpers.Wait()
	feed.Await(e.input, e.timing.quiet) // the group has been killed
	switch failure := e.failure.Err(); {
	case failure != nil:
		return how, failure
	case err != nil:
		return how, err
	case !how.told:
		return how, e.link.lost(errors.New("its session was ended without a word of how it did"))
	}
	return how, nil
}

// drain waits for the end of the output of a command that has ended, and for no longer than it is silent.
func (e *execution) drain(drained <-chan struct{}, wanted bool) {
	for {
		before := e.reads.Load()
		timer := time.NewTimer(e.timing.quiet)
		select {
		case <-drained:
			timer.Stop()
			return
		case <-timer.C:
		}
		// The time a slow writer takes is not silence.
		if e.reads.Load() != before || e.passing.Load() > 0 {
			continue
		}
		if wanted {
			e.failure.Set(errHeldOpen, true)
		}
		e.cut()
		<-drained
		return
	}
}

// cut kills the group and closes the session: a process that left the group may hold the streams for ever.
func (e *execution) cut() {
	// It fails only when the connection is gone, and with it the session.
	_, _ = e.link.signal(e.sudo, e.group, syscall.SIGKILL)
	e.channel.Close()
}

// watch ends the group when ctx ends or a stream breaks, and returns when the command is over.
func (e *execution) watch(ctx context.Context, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-ctx.Done():
		e.failure.Set(cause.Interruption(ctx), false)
	case <-e.failure.Done():
	}
	// A connection that is stuck must not hold up whoever wants to stop.
	abandon := time.AfterFunc(patience, e.link.abandon)
	defer abandon.Stop()
	if e.mayBeAsked() {
		_, _ = e.link.signal(e.sudo, e.group, syscall.SIGTERM) // see cut
		timer := time.NewTimer(e.timing.grace)
		defer timer.Stop()
		select {
		case <-over:
			return
		case <-timer.C:
		}
	}
	e.cut()
	<-over
}

// mayBeAsked reports whether the command may be asked to end before it is killed. While it has not got all of its input it
// may not: the server ends the input as soon as the first process of the group has gone, and another one could take what
// has come for all of it.
func (e *execution) mayBeAsked() bool {
	select {
	case <-e.input:
		return !e.failure.Urgent()
	default:
		return false
	}
}
