package testenv

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHServer is OpenSSH's server on a port of 127.0.0.1, with keys of its own. It lets in the user of the test.
type SSHServer struct {
	// Home is a folder as a user of the server has it: .ssh/id_ed25519, .ssh/known_hosts, and .ssh/config, which calls the
	// server "vm".
	Home string
	Port int
	User string
	// HostKey is what the server shows.
	HostKey ssh.PublicKey

	enter    func() ([]string, error)
	program  string
	folder   string
	listener net.Listener
	serving  sync.WaitGroup

	mu          sync.Mutex
	connections map[*exec.Cmd]net.Conn
	refusing    bool
	closed      bool
}

// SSH starts a server that is stopped when the test ends. Lines of sshd_config may be added.
func SSH(t testing.TB, lines ...string) *SSHServer {
	t.Helper()
	server, err := StartSSH(lines...)
	return keepSSH(t, server, err)
}

// keepSSH keeps a server that was started until the test ends.
func keepSSH(t testing.TB, server *SSHServer, err error) *SSHServer {
	t.Helper()
	if errors.Is(err, exec.ErrNotFound) {
		Skip(t, "openssh-server is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// StartSSH starts a server. Each connection is given to an sshd of its own, as inetd would, so that they can be cut.
func StartSSH(lines ...string) (*SSHServer, error) {
	return startSSH(func() ([]string, error) { return nil, nil }, nil, lines)
}

// startSSH starts a server whose programs are started by what enter says, and have more in their environment. Where enter fails there
// is nobody to connect to.
func startSSH(enter func() ([]string, error), environment, lines []string) (*SSHServer, error) {
	program, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		if program, err = exec.LookPath("sshd"); err != nil {
			return nil, fmt.Errorf("sshd: %w", exec.ErrNotFound)
		}
	}
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		// As root it wants this folder, which its service makes where it is started as one.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp("", "imsctl-ssh-")
	if err != nil {
		return nil, err
	}
	s := &SSHServer{Home: filepath.Join(folder, "home"), User: who.Username, enter: enter, program: program, folder: folder, connections: make(map[*exec.Cmd]net.Conn)}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s.Port = s.listener.Addr().(*net.TCPAddr).Port
	if err := s.configure(environment, lines); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.serving.Go(s.serve)
	return s, nil
}

// configure writes the files of the server and of its user.
func (s *SSHServer) configure(environment, lines []string) error {
	private := filepath.Join(s.Home, ".ssh")
	if err := os.MkdirAll(private, 0o700); err != nil {
		return err
	}
	hostKey, err := NewSSHKey(filepath.Join(s.folder, "host_key"))
	if err != nil {
		return err
	}
	userKey, err := NewSSHKey(filepath.Join(private, "id_ed25519"))
	if err != nil {
		return err
	}
	s.HostKey = hostKey
	config := append([]string{
		"HostKey " + filepath.Join(s.folder, "host_key"),
		"AuthorizedKeysFile " + filepath.Join(s.folder, "authorized_keys"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PermitRootLogin yes",
		"AuthenticationMethods publickey",
		"UseDNS no",
		"LogLevel ERROR",
		"Subsystem sftp internal-sftp",
		// The level keeps bash from reading the settings that somebody has on this machine, which take their time.
		`SetEnv SHLVL=9 "` + strings.Join(append([]string{"PATH=" + os.Getenv("PATH")}, environment...), `" "`) + `"`,
	}, lines...)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	for name, text := range map[string]string{
		filepath.Join(s.folder, "sshd_config"):     strings.Join(config, "\n") + "\n",
		filepath.Join(s.folder, "authorized_keys"): string(ssh.MarshalAuthorizedKey(userKey)),
		filepath.Join(private, "known_hosts"):      knownhosts.Line([]string{address}, hostKey) + "\n",
		filepath.Join(private, "config"): fmt.Sprintf("Host vm\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  IdentityFile %s\n  UserKnownHostsFile %s\n",
			s.Port, s.User, filepath.Join(private, "id_ed25519"), filepath.Join(private, "known_hosts")),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// NewSSHKey makes a key in a file and returns its public part.
func NewSSHKey(name string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "imsctl test")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

// Authorize lets another key in.
func (s *SSHServer) Authorize(key ssh.PublicKey) error {
	file, err := os.OpenFile(filepath.Join(s.folder, "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(ssh.MarshalAuthorizedKey(key))
	return errors.Join(err, file.Close())
}

// serve gives connections to servers until the listener is closed.
func (s *SSHServer) serve() {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.handle(connection.(*net.TCPConn))
	}
}

// handle starts a server for a connection.
func (s *SSHServer) handle(connection *net.TCPConn) {
	file, err := connection.File()
	if err != nil {
		connection.Close()
		return
	}
	defer file.Close()
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		connection.Close()
		return
	}
	defer log.Close()
	words, err := s.enter()
	if err != nil {
		connection.Close()
		return
	}
	words = append(words, s.program, "-i", "-e", "-f", filepath.Join(s.folder, "sshd_config"))
	command := exec.Command(words[0], words[1:]...)
	command.Stdin, command.Stdout, command.Stderr = file, file, log
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.refusing || command.Start() != nil {
		connection.Close()
		return
	}
	s.connections[command] = connection
	s.serving.Go(func() {
		_ = command.Wait() // how a connection ended is no concern of the server
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.connections, command)
		connection.Close()
	})
}

// Cut breaks all connections at once, as a network does that fails. New ones are served.
func (s *SSHServer) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, connection := range s.connections {
		if raw, err := connection.(*net.TCPConn).SyscallConn(); err == nil {
			// Closing this end alone would not do: the server has the connection too.
			_ = raw.Control(func(descriptor uintptr) { _ = syscall.Shutdown(int(descriptor), syscall.SHUT_RDWR) })
		}
	}
}

// Refuse has new connections closed at once, until it is told otherwise. Those that there are go on; see Cut.
func (s *SSHServer) Refuse(refusing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = refusing
}

// Connections tells how many there are.
func (s *SSHServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Log is what the servers complained of.
func (s *SSHServer) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return string(text)
}

// Close cuts all connections, waits for their servers and removes the folder. It does nothing the second time.
func (s *SSHServer) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	err := s.listener.Close()
	s.Cut()
	s.serving.Wait()
	return errors.Join(err, os.RemoveAll(s.folder))
}
