package release

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var shared Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// TestProject brings the application up by hand, from a clone over each transport, and looks at what can be seen of it.
func TestProject(t *testing.T) {
	project := shared.Machine(t).Project(t, Options{})
	machine := project.Machine
	if head := machine.Login(t, "git clone --quiet "+project.Remote.HTTP+" /home/clone && git -C /home/clone rev-parse HEAD && rm -r /home/clone"); head != project.Commit(Good1) {
		t.Errorf("over HTTP the machine got %s, not %s", head, project.Commit(Good1))
	}
	project.Install(t, Good1)
	poll := project.Poll(t)
	poll.Await(t, Good1)
	before := project.Containers(t)
	if before["web"].Health != "healthy" || before["worker"].Health != "healthy" {
		t.Errorf("containers: %+v", before)
	}
	if status, body := get(t, project.URL+"/ml/validate"); status != http.StatusOK || body != `{"accuracy":0.97}` {
		t.Errorf("the model answers %d %s", status, body)
	}
	folder, err := project.Folder()
	if err != nil {
		t.Fatal(err)
	}
	if applied, err := os.ReadFile(filepath.Join(folder, "data", "applied")); err != nil || string(applied) != "001-products\n" {
		t.Errorf("applied migrations: %q, %v", applied, err)
	}

	// The operator pushes a revision, and the machine takes what is new of it: only one service has to be made anew.
	project.Checkout(t, Good2)
	project.Git(t, "push", "--quiet", "origin", "main")
	if head := project.Remote.Head(t, "main"); head != project.Commit(Good2) {
		t.Errorf("the remote is at %s", head)
	}
	update := "cd " + project.Path + " && git fetch --quiet origin %s && git checkout --quiet --detach FETCH_HEAD && docker compose up --detach --build --wait && docker compose restart --timeout 1 web && " + project.Migrate()
	machine.Login(t, strings.ReplaceAll(update, "%s", project.Commit(Good2)))
	poll.Await(t, Good2)
	middle := project.Containers(t)
	if middle["worker"] == before["worker"] || middle["web"].Started == before["web"].Started {
		t.Errorf("containers were not started again: %+v, %+v", before, middle)
	}
	project.Push(t, Good3)
	machine.Login(t, strings.ReplaceAll(update, "%s", project.Commit(Good3)))
	poll.Await(t, Good3)
	if after := project.Containers(t); after["worker"] != middle["worker"] || after["web"].Started == middle["web"].Started {
		t.Errorf("only web changed: %+v, %+v", middle, after)
	}
	seen := poll.Stop()
	t.Log(seen)
	if got := strings.Join(seen.Revisions(), " "); got != "good1 good2 good3" {
		t.Errorf("revisions that answered: %s", got)
	}
}

// TestFaultyRevisions brings up each revision that does not go well, and it must not go well in its own way.
func TestFaultyRevisions(t *testing.T) {
	machine := shared.Machine(t)
	for _, test := range []struct {
		revision string
		check    func(t *testing.T, p *Project)
	}{
		{Sick, func(t *testing.T, p *Project) {
			if output, err := p.up(t, "--wait"); err == nil || !strings.Contains(output, "unhealthy") {
				t.Errorf("%v: %s", err, output)
			}
			if status, _ := get(t, p.URL+"/health"); status != http.StatusServiceUnavailable {
				t.Errorf("its health is %d", status)
			}
		}},
		{Flaps, func(t *testing.T, p *Project) {
			if output, err := p.up(t); err != nil {
				t.Fatal(output)
			}
			var seen []int
			p.Poll(t).Await(t, Flaps)
			for changes := 0; changes < 3; {
				status, _ := get(t, p.URL+"/health")
				if len(seen) > 0 && seen[len(seen)-1] != status {
					changes++
				}
				seen = append(seen, status)
			}
		}},
		{ML, func(t *testing.T, p *Project) {
			if output, err := p.up(t, "--wait"); err != nil {
				t.Fatal(output)
			}
			var statuses []int
			for range 5 {
				status, _ := get(t, p.URL+"/ml/validate")
				statuses = append(statuses, status)
			}
			if health, _ := get(t, p.URL+"/health"); health != 200 || !slices.Equal(statuses, []int{200, 200, 200, 500, 500}) {
				t.Errorf("its health is %d, its model %v", health, statuses)
			}
		}},
		{Migration, func(t *testing.T, p *Project) {
			if output, err := p.up(t, "--wait"); err != nil {
				t.Fatal(output)
			}
			output, err := machine.Docker.Shell(t.Context(), "cd "+p.Path+" && "+p.Migrate()).CombinedOutput()
			if err == nil || !strings.Contains(string(output), "customers: out of range") {
				t.Errorf("%v: %s", err, output)
			}
			if data := machine.Run(t, "cd "+p.Path+"/data && ls && cat applied"); data != "applied\ncustomers\norders\nproducts\n001-products\n002-orders" {
				t.Errorf("the data: %s", data)
			}
		}},
		{Broken, func(t *testing.T, p *Project) {
			if output, err := p.up(t); err == nil || !strings.Contains(output, "restart must be a string") {
				t.Errorf("%v: %s", err, output)
			}
		}},
	} {
		t.Run(test.revision, func(t *testing.T) {
			p := machine.Project(t, Options{})
			p.Push(t, test.revision)
			machine.Login(t, "git clone --quiet "+p.Remote.SSH+" "+p.Path)
			test.check(t, p)
		})
	}
}

// up brings the project up and returns what is printed.
func (p *Project) up(t *testing.T, options ...string) (string, error) {
	output, err := p.Machine.Docker.Shell(t.Context(), "cd "+p.Path+" && docker compose up --detach --build "+strings.Join(options, " ")).CombinedOutput()
	return string(output), err
}

// TestRemote makes the remote unreachable and reachable again, over both transports and from both sides.
func TestRemote(t *testing.T) {
	project := shared.Machine(t).Project(t, Options{})
	remote := project.Remote
	ask := func(t *testing.T, inside bool, url string) error {
		command := exec.CommandContext(t.Context(), "git", "ls-remote", url, "main")
		if inside {
			command = project.Machine.Docker.Shell(t.Context(), "git ls-remote "+url+" main")
		} else {
			command.Env = append(os.Environ(), project.Machine.Environment()...)
		}
		output, err := command.CombinedOutput()
		if err == nil && !strings.Contains(string(output), project.Commit(Good1)) {
			t.Errorf("%s has %s", url, output)
		}
		return err
	}
	all := func(reachable bool) {
		t.Helper()
		for _, url := range []string{remote.SSH, remote.HTTP} {
			for _, inside := range []bool{false, true} {
				if err := ask(t, inside, url); (err == nil) != reachable {
					t.Errorf("%s, asked from the machine %t: %v", url, inside, err)
				}
			}
		}
	}
	all(true)
	remote.Down()
	all(false)
	remote.Up()
	all(true)

	// Whoever asks while it is silent is answered when it is not.
	remote.Stall()
	answered := make(chan error, 1)
	go func() { answered <- ask(t, true, remote.HTTP) }()
	select {
	case err := <-answered:
		t.Errorf("it was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
		remote.Up()
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}

	// A history that has nothing to do with the former one takes its place.
	project.Push(t, Other)
	if head := remote.Head(t, "main"); head != project.Commit(Other) {
		t.Errorf("the remote is at %s", head)
	}
	if output, err := exec.Command("git", "-C", project.Work, "merge-base", Good1, Other).CombinedOutput(); err == nil {
		t.Errorf("the histories meet at %s", output)
	}
	project.Push(t, Good1)
	project.Checkout(t, Good4)
	project.Git(t, "push", "--quiet", remote.HTTP, "main")
	if head := remote.Head(t, "main"); head != project.Commit(Good4) {
		t.Errorf("after a push over HTTP the remote is at %s", head)
	}
}

// TestPower takes the machine's power away and gives it back: containers come back, /run does not.
func TestPower(t *testing.T) {
	project := shared.Machine(t).Project(t, Options{})
	machine := project.Machine
	project.Install(t, Good1)
	poll := project.Poll(t)
	poll.Await(t, Good1)
	machine.Run(t, "touch /run/gone")
	machine.PowerOff(t)
	poll.Await(t, "")
	if output, err := exec.Command("ssh", "-F", machine.SSH.Home+"/.ssh/config", "-o", "BatchMode=yes", "vm", "true").CombinedOutput(); err == nil {
		t.Errorf("somebody was let in: %s", output)
	}
	machine.PowerOn(t)
	poll.Await(t, Good1)
	machine.Login(t, "test ! -e /run/gone && git ls-remote "+project.Remote.SSH)
	machine.Reboot(t)
	poll.Await(t, Good1)
	if seen := poll.Stop(); seen.Downtime == 0 || seen.Failures == 0 {
		t.Errorf("nobody saw it: %s", seen)
	}

	machine.SSH.Refuse(true)
	if output, err := exec.Command("ssh", "-F", machine.SSH.Home+"/.ssh/config", "-o", "BatchMode=yes", "vm", "true").CombinedOutput(); err == nil {
		t.Errorf("somebody was let in: %s", output)
	}
	machine.SSH.Refuse(false)
	machine.Login(t, "true")
}

// TestSmallDisk fills a disk and frees it.
func TestSmallDisk(t *testing.T) {
	project := shared.Machine(t).Project(t, Options{Disk: 4 << 20})
	machine := project.Machine
	machine.Login(t, "git clone --quiet "+project.Remote.SSH+" "+project.Path)
	project.Fill(t)
	folder, err := project.Folder()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "more"), []byte("more"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	project.Free(t)
	machine.Login(t, "echo more >"+project.Path+"/more")
}

// TestBarrier holds a command up that has come over SSH, and the service web while it starts.
func TestBarrier(t *testing.T) {
	project := shared.Machine(t).Project(t, Options{})
	machine := project.Machine
	barrier := NewBarrier(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if output, err := exec.Command("ssh", "-F", machine.SSH.Home+"/.ssh/config", "-o", "BatchMode=yes", "vm", barrier.Script()).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, output)
		}
	}()
	barrier.Await(t, 1, ended)
	select {
	case <-ended:
		t.Error("the barrier is open")
	default:
	}
	barrier.Open(t)
	<-ended

	commit := project.Revise(t, "revised", map[string]string{"docs/new.md": "new\n"})
	if head := project.Git(t, "rev-parse", "HEAD"); head != commit || project.Commit("revised") != commit {
		t.Errorf("the revision is %s, main is at %s", commit, head)
	}
	if changed := project.Git(t, "diff", "--name-only", Good1, "HEAD"); changed != "docs/new.md\nweb/page" {
		t.Errorf("it changes %s", changed)
	}
	project.Push(t, "revised")
	machine.Login(t, "git clone --quiet "+project.Remote.SSH+" "+project.Path+" && mkdir "+project.Path+"/data && touch "+project.Path+"/data/hold")
	if output, err := project.up(t); err != nil {
		t.Fatal(output)
	}
	machine.Run(t, "cd "+project.Path+"/data && while [ ! -s held ]; do sleep 0.05; done && rm hold")
	project.Poll(t).Await(t, "revised")
}

// TestTwoProjects has two on the machine at once, one of them with many files.
func TestTwoProjects(t *testing.T) {
	first, second := shared.Machine(t).Project(t, Options{}), shared.Machine(t).Project(t, Options{Files: 500})
	if first.Name != "app" || first.Port != 8000 || second.Name != "app8001" {
		t.Errorf("they are %s at %d and %s", first.Name, first.Port, second.Name)
	}
	if files := strings.Count(second.Git(t, "ls-files", "media"), "\n") + 1; files != 500 {
		t.Errorf("%d files", files)
	}
	first.Install(t, Good1)
	second.Install(t, Good2)
	first.Poll(t).Await(t, Good1)
	second.Poll(t).Await(t, Good2)
	if len(first.Containers(t)) != 2 || len(second.Containers(t)) != 2 {
		t.Errorf("containers: %v, %v", first.Containers(t), second.Containers(t))
	}
}

// TestHistory makes the application twice: it must be the same one, with every revision.
func TestHistory(t *testing.T) {
	one, err := makeRepository(filepath.Join(t.TempDir(), "one"), "app", 8000, 3)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	two, err := makeRepository(other, "app", 8000, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range history {
		if one[c.name] == "" || one[c.name] != two[c.name] {
			t.Errorf("%s is %q and %q", c.name, one[c.name], two[c.name])
		}
	}
	for revision, want := range map[string]string{Good3: "web/page", Good4: "worker/work"} {
		if changed, err := git(other, nil, "diff", "--name-only", revision+"~", revision); err != nil || changed != want {
			t.Errorf("%s changes %s, %v", revision, changed, err)
		}
	}
	if status, err := git(other, nil, "status", "--porcelain"); err != nil || status != "" {
		t.Errorf("the working repository is not clean: %s, %v", status, err)
	}
}

// TestReport sums up answers that are known.
func TestReport(t *testing.T) {
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var answers []answer
	for i, revision := range []string{"a", "a", "", "", "b", "", "a"} {
		asked := start.Add(time.Duration(i) * time.Second)
		answers = append(answers, answer{asked, asked.Add(100 * time.Millisecond), revision})
	}
	got := report(answers)
	if got.Downtime != 3200*time.Millisecond || got.Longest != 3*time.Second || got.Answers != 4 || got.Failures != 3 || len(got.Spans) != 5 {
		data, _ := json.Marshal(got)
		t.Errorf("%s\n%s", got, data)
	}
	if revisions := strings.Join(got.Revisions(), " "); revisions != "a b a" {
		t.Errorf("revisions: %s", revisions)
	}
}

// get is the status and the body of an answer.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(body))
}
