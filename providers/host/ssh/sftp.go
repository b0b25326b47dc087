package ssh

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// packetSize is how many bytes of a file go into one request to OpenSSH's server, which takes requests of up to 256 KiB in
// all. Others promise 32 KiB.
const packetSize = 255 << 10

// sudoServer becomes the server of files as root. Where that is differs between distributions.
const sudoServer = `for p in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server /usr/libexec/sftp-server; do ` +
	`[ ! -x "$p" ] || { echo "$m ready"; exec "$p"; }; done; echo "$m missing"`

// filesOverLink is the session for files of a link.
type filesOverLink struct {
	mu     sync.Mutex
	client *sftp.Client
	ended  chan struct{} // closed when the session is over
}

// sftp returns the session for files, which the first call starts.
func (l *link) sftp(sudo bool) (*sftp.Client, error) {
	l.files.mu.Lock()
	defer l.files.mu.Unlock()
	if l.files.client != nil {
		select {
		case <-l.files.ended:
		default:
			return l.files.client, nil
		}
	}
	from, to, err := l.fileServer(sudo)
	if err != nil {
		return nil, err
	}
	options := []sftp.ClientOption{sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(true)}
	if strings.Contains(string(l.client().ServerVersion()), "OpenSSH") {
		options = append(options, sftp.MaxPacketUnchecked(packetSize))
	}
	client, err := sftp.NewClientPipe(from, to, options...)
	if err != nil {
		return nil, l.lost(fmt.Errorf("%s does not serve files by SFTP: %w", l.name, err))
	}
	ended := make(chan struct{})
	l.tasks.Go(func() {
		client.Wait() // whoever uses it learns why
		close(ended)
	})
	l.files.client, l.files.ended = client, ended
	return client, nil
}

// fileServer starts the server of files.
func (l *link) fileServer(sudo bool) (io.Reader, io.WriteCloser, error) {
	if sudo {
		return l.fileServerAsRoot()
	}
	channel, requests, err := l.client().OpenChannel("session", nil)
	if err != nil {
		return nil, nil, l.refusedSession(err)
	}
	l.tasks.Go(func() { ssh.DiscardRequests(requests) })
	l.tasks.Go(func() { io.Copy(io.Discard, channel.Stderr()) })
	accepted, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err == nil && !accepted {
		err = fmt.Errorf("%s does not serve files by SFTP: its sshd_config has no Subsystem sftp for this user", l.name)
	}
	if err != nil {
		channel.Close()
		return nil, nil, l.lost(err)
	}
	return channel, channel, nil
}

func (l *link) fileServerAsRoot() (io.Reader, io.WriteCloser, error) {
	session, err := l.open(true, sudoServer)
	if err != nil {
		return nil, nil, err
	}
	said := l.listen(session)
	from := bufio.NewReader(session.channel)
	word, err := session.marked(from)
	if err == nil && word == saysReady {
		return from, session.channel, nil
	}
	if err == nil {
		err = errors.New("there is no sftp-server in its usual places")
	}
	return nil, nil, l.notStarted(true, said.close(), err)
}
