package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/feed"
	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// outputSize is how much of a command's output is read at once, in bytes.
	outputSize = 256 << 10
	// pipeSize is how much of it may wait to be read, in bytes.
	pipeSize = 1 << 20
)

// execution is a started command with the copies to and from its streams.
type execution struct {
	cmd    *exec.Cmd
	stdin  *os.File // the write end; nil when the command reads nothing
	pipes  []*os.File
	said   output.Tail
	output sync.WaitGroup
	input  chan struct{} // closed when the copy of standard input is over
	ended  atomic.Bool   // the command itself has ended

	failure *cause.First // why the command is ended
}

// start starts the command and the copies.
func start(command providers.Command) (*execution, error) {
	cmd := exec.Command(command.Arguments[0], command.Arguments[1:]...)
	cmd.Dir = command.Directory
	cmd.Env = append(os.Environ(), command.Environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e := &execution{cmd: cmd, input: make(chan struct{}), failure: cause.New()}

	streams, err := connect(cmd, command)
	if err != nil {
		return nil, err
	}
	err = cmd.Start()
	streams.closeTheirs()
	if err != nil {
		streams.closeOurs()
		return nil, err
	}
	e.stdin = streams.stdin
	stdout, stderr := output.Writers(command.Stdout, command.Stderr)
	if streams.stdout != nil {
		e.receive("standard output", streams.stdout, stdout, true)
	}
	e.receive("standard error", streams.stderr, stderr, false)
	go e.send(command.Stdin)
	return e, nil
}

// receive copies one output stream of the command to w in a goroutine that e.output waits for. What is held open by a
// process left behind matters only where the stream is to be complete.
func (e *execution) receive(name string, from *os.File, w io.Writer, complete bool) {
	e.pipes = append(e.pipes, from)
	if !complete {
		w = io.MultiWriter(&e.said, w)
	}
	e.output.Go(func() {
		defer from.Close()
		buffer := make([]byte, outputSize)
		for {
			if e.ended.Load() {
				// Renewed for every read: the time a slow writer takes is not silence.
				from.SetReadDeadline(time.Now().Add(quiet))
			}
			n, err := from.Read(buffer)
			if n > 0 {
				if _, err := w.Write(buffer[:n]); err != nil {
					e.failure.Set(fmt.Errorf("passing on its %s: %w", name, err), false)
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				if complete {
					e.failure.Set(fmt.Errorf("its %s was not finished: a process it left behind still holds it open", name), false)
				}
				return
			}
		}
	})
}

// send copies r to the command's standard input. Only a clean end of r closes it; after anything else it stays open until
// the whole group is dead.
func (e *execution) send(r io.Reader) {
	defer close(e.input)
	if e.stdin != nil && feed.Copy(e.stdin, r, e.failure) {
		e.stdin.Close()
	}
}

// wait returns what the command's end was, once the group is dead and the copies are over.
func (e *execution) wait(ctx context.Context) error {
	over := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { e.watch(ctx, over) })
	return reap(e.cmd, func() {
		e.ended.Store(true)
		for _, pipe := range e.pipes {
			pipe.SetReadDeadline(time.Now().Add(quiet))
		}
		e.output.Wait()
		close(over)
		watcher.Wait()
		e.signal(syscall.SIGKILL)
		e.finishInput()
	})
}

// finishInput ends the copy of standard input after the group has been killed.
func (e *execution) finishInput() {
	if e.stdin == nil {
		return
	}
	e.stdin.Close() // unblocks a Write; a second Close does nothing
	feed.Await(e.input, quiet)
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
	if !e.failure.Urgent() {
		e.signal(syscall.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-over:
			return
		case <-timer.C:
		}
	}
	e.signal(syscall.SIGKILL)
	// A process that left the group may hold the pipes and write for ever. Nobody needs this output any more.
	for _, pipe := range e.pipes {
		pipe.Close()
	}
}

// signal sends a signal to the whole group. The group is there as long as its leader has not been reaped; that everybody
// in it has gone already is no error.
func (e *execution) signal(signal syscall.Signal) {
	// ESRCH is the only failure there can be for a group of our own children, and means that there is nothing left to do.
	syscall.Kill(-e.cmd.Process.Pid, signal)
}
