package testenv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestDocker(t *testing.T) {
	docker := Docker(t)
	docker.Run(t, "network", "create", "inside")
	docker.Run(t, "run", "--detach", "--network", "inside", "--name", "web", "--restart", "always", "--publish", "127.0.0.1:8000:80", Tiny,
		"sh", "-c", "trap exit TERM; mkdir -p /www; echo well >/www/health; httpd -f -h /www & wait")
	if got := docker.Run(t, "run", "--rm", "--network", "inside", Tiny, "sh", "-c", "until wget -qO- http://web/health; do sleep 0.1; done"); got != "well" {
		t.Errorf("containers of one network: got %q", got)
	}
	reach := func() {
		t.Helper()
		connection, err := docker.Dial(t.Context(), "tcp", "127.0.0.1:8000")
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if _, err := connection.Write([]byte("GET /health HTTP/1.0\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("the published port answers %q, %v", line, err)
		}
	}
	reach()
	if err := docker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	docker.Run(t, "exec", "web", "true")
}

// TestDockerDiesWithTheTest kills a process that has started an engine and a container, and looks for what is left.
func TestDockerDiesWithTheTest(t *testing.T) {
	if os.Getenv("IMSCTL_TEST_ORPHAN") != "" {
		docker := Docker(t)
		docker.Run(t, "run", "--detach", Tiny)
		fmt.Printf("pid=%d folder=%s\n", docker.process.Process.Pid, docker.folder)
		select {} // until it is killed
	}
	Docker(t)
	command := exec.Command(os.Args[0], "-test.run", "^TestDockerDiesWithTheTest$")
	command.Env = append(os.Environ(), "IMSCTL_TEST_ORPHAN=1")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
	var pid int
	var folder string
	if _, scanErr := fmt.Sscanf(line, "pid=%d folder=%s", &pid, &folder); scanErr != nil || err != nil {
		t.Fatalf("it says %q: %v, %v", line, err, scanErr)
	}
	// The first process of the machine ends after all others there.
	for deadline := time.Now().Add(time.Minute); running(pid); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
	sweepDocker()
	left, _ := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(folder))
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("left over: %s (%v) and control groups %v", folder, err, left)
	}
}

// running tells whether there is a process that has not ended; a system may keep one that has.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}
