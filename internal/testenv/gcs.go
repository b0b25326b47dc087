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
	"strconv"
	"strings"
	"testing"
	"time"
)

// Emulator is a server in a process of its own that stands for a cloud.
type Emulator struct {
	process *exec.Cmd
	exited  <-chan struct{}
}

// Stop ends the server at once and waits for it.
func (e *Emulator) Stop() {
	_ = e.process.Process.Kill()
	<-e.exited
}

// CPU is the processor time that the server has used so far, as /proc shows it (proc(5)); 0 where there is no /proc.
func (e *Emulator) CPU() time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(e.process.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets, which may hold anything; user and system time are the 14th and 15th,
	// in ticks of which Linux shows a hundred per second.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const firstField, userTime, systemTime = 3, 14, 15
	if len(fields) <= systemTime-firstField {
		return 0
	}
	var ticks int64
	for _, at := range []int{userTime, systemTime} {
		count, err := strconv.ParseInt(fields[at-firstField], 10, 64)
		if err != nil {
			return 0
		}
		ticks += count
	}
	return time.Duration(ticks) * time.Second / 100
}

// startEmulator starts a server and waits until it answers at url.
func startEmulator(command *exec.Cmd, url string) (*Emulator, error) {
	command.SysProcAttr = dyingWithParent()
	exited, err := launch(command)
	if err != nil {
		return nil, err
	}
	emulator := &Emulator{process: command, exited: exited}
	if err := awaitHTTP(url, exited); err != nil {
		emulator.Stop()
		return nil, err
	}
	return emulator, nil
}

// freePort is a port that nobody listens on now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), listener.Close()
}

// GCS starts an emulator of Google Cloud Storage that is stopped when the test ends. It returns its endpoint, such as
// http://127.0.0.1:4443.
func GCS(t testing.TB) string {
	t.Helper()
	if _, err := BuildGCS(context.Background()); err != nil {
		Skip(t, err.Error())
	}
	endpoint, emulator, err := StartGCS(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(emulator.Stop)
	return endpoint
}

// StartGCS starts an emulator of Google Cloud Storage, fake-gcs-server, that keeps its objects in memory, and returns its
// endpoint. It must be stopped.
func StartGCS(ctx context.Context) (endpoint string, emulator *Emulator, err error) {
	program, err := BuildGCS(ctx)
	if err != nil {
		return "", nil, err
	}
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	endpoint = "http://127.0.0.1:" + port
	command := exec.Command(program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", port,
		"-external-url", endpoint, "-public-host", "127.0.0.1", "-log-level", "error")
	if emulator, err = startEmulator(command, endpoint+"/storage/v1/b?project=test"); err != nil {
		return "", nil, fmt.Errorf("fake-gcs-server: %w", err)
	}
	return endpoint, emulator, nil
}

// BuildGCS builds the emulator and returns the path of the program.
func BuildGCS(ctx context.Context) (string, error) {
	return buildTool(ctx, "emulators", "github.com/fsouza/fake-gcs-server", "fake-gcs-server")
}

// awaitHTTP waits until a server answers, or its process has ended.
func awaitHTTP(url string, exited <-chan struct{}) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		response, err := http.Get(url)
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-exited:
			return fmt.Errorf("it ended at once")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// MakeBucket makes a bucket in an emulator of Google Cloud Storage.
func MakeBucket(ctx context.Context, endpoint, name string) error {
	body := strings.NewReader(fmt.Sprintf(`{"name": %q}`, name))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/storage/v1/b?project=test", body)
	if err != nil {
		return fmt.Errorf("making bucket %s: %w", name, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("making bucket %s: %w", name, err)
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("making bucket %s: %s", name, response.Status)
	}
	return errors.Join(err, response.Body.Close())
}
