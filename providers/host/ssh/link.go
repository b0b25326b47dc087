package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// maxCommands is how many commands run at once over one connection. Machines permit ten sessions as a rule; files and
	// the guard need one each.
	maxCommands = 8
	// maxSilent is how many moments may pass without an answer before a connection counts as broken.
	maxSilent = 3
	// ballastSize is by how much the memory in use looks larger than it is while there is a connection, in bytes.
	ballastSize = 32 << 20
)

// aliveRequest is what a machine is asked to see whether it is still there.
const aliveRequest = "keepalive@openssh.com"

// errSilent is why a connection is given up that does not answer any more.
var errSilent = errors.New("the machine does not answer any more")

// link is one connection to the machine, from the moment it lets us in until it breaks or is closed.
type link struct {
	name    string
	clients []*ssh.Client // the last is that to the machine, the others those that it goes through
	slots   chan struct{}
	done    chan struct{} // closed when the connection is no more
	tasks   sync.WaitGroup

	mu    sync.Mutex
	cause error

	guard guard
	files filesOverLink

	// ballast is memory that is never touched, and so takes none. Each packet is a piece of memory that is soon garbage, and the collector
	// would run a hundred times in a second when there is hardly anything else.
	ballast []byte
}

// newLink takes a connection over and watches it. Close waits for the watchers.
func newLink(name string, clients []*ssh.Client, ticker func() (<-chan time.Time, func())) *link {
	l := &link{name: name, clients: clients, slots: make(chan struct{}, maxCommands), done: make(chan struct{}),
		ballast: make([]byte, ballastSize)}
	l.tasks.Go(func() {
		defer close(l.done)
		err := l.client().Wait()
		l.fail(err)
		closeAll(l.clients)
	})
	l.tasks.Go(func() { l.keepAlive(ticker) })
	return l
}

// client is the connection to the machine itself.
func (l *link) client() *ssh.Client { return l.clients[len(l.clients)-1] }

// fail notes the first reason why the connection is no more.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		l.cause = err
	}
}

// isBroken reports whether the connection is no more.
func (l *link) isBroken() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// broken is the error of an operation that was in progress when the connection broke. What has become of it is not known.
func (l *link) broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return fmt.Errorf("%w: the SSH connection to %s broke", providers.ErrTemporary, l.name)
	}
	return fmt.Errorf("%w: the SSH connection to %s broke: %w", providers.ErrTemporary, l.name, l.cause)
}

// lost is the error of an operation that came to an end that nobody asked for: that the connection broke, or else err.
func (l *link) lost(err error) error {
	if _, _, alive := l.client().SendRequest(aliveRequest, true, nil); alive != nil {
		// One direction may be broken before the other one.
		l.fail(alive)
		l.clients[0].Close()
		<-l.done
		return l.broken()
	}
	return err
}

// abandon gives up a connection whose machine does not answer in time.
func (l *link) abandon() {
	l.fail(errSilent)
	l.clients[0].Close() // it is broken as good as it gets
}

// keepAlive asks the machine at every tick whether it is still there, and gives the connection up when it does not answer.
func (l *link) keepAlive(ticker func() (<-chan time.Time, func())) {
	ticks, stop := ticker()
	defer stop()
	answered := make(chan struct{}, 1)
	waiting, silent := false, 0
	for {
		select {
		case <-l.done:
			return
		case <-answered:
			waiting, silent = false, 0
		case <-ticks:
			if !waiting {
				waiting = true
				l.tasks.Go(func() {
					// That it is refused is an answer too; that there is none closes l.done.
					_, _, _ = l.client().SendRequest(aliveRequest, true, nil)
					answered <- struct{}{}
				})
				continue
			}
			if silent++; silent == maxSilent {
				l.abandon()
			}
		}
	}
}

// close ends the connection and waits until nothing works on it any more.
func (l *link) close() {
	l.fail(errors.New("it was closed"))
	closeAll(l.clients)
	l.tasks.Wait()
}

// connection gives out the link to a machine, and makes a new one when there is none or the last one broke.
type connection struct {
	name   string
	config Config
	around func() (surroundings, error)
	timing timing
	// turn is held while a link is looked at or made.
	turn chan struct{}
	link *link
}

func newConnection(config Config, around func() (surroundings, error), timing timing) *connection {
	return &connection{name: config.Address, config: config, around: around, timing: timing, turn: make(chan struct{}, 1)}
}

// get returns a link that was not broken a moment ago.
func (c *connection) get(ctx context.Context) (*link, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, cause.Interruption(ctx)
	}
	if c.link != nil && !c.link.isBroken() {
		return c.link, nil
	}
	if c.link != nil {
		c.link.close()
		c.link = nil
	}
	around, err := c.around()
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(around)
	if err != nil {
		return nil, err
	}
	way, err := settings.way(c.config)
	if err != nil {
		return nil, err
	}
	clients, err := dial(ctx, way, c.timing.dial)
	if err != nil {
		return nil, err
	}
	c.link = newLink(c.name, clients, c.timing.ticker)
	return c.link, nil
}

// close ends the link. The next operation makes a new one.
func (c *connection) close() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.link != nil {
		c.link.close()
		c.link = nil
	}
}
