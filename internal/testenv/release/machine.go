package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// Machine is where projects are deployed: sshd, a container engine with Docker Compose, and git.
type Machine struct {
	Docker *testenv.DockerServer
	SSH    *testenv.SSHServer

	// key is that of the operator and of the machine, for remotes. It lies in keys with their known_hosts, which is on the machine, too.
	key  ssh.PublicKey
	keys string

	mu       sync.Mutex
	projects map[*Project]struct{}
}

// Shared is one machine for the tests of a package, which is started when the first of them needs it.
type Shared struct {
	mu      sync.Mutex
	machine *Machine
	err     error
}

// Run runs the tests and closes the machine. It returns what the process ends with.
func (s *Shared) Run(m *testing.M) int {
	code := m.Run()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.machine == nil {
		return code
	}
	if err := s.machine.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Machine is the machine. The test is skipped where it cannot be started on this system.
func (s *Shared) Machine(t testing.TB) *Machine {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.machine == nil && s.err == nil {
		s.machine, s.err = Start(context.Background())
	}
	mustStart(t, s.err)
	return s.machine
}

// New starts a machine for one test, at whose end it is closed. The test is skipped where it cannot be started on this system.
func New(t testing.TB) *Machine {
	t.Helper()
	m, err := Start(t.Context())
	mustStart(t, err)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// mustStart ends a test whose machine could not be started.
func mustStart(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		testenv.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Start starts a machine. It must be closed. It returns exec.ErrNotFound and errors.ErrUnsupported as testenv.StartDocker does.
func Start(ctx context.Context) (started *Machine, err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, err
	}
	m := &Machine{projects: make(map[*Project]struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	if m.Docker, err = testenv.StartDocker(ctx); err != nil {
		return nil, err
	}
	if err := m.Docker.PlugCompose(ctx); err != nil {
		return nil, err
	}
	m.keys = filepath.Join(m.Docker.Home, ".remotes")
	if err := os.Mkdir(m.keys, 0o700); err != nil {
		return nil, err
	}
	if m.key, err = testenv.NewSSHKey(filepath.Join(m.keys, "id_ed25519")); err != nil {
		return nil, err
	}
	m.Docker.Variables = append(gitOver("/home/.remotes"), gitSettings...)
	m.SSH, err = m.Docker.StartSSH()
	return m, err
}

// gitOver has git use SSH with what is in a folder of keys.
func gitOver(keys string) []string {
	return []string{"GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -i " + keys + "/id_ed25519 -o UserKnownHostsFile=" + keys + "/known_hosts"}
}

// Environment is what an operator's program needs in its environment to reach the machine, as "vm" by SSH, and the remotes.
func (m *Machine) Environment() []string {
	return append(append([]string{"HOME=" + m.SSH.Home}, gitOver(m.keys)...), gitSettings...)
}

// trust makes a remote known here and on the machine.
func (m *Machine) trust(r *Remote) error {
	if err := r.ssh.Authorize(m.key); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(m.keys, "known_hosts"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, knownhosts.Line([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports[0]))}, r.ssh.HostKey))
	return errors.Join(err, file.Close())
}

// Run runs a command of the shell on the machine and returns what it printed, without space around it. It needs no SSH. The test fails
// where the command does.
func (m *Machine) Run(t testing.TB, script string) string {
	t.Helper()
	output, err := m.Docker.Shell(t.Context(), script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, output)
	}
	return strings.TrimSpace(string(output))
}

// Login runs a command of the shell on the machine as Run does, over SSH.
func (m *Machine) Login(t testing.TB, script string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "ssh", "-F", filepath.Join(m.SSH.Home, ".ssh", "config"), "-o", "BatchMode=yes", "vm", script)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s: %s", script, err, output, m.SSH.Log())
	}
	return strings.TrimSpace(string(output))
}

// PowerOff ends everything on the machine at once. Until PowerOn nothing of it can be reached.
func (m *Machine) PowerOff(t testing.TB) {
	t.Helper()
	if err := m.Docker.PowerOff(); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for project := range m.projects {
		if project.Remote != nil {
			project.Remote.leave()
		}
	}
}

// PowerOn starts the machine again, and with it the containers that their policies say. They need a moment; see Polling.Await.
func (m *Machine) PowerOn(t testing.TB) {
	t.Helper()
	if err := m.powerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (m *Machine) powerOn(ctx context.Context) error {
	if err := m.Docker.PowerOn(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for project := range m.projects {
		if project.Remote == nil {
			continue
		}
		if err := project.Remote.listen(ctx, m.Docker); err != nil {
			return err
		}
	}
	return nil
}

// Reboot is PowerOff and PowerOn.
func (m *Machine) Reboot(t testing.TB) {
	t.Helper()
	m.PowerOff(t)
	m.PowerOn(t)
}

// Close ends the machine and removes it.
func (m *Machine) Close() error {
	var err error
	if m.SSH != nil {
		err = m.SSH.Close()
	}
	if m.Docker != nil {
		err = errors.Join(err, m.Docker.Close())
	}
	return err
}
