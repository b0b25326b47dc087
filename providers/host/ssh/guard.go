package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/output"
)

// guardScript ends the process groups of commands. It has a session of its own, so that it can do so while the streams of
// a command are stuck, and when the connection is gone: its standard input ends then, and it ends all that still runs.
const guardScript = `trap '' HUP INT TERM PIPE; echo "$m ready"; all=; ` +
	`while read -r verb g; do case $verb in ` +
	`watch) all="$all $g"; echo done;; ` +
	`forget) k=; for o in $all; do [ "$o" = "$g" ] || k="$k $o"; done; all=$k; echo done;; ` +
	`*) kill -s "$verb" -- "-$g" 2>/dev/null; if kill -s 0 -- "-$g" 2>/dev/null; then echo alive; else echo gone; fi;; ` +
	`esac; done; exec >/dev/null 2>&1; ` +
	`for g in $all; do kill -s TERM -- "-$g"; done; [ -z "$all" ] || sleep 2; ` +
	`for g in $all; do kill -s KILL -- "-$g"; done`

// killWait is how long killed processes may take to be gone, and killLook how often that is looked at.
const (
	killWait = 2 * time.Second
	killLook = 20 * time.Millisecond
)

// guard is the running guardScript of a link.
type guard struct {
	mu      sync.Mutex
	session *session
	answers *bufio.Reader
}

// ask sends the guard a line and returns its answer. The guard is started by the first of them.
func (l *link) ask(ctx context.Context, sudo bool, line string) (string, error) {
	l.guard.mu.Lock()
	defer l.guard.mu.Unlock()
	if l.guard.session == nil {
		if err := l.startGuard(ctx, sudo); err != nil {
			return "", fmt.Errorf("starting what ends commands on %s: %w", l.name, err)
		}
	}
	if _, err := io.WriteString(l.guard.session.channel, line+"\n"); err != nil {
		return "", l.guardLost(err)
	}
	answer, err := l.guard.answers.ReadString('\n')
	if err != nil {
		return "", l.guardLost(err)
	}
	return strings.TrimSpace(answer), nil
}

func (l *link) guardLost(err error) error {
	l.guard.session.channel.Close()
	l.guard.session = nil // the next one to ask starts another
	return l.lost(fmt.Errorf("what ends commands on %s was ended itself: %w", l.name, err))
}

func (l *link) startGuard(ctx context.Context, sudo bool) error {
	session, err := l.open(sudo, guardScript)
	if err != nil {
		return err
	}
	said := l.listen(session)
	stop := context.AfterFunc(ctx, func() { session.channel.Close() })
	answers := bufio.NewReader(session.channel)
	_, err = session.marked(answers)
	if !stop() {
		return cause.Interruption(ctx)
	}
	if err != nil {
		return l.notStarted(sudo, said.close(), err)
	}
	l.guard.session, l.guard.answers = session, answers
	return nil
}

// lastWords is how long is waited for what a script that has ended said of it, which may arrive behind the end of what it wrote.
const lastWords = 5 * time.Second

// complaints are what a session writes to its standard error.
type complaints struct {
	session *session
	said    output.Tail
	read    chan struct{}
}

// listen begins to read them.
func (l *link) listen(session *session) *complaints {
	c := &complaints{session: session, read: make(chan struct{})}
	l.tasks.Go(func() {
		defer close(c.read)
		io.Copy(&c.said, session.channel.Stderr())
	})
	return c
}

// close ends the session and returns the last of them.
func (c *complaints) close() string {
	select {
	case <-c.read:
	case <-time.After(lastWords):
	}
	c.session.channel.Close()
	<-c.read
	return c.said.String()
}

// errNoCommands is a user who may reach files and no more.
var errNoCommands = errors.New("no commands are run there for this user")

// notStarted explains why a script did not come to its first word.
func (l *link) notStarted(sudo bool, said string, err error) error {
	said = strings.TrimSpace(said)
	switch {
	case sudo && said != "":
		return l.lost(fmt.Errorf("sudo on %s does not work without asking: %s; permit it there with NOPASSWD in sudoers, or set sudo = false", l.name, said))
	case said != "":
		return l.lost(fmt.Errorf("%w: %s", errNoCommands, said))
	}
	return l.lost(fmt.Errorf("%w: %w", errNoCommands, err))
}

// watch puts a process group under guard.
func (l *link) watch(ctx context.Context, sudo bool, group string) error {
	_, err := l.ask(ctx, sudo, "watch "+group)
	return err
}

// signal sends a signal to a process group and reports whether anybody is left in it.
func (l *link) signal(sudo bool, group string, signal syscall.Signal) (alive bool, err error) {
	name := map[syscall.Signal]string{0: "0", syscall.SIGTERM: "TERM", syscall.SIGKILL: "KILL"}[signal]
	answer, err := l.ask(context.Background(), sudo, name+" "+group)
	return answer == "alive", err
}

// release kills what is left of a process group, waits until it is gone, and takes it out of the guard's hands.
func (l *link) release(sudo bool, group string) error {
	alive, err := l.signal(sudo, group, syscall.SIGKILL)
	// Dead processes that nobody buries stay in their group for ever.
	for waited := time.Duration(0); alive && err == nil && waited < killWait; waited += killLook {
		time.Sleep(killLook)
		alive, err = l.signal(sudo, group, 0)
	}
	_, forgetErr := l.ask(context.Background(), sudo, "forget "+group)
	return errors.Join(err, forgetErr)
}
