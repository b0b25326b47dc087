package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A server at an address is its own lock: who reads it listens to a channel whose name says who that is, and the server lists the
// channels that somebody listens to. So the lock is the same from wherever the server is reached, writes nothing, and ends with
// the connection.

// channels match the names of those who read: channelPrefix, ID, SINCE in seconds since 1970, the number of the process, USER@HOST.
var channels = regexp.MustCompile(`^` + channelPrefix + `([A-Z2-7]+):([0-9]{1,18}):([0-9]{1,18}):(.*)$`)

const (
	channelPrefix = "imsctl-reading:"
	// claims is how often a lock is tried for, and claimPause how long is waited at least between that: a connection that has just
	// ended is there for a moment, and two who come at once both step back.
	claims     = 5
	claimPause = 100 * time.Millisecond
	// claimInterval is how often is looked whether the lock is still there.
	claimInterval = 2 * time.Second
	// claimGrace is how long a server may take to have it given back.
	claimGrace = 2 * time.Second
)

// channelName makes the name of a reading.
func channelName(now time.Time) string {
	who, host := "somebody", "somewhere"
	if current, err := user.Current(); err == nil {
		who = current.Username
	}
	if name, err := os.Hostname(); err == nil {
		host = name
	}
	return fmt.Sprintf("%s%s:%d:%d:%s@%s", channelPrefix, rand.Text(), now.Unix(), os.Getpid(), who, host)
}

// heldError reports that somebody else is reading.
type heldError struct {
	server fmt.Stringer
	name   string
}

// Error implements error.
func (e *heldError) Error() string {
	who := "another imsctl"
	if parts := channels.FindStringSubmatch(e.name); parts != nil {
		seconds, _ := strconv.ParseInt(parts[2], 10, 64)
		who = fmt.Sprintf("another imsctl, of %s (process %s), since %s", parts[4], parts[3], time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05 MST"))
	}
	return fmt.Sprintf("%s is being read by %s: wait for it; its lock ends with its connection", e.server, who)
}

// claim locks the server against others who read it, or returns a *heldError. The context ends when somebody else has taken the lock; it
// must be given back. A *refusalError is that of a server on which there can be no lock for this user.
func (a *address) claim(ctx context.Context, name string) (context.Context, func(), error) {
	// The connections of the lock outlive the reading for a moment, to give it back.
	connections, drop := context.WithCancel(context.WithoutCancel(ctx))
	claimed, end := context.WithCancelCause(ctx)
	context.AfterFunc(claimed, func() { time.AfterFunc(claimGrace, drop) })
	var held *heldError
	for attempt := range claims {
		if attempt > 0 && !pause(ctx, claimPause+jitter()) {
			break
		}
		listening, err := a.listen(connections, name)
		if err == nil {
			kept := make(chan struct{})
			go func() {
				defer close(kept)
				end(a.keep(claimed, connections, name, listening))
			}()
			return claimed, func() {
				end(nil)
				<-kept
				drop()
			}, nil
		}
		if !errors.As(err, &held) {
			end(nil)
			return ctx, nil, err
		}
	}
	end(nil)
	if ctx.Err() != nil {
		return ctx, nil, ctx.Err()
	}
	return ctx, nil, held
}

// pause waits, and reports whether it was for as long as it should.
func pause(ctx context.Context, span time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(span):
		return true
	}
}

// jitter is up to twice the pause, at random: two who came at once do not come at once again.
func jitter() time.Duration {
	var random [1]byte
	_, _ = rand.Read(random[:])
	return 2 * claimPause * time.Duration(random[0]) / 256
}

// listen listens to the channel, and then looks whether somebody else does so to one: of two, at least the second one sees the other.
func (a *address) listen(ctx context.Context, name string) (*session, error) {
	s, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.command("SUBSCRIBE", name); err != nil {
		s.close()
		return nil, err
	}
	others, err := a.ask(ctx, "PUBSUB", "CHANNELS", channelPrefix+"*")
	if err != nil {
		s.close()
		return nil, err
	}
	for other := range strings.SplitSeq(others, "\n") {
		if other != name && channels.MatchString(other) {
			s.close()
			return nil, &heldError{a, other}
		}
	}
	return s, nil
}

// keep keeps the lock until ctx ends, or somebody else has it: that is the error. A connection that is lost is made again. While that fails
// the reading goes on: what is wrong with the server will show there.
func (a *address) keep(ctx, connections context.Context, name string, s *session) error {
	for pause(ctx, claimInterval) {
		if s != nil {
			// The end of a connection alone is no sign: a server's process that writes a snapshot holds those of others open.
			if _, err := s.command("PING"); err == nil {
				continue
			}
			s.close()
		}
		var held *heldError
		var err error
		if s, err = a.listen(connections, name); errors.As(err, &held) {
			return fmt.Errorf("the lock was lost with its connection: %w", err)
		}
	}
	if s != nil {
		// Whoever comes next finds it given back. Where that fails it ends with the connection.
		_, _ = s.command("UNSUBSCRIBE", name)
		s.close()
	}
	return nil
}
