package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/stack"
)

// TestDisasterRecovery does what docs/operations.md tells, with the test stack: everything is backed up and drilled, the machine is
// lost with all its data and the state, and everything is restored. What is there then must be equal to what was there.
func TestDisasterRecovery(t *testing.T) {
	program, err := exec.LookPath("imsctl")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), program)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		testenv.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var progress strings.Builder
	if err := s.Up(t.Context(), &progress); err != nil {
		t.Fatal(err, progress.String())
	}
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := s.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(before["redis"]) < 500 || len(before["ims_staging rows"]) < 7 || len(before["inventory-system-novo"]) < 80 {
		t.Fatalf("the stack has hardly any data: %v", before)
	}
	commands := fenced(readText(t, filepath.Join(repository, "docs", "operations.md")), "sh")
	lost := false
	for _, section := range []string{"Every day", "Before it is needed", "The machine is gone"} {
		for _, command := range commands[section] {
			operate(t, s, command)
			if command == lastLoss {
				mustBeLost(t, s)
				lost = true
			}
		}
	}
	if !lost {
		t.Errorf("nothing was lost: the page has no command %q", lastLoss)
	}
	after, err := s.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(before, after); difference != "" {
		t.Errorf("what was restored differs from what was lost:\n%s", difference)
	}
	for _, command := range commands["Only a part is gone"] {
		operate(t, s, command)
	}
}

// lastLoss is the command of the page after which everything is gone.
const lastLoss = "rm -rf .imsctl"

// mustBeLost sees to it that there is something to restore.
func mustBeLost(t *testing.T, s *stack.Stack) {
	t.Helper()
	files, err := os.ReadDir(s.Home)
	if err != nil || len(files) > 0 {
		t.Errorf("the machine still has %v (%v)", files, err)
	}
	if left := s.Docker.Run(t, "ps", "--all", "--quiet") + s.Docker.Run(t, "volume", "ls", "--quiet"); left != "" {
		t.Errorf("the engine still has %s", left)
	}
	if _, err := os.Stat(filepath.Join(s.Operator, ".imsctl")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is still there (%v)", err)
	}
}

// fenced are what a page has in its fences of a language, by the second-level headings that they are under: of sh each line, of others
// each block as it is.
func fenced(page, language string) map[string][]string {
	found := make(map[string][]string)
	for _, section := range strings.Split(page, "\n## ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if language == "sh" {
				found[heading] = append(found[heading], strings.Split(strings.TrimSpace(block[1]), "\n")...)
			} else {
				found[heading] = append(found[heading], block[1])
			}
		}
	}
	return found
}

// operate runs a command as the operator does.
func operate(t *testing.T, s *stack.Stack, line string) {
	t.Helper()
	command := exec.Command("bash", "-c", line)
	command.Dir = s.Operator
	command.Env = append(os.Environ(), "PATH="+filepath.Join(s.Operator, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	t.Logf("$ %s\n%s", line, output)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}
