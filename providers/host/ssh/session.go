package ssh

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
)

// bootstrap is all that the process list of the far side shows. What is to be run comes as the first line of standard
// input: a shell reads it byte by byte, so that the rest is left for the program. It is read alike by the shells of sh's
// family, csh's and fish.
const bootstrap = `exec sh -c 'IFS= read -r s; eval "$s"'`

// sudoBootstrap is bootstrap as root.
const sudoBootstrap = `exec sudo -n -- sh -c 'IFS= read -r s; eval "$s"'`

// ending is how a program ended.
type ending struct {
	// told says that the machine said so; otherwise the session just ended.
	told   bool
	status int
	signal string
}

// session is a script on the far side, with its streams.
type session struct {
	channel ssh.Channel
	// mark is a word that nobody else knows. Lines of the script that begin with it are for us.
	mark string
	// ended gets how the script ended, once.
	ended chan ending
}

// open starts a script, which sees its mark as $m. The session ends with the link at the latest.
func (l *link) open(sudo bool, script string) (*session, error) {
	channel, requests, err := l.client().OpenChannel("session", nil)
	if err != nil {
		return nil, l.refusedSession(err)
	}
	s := &session{channel: channel, mark: rand.Text(), ended: make(chan ending, 1)}
	l.tasks.Go(func() { s.follow(requests) })
	command := bootstrap
	if sudo {
		command = sudoBootstrap
	}
	accepted, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command}))
	if err == nil && !accepted {
		err = errNoCommands
	}
	if err == nil {
		if _, err = io.WriteString(channel, "m="+s.mark+"; "+script+"\n"); err != nil {
			// Something else than a shell was started, and has ended already.
			err = fmt.Errorf("%w: %w", errNoCommands, err)
		}
	}
	if err != nil {
		channel.Close()
		return nil, l.lost(err)
	}
	return s, nil
}

// refusedSession explains why there is no further session.
func (l *link) refusedSession(err error) error {
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s permits no more sessions over one connection (%s): MaxSessions in its sshd_config should be 10 or more", l.name, refused.Message)
	}
	return l.lost(err)
}

// follow reads what the machine says of the session until that is closed.
func (s *session) follow(requests <-chan *ssh.Request) {
	told := false
	for request := range requests {
		if how, ok := readEnding(request); ok && !told {
			told = true
			s.ended <- how
		}
		if request.WantReply {
			request.Reply(false, nil) // only the end of the connection can be in the way
		}
	}
	if !told {
		s.ended <- ending{}
	}
}

// readEnding reads how a program ended, where a request says so (RFC 4254, 6.10).
func readEnding(request *ssh.Request) (ending, bool) {
	switch request.Type {
	case "exit-status":
		var said struct{ Status uint32 }
		err := ssh.Unmarshal(request.Payload, &said)
		return ending{told: true, status: int(said.Status)}, err == nil
	case "exit-signal":
		var said struct {
			Signal        string
			Dumped        bool
			Message, Lang string
		}
		err := ssh.Unmarshal(request.Payload, &said)
		return ending{told: true, status: -1, signal: "SIG" + said.Signal}, err == nil
	}
	return ending{}, false
}

// marked reads standard output up to the line that begins with the mark, and returns the rest of that. What comes before
// it was written by the settings of a shell and is nobody's output.
func (s *session) marked(from *bufio.Reader) (string, error) {
	for {
		line, err := from.ReadString('\n')
		if _, said, found := strings.Cut(line, s.mark+" "); found && err == nil {
			return strings.TrimSuffix(said, "\n"), nil
		}
		if err != nil {
			return "", err
		}
	}
}
