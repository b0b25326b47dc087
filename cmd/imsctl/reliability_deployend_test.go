package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// newest is the identifier of the last deploy, "" for none. How many there are says nothing: the state keeps the newest ones only.
func (s *shop) newest() string {
	s.t.Helper()
	releases := s.releases()
	if len(releases) == 0 {
		return ""
	}
	return releases[len(releases)-1].ID
}

// phase is how the last deploy ended, where it is not the one that was the newest before.
func (s *shop) phase(before string) string {
	s.t.Helper()
	releases := s.releases()
	if len(releases) == 0 || releases[len(releases)-1].ID == before {
		return "none"
	}
	last := releases[len(releases)-1]
	words := strings.ReplaceAll(string(last.Phase), "_", " ")
	if !last.Phase.Final() {
		return "left " + words
	}
	return words
}

// settle applies until nothing is left to do, and holds what is there against what is promised: every deploy has ended, the last one, of a
// commit, as promoted or rolled back, and what that says runs. It returns what was said.
func (s *shop) settle(commit string) string {
	s.t.Helper()
	var said []string
	restarted := false
	for limit, tries := time.Now().Add(2*time.Minute), 5; tries > 0 && time.Now().Before(limit); tries-- {
		code, output := s.apply()
		words := strings.Join(strings.Fields(output), " ")
		said = append(said, output)
		if code == exitDone || strings.Contains(words, "deploy -again") {
			break
		}
		if strings.Contains(words, "held by the host itself") {
			tries++
		}
		if strings.Contains(words, "restart the engine") && !restarted {
			// What is to be done is said, and only who owns the machine can do it.
			restarted = true
			s.t.Log("the engine has lost a port, and is restarted")
			if err := s.project.Machine.Docker.Restart(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	releases := s.releases()
	for _, made := range releases {
		if !made.Phase.Final() {
			s.t.Errorf("the deploy %s is left %s", made.ID, made.Phase)
		}
	}
	last := releases[len(releases)-1]
	if last.Commit != commit {
		s.t.Errorf("the last deploy was of %s, not of %s", last.Commit, commit)
	}
	want := last.Commit
	switch last.Phase {
	case state.Promoted:
	case state.RolledBack:
		want = last.PreviousCommit
	default:
		s.t.Errorf("the last deploy ended as %s: %s", last.Phase, last.Error)
	}
	wrong := ""
	for limit := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if wrong = s.wrong(want); wrong == "" || time.Now().After(limit) {
			break
		}
	}
	if wrong != "" {
		s.t.Error(wrong)
	}
	if left := s.project.Machine.Run(s.t, "ls "+s.project.Path+"/releases"); last.Phase == state.Promoted && strings.Contains(left, ".staging") {
		s.t.Errorf("left behind: %s", left)
	}
	return strings.Join(said, "\n-----\n")
}

// wrong says what of that is not as it is when a commit runs: what answers, the containers, and the link to the current release.
func (s *shop) wrong(commit string) string {
	s.t.Helper()
	answer := s.answers()
	if got := s.project.Commit(answer); got != commit {
		return fmt.Sprintf("%q answers, which is %q and not %q", answer, got, commit)
	}
	for service, container := range s.project.Containers(s.t) {
		if container.Health != "healthy" {
			return fmt.Sprintf("%s is %s", service, container.Health)
		}
	}
	lines := strings.Split(s.project.Machine.Run(s.t, "cd "+s.project.Path+" && cat current/web/page && readlink current"), "\n")
	if lines[0] != answer {
		return fmt.Sprintf("the current release is %s, with the page %s; %s answers", lines[1], lines[0], answer)
	}
	return ""
}

// answers is what the shop says, or why it does not.
func (s *shop) answers() string {
	response, err := http.Get(s.project.URL + "/")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(body.String())
}
