package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// notices is who is told what happens: a server that the webhook leads to.
type notices struct {
	server *httptest.Server
	mu     sync.Mutex
	list   []string
}

func listenForNotices(t *testing.T) *notices {
	n := &notices{}
	n.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var notice struct {
			Event string
			About []struct{ Address string }
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if err := json.NewDecoder(request.Body).Decode(&notice); err != nil {
			n.list = append(n.list, "not understood: "+err.Error())
			return
		}
		for _, about := range notice.About {
			n.list = append(n.list, notice.Event+" "+about.Address)
		}
	}))
	t.Cleanup(n.server.Close)
	return n
}

// heard is what was told since it was asked last.
func (n *notices) heard() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

// people moves the state to a server. Ana's apply asks her whether to go on, and Bruno comes meanwhile.
func (s *story) people() {
	s.t.Helper()
	commands := s.commands["Several people"]
	if len(commands) != 4 {
		s.t.Fatalf("the section has other commands: %q", commands)
	}
	before := s.artifacts()
	s.change("ims.hcl", "  state \"local\" { # the default; also postgres, gcs, azblob\n    path = \".imsctl/state.json\"\n  }\n", s.configurations["Several people"][0])
	s.operate(commands[0])
	s.now = s.now.AddDate(0, 0, 1)
	ana := s.operator("imsctl", "apply", "-exclude", "deploy.ims")
	answer, said := s.ask(ana)
	s.says(s.operate(commands[1]), `is locked by "imsctl apply" of `)
	s.says(s.operate(commands[2]), `is locked by "imsctl apply" of .* \(process \d+\) since .*: wait until that is finished, or give -lock-timeout`)
	bruno := make(chan string)
	go func() {
		output, err := s.operator("bash", "-c", commands[3]).CombinedOutput()
		if err != nil {
			output = append(output, err.Error()...)
		}
		bruno <- string(output)
	}()
	if _, err := io.WriteString(answer, "yes\n"); err != nil {
		s.t.Error(err)
	}
	if err := ana.Wait(); err != nil {
		s.t.Errorf("Ana: %v: %s", err, said)
	}
	s.says(said.String(), "Apply complete")
	s.says(<-bruno, "Apply complete|No changes")
	taken := make(map[string]int)
	for _, id := range s.artifacts() {
		if !slices.Contains(before, id) {
			name, _, _ := strings.Cut(id, "-")
			taken[name]++
		}
	}
	if len(taken) < 5 || slices.Max(slices.Collect(maps.Values(taken))) > 1 {
		s.t.Errorf("the two have backed up %v", taken)
	}
}

// prompt is what a person sees. asked is closed when they are asked something.
type prompt struct {
	mu    sync.Mutex
	text  strings.Builder
	asked chan struct{}
	once  sync.Once
}

func (p *prompt) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(data)
	if strings.Contains(p.text.String(), "Enter a value:") {
		p.once.Do(func() { close(p.asked) })
	}
	return len(data), nil
}

func (p *prompt) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// ask starts a command and waits until it asks, so that it can be answered.
func (s *story) ask(command *exec.Cmd) (answer io.Writer, said *prompt) {
	s.t.Helper()
	said = &prompt{asked: make(chan struct{})}
	command.Stdout, command.Stderr = said, said
	answer, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-said.asked:
	case <-time.After(3 * time.Minute):
		s.t.Fatalf("nobody was asked: %s", said)
	}
	return answer, said
}

// workflows holds what CI gets against its linters.
func (s *story) workflows() {
	s.section("In CI")
	for name, arguments := range map[string][]string{
		".github/workflows/imsctl.yml": {testenv.Actionlint(s.t), "-"},
		"units/imsctl-cronjob.yaml":    {testenv.ManifestLinter(s.t)},
	} {
		command := s.operator(arguments[0], arguments[1:]...)
		command.Stdin = strings.NewReader(readText(s.t, filepath.Join(s.Operator, name)))
		if output, err := command.CombinedOutput(); err != nil {
			s.t.Errorf("%s: %v: %s", name, err, output)
		}
	}
	s.operate("git init --quiet && git remote add origin git@gitlab.example:ops/ims.git && git add .gitlab-ci.yml && git -c user.name=ops -c user.email=ops@example.org commit --quiet --message CI")
	s.operate(testenv.GitlabLinter(s.t) + " --list")
}
