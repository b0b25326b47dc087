package stack

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestStack brings the project up, fills it and takes it down again: it must be healthy, equal to itself, and gone afterwards.
func TestStack(t *testing.T) {
	s, err := Start(t.Context(), "imsctl")
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		testenv.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var progress strings.Builder
	if err := s.Up(t.Context(), &progress); err != nil {
		t.Fatal(err, progress.String())
	}
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, err := s.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(first, second); difference != "" {
		t.Error(difference)
	}
	for name, lines := range first {
		t.Logf("%s: %d lines", name, len(lines))
	}
	inside := exec.Command(s.Operator+"/bin/ssh", "vm", "cd /home/eciroma/inventory-system-novo && docker compose -f", composeFile, "exec -T web", "busybox", "wget", "-qO-", "http://127.0.0.1:8000/cgi-bin/health")
	if output, err := inside.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != `{"status":"healthy"}` {
		t.Errorf("the machine says %q, %v: %s", output, err, s.SSH.Log())
	}
	health, err := get("http://127.0.0.1:" + strconv.Itoa(s.WebPort) + "/cgi-bin/health")
	if err != nil || strings.TrimSpace(health) != `{"status":"healthy"}` {
		t.Errorf("the web server says %q, %v", health, err)
	}
	if err := s.Down(t.Context(), &progress); err != nil {
		t.Fatal(err, progress.String())
	}
	if left := s.Docker.Run(t, "ps", "--all", "--quiet") + s.Docker.Run(t, "volume", "ls", "--quiet"); left != "" {
		t.Errorf("left over: %s", left)
	}
}

// get is what a server answers with.
func get(url string) (string, error) {
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
