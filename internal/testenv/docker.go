package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dockerInit makes a small machine of the namespaces that it is started in, with /run, /home and a network of its own, and runs
// the engine there as a system would: it is started again when it ends orderly. $1 is the folder that becomes /home.
const dockerInit = `set -e
busybox mount --make-rprivate /
busybox mount -t proc proc /proc
busybox mount -t tmpfs tmpfs /run
busybox mkdir -p /run/sshd /run/lock
busybox mount --bind "$1" /home
shift
busybox ip link set lo up
exec docker-init -- busybox sh -c 'while dockerd "$@"; do :; done' dockerd "$@"`

// DockerServer is a container engine, dockerd, as if on a machine of its own: with its own processes, network, /run and
// /home.
// Nothing of it is left when it is closed, or when the test's process dies.
type DockerServer struct {
	// Socket is the path of the engine's socket.
	Socket string
	// Home is the folder that is /home on that machine.
	Home string
	// Variables are what else users of the machine have in their environment, in the form of os.Environ. They must be set before
	// StartSSH.
	Variables []string

	folder string
	lock   *os.File

	mu sync.Mutex
	// process is the first one of the machine, nil while it is off.
	process *exec.Cmd
	exited  <-chan struct{}
}

// ErrOff says that a machine is not there, because of PowerOff.
var ErrOff = errors.New("the machine is off")

// Docker starts an engine that is stopped when the test ends, with all its containers. It has the image Tiny.
func Docker(t testing.TB) *DockerServer {
	t.Helper()
	server, err := StartDocker(context.Background())
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		Skip(t, err.Error())
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

// findDocker looks for everything that an engine is started with.
func findDocker() error {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		return fmt.Errorf("dockerd needs Linux and root: %w", errors.ErrUnsupported)
	}
	for _, program := range []string{"dockerd", "docker", "docker-init", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	return nil
}

// StartDocker starts an engine in a temporary folder and waits until it answers. It must be closed.
func StartDocker(ctx context.Context) (*DockerServer, error) {
	if err := findDocker(); err != nil {
		return nil, err
	}
	sweepDocker()
	// A socket's path must be short, which those of a test's own folder are not.
	folder, err := os.MkdirTemp("", dockerPrefix)
	if err != nil {
		return nil, err
	}
	d := &DockerServer{Socket: filepath.Join(folder, "docker.sock"), Home: filepath.Join(folder, "home"), folder: folder}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.importTiny(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// start makes the machine and starts it.
func (d *DockerServer) start(ctx context.Context) error {
	var err error
	if d.lock, err = lockFolder(d.folder); err != nil {
		return err
	}
	if err := os.Mkdir(d.Home, 0o755); err != nil {
		return err
	}
	return d.PowerOn(ctx)
}

// PowerOn starts the machine and its engine and waits until that answers. After PowerOff it is what was on the disk that is there again, and
// the containers that their policies say are started.
func (d *DockerServer) PowerOn(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(d.folder, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command("busybox", "sh", "-c", dockerInit, "init", d.Home,
		"--host", "unix://"+d.Socket, "--host", "unix:///run/docker.sock",
		"--data-root", filepath.Join(d.folder, "data"), "--exec-root", filepath.Join(d.folder, "exec"), "--pidfile", filepath.Join(d.folder, "pid"),
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+filepath.Base(d.folder), "--log-level", "warn")
	command.Dir, command.Stdout, command.Stderr, command.SysProcAttr = d.folder, log, log, ownNamespaces()
	exited, err := launch(command)
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("namespaces for dockerd: %w: %w", errors.ErrUnsupported, err)
	}
	if err != nil {
		return fmt.Errorf("dockerd: %w", err)
	}
	d.mu.Lock()
	d.process, d.exited = command, exited
	d.mu.Unlock()
	return d.await(ctx, func(int) bool { return true })
}

// PowerOff ends the machine at once, with everything that runs there, as when its power fails. Nothing of /run survives it. It does nothing
// while the machine is off.
func (d *DockerServer) PowerOff() error {
	d.mu.Lock()
	process, exited := d.process, d.exited
	d.process = nil
	d.mu.Unlock()
	if process == nil {
		return nil
	}
	_ = process.Process.Kill() // the error is that it has ended already
	<-exited
	// As /run, they do not survive it elsewhere: the numbers in them would be those of other processes.
	return errors.Join(removeGroups(d.folder), os.RemoveAll(filepath.Join(d.folder, "exec")), os.RemoveAll(filepath.Join(d.folder, "pid")))
}

// pid is the first process of the machine. ErrOff while it is off.
func (d *DockerServer) pid() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return 0, ErrOff
	}
	return d.process.Process.Pid, nil
}

// await waits until an engine answers whose process is the right one.
func (d *DockerServer) await(ctx context.Context, right func(pid int) bool) error {
	d.mu.Lock()
	exited := d.exited
	d.mu.Unlock()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		pid, err := d.ping(ctx)
		if err == nil && right(pid) {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("dockerd ended at once: %s", d.Log())
		case <-time.After(30 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("dockerd does not answer: %w: %s", err, d.Log())
		}
	}
}

// ping asks the engine for an answer and tells its process.
func (d *DockerServer) ping(ctx context.Context) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "unix", d.Socket)
		if err != nil {
			return nil, err
		}
		pid, err = peer(connection.(*net.UnixConn))
		return connection, err
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
	if err != nil {
		return 0, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the engine answers with %s", response.Status)
	}
	return pid, errors.Join(err, response.Body.Close())
}

// Restart ends the engine orderly, with its containers, and waits for the next one. What runs beside it goes on. Containers that
// do not end when they are asked to hold it up; see "docker run --stop-timeout".
func (d *DockerServer) Restart(ctx context.Context) error {
	old, err := d.ping(ctx)
	if err != nil {
		return err
	}
	if err := syscall.Kill(old, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending dockerd: %w", err)
	}
	return d.await(ctx, func(pid int) bool { return pid != old })
}

// Dial connects to what listens on the engine's machine, such as a published port at 127.0.0.1 or a container's own address.
func (d *DockerServer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	pid, err := d.pid()
	if err != nil {
		return nil, err
	}
	return dialFrom(ctx, pid, network, address)
}

// Listen listens on the engine's machine, for what runs there. The listener is of no use after PowerOff and must be closed then, too.
func (d *DockerServer) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	pid, err := d.pid()
	if err != nil {
		return nil, err
	}
	return listenFrom(ctx, pid, network, address)
}

// StartSSH starts an SSH server whose users are on the engine's machine, where the engine's socket is /var/run/docker.sock. The server
// must be closed.
func (d *DockerServer) StartSSH(lines ...string) (*SSHServer, error) {
	if _, err := exec.LookPath("nsenter"); err != nil {
		return nil, err
	}
	return startSSH(d.enter, append([]string{"DOCKER_CONFIG=" + d.config()}, d.Variables...), lines)
}

// enter is what comes before a command to run it on the engine's machine. ErrOff while that is off.
func (d *DockerServer) enter() ([]string, error) {
	pid, err := d.pid()
	if err != nil {
		return nil, err
	}
	return []string{"nsenter", "--target", strconv.Itoa(pid), "--mount", "--net", "--pid"}, nil
}

// Shell is a command of the shell on the engine's machine, started without SSH. It fails while the machine is off.
func (d *DockerServer) Shell(ctx context.Context, script string) *exec.Cmd {
	prefix, err := d.enter()
	if err != nil {
		return &exec.Cmd{Err: err}
	}
	command := exec.CommandContext(ctx, prefix[0], append(prefix[1:], "sh", "-c", script)...)
	command.Env = append(append(os.Environ(), "DOCKER_HOST=unix:///run/docker.sock", "DOCKER_CONFIG="+d.config(), "DOCKER_CONTEXT="), d.Variables...)
	return command
}

// SSH is StartSSH for a test, at whose end the server is stopped.
func (d *DockerServer) SSH(t testing.TB, lines ...string) *SSHServer {
	t.Helper()
	server, err := d.StartSSH(lines...)
	return keepSSH(t, server, err)
}

// Environment is what clients of the engine need in theirs.
func (d *DockerServer) Environment() []string {
	return append(os.Environ(), "DOCKER_HOST=unix://"+d.Socket, "DOCKER_CONFIG="+d.config(), "DOCKER_CONTEXT=")
}

// config is the folder of the settings and plugins of the engine's client.
func (d *DockerServer) config() string { return filepath.Join(d.folder, "config") }

// File is where a file of the engine's machine, with an absolute path there, can be reached from here. ErrOff while that is off.
func (d *DockerServer) File(path string) (string, error) {
	pid, err := d.pid()
	return filepath.Join("/proc", strconv.Itoa(pid), "root", path), err
}

// Command is the engine's own client with these arguments.
func (d *DockerServer) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "docker", arguments...)
	command.Env = d.Environment()
	return command
}

// Run runs the engine's client and returns what it printed, without space around it. The test fails where it does.
func (d *DockerServer) Run(t testing.TB, arguments ...string) string {
	t.Helper()
	command := d.Command(t.Context(), arguments...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(arguments, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// Log is the end of what the engine said.
func (d *DockerServer) Log() string {
	text, _ := os.ReadFile(filepath.Join(d.folder, "log"))
	return string(text[max(0, len(text)-4<<10):])
}

// Close ends the machine at once, with everything that runs there, and removes what it left.
func (d *DockerServer) Close() error {
	err := errors.Join(d.PowerOff(), removeDocker(d.folder))
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}
