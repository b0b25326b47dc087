package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// firstPort is that of the service web of the first project, as the application's own files have it.
const firstPort = 8000

// Options are what a project may have that others have not.
type Options struct {
	// Files is a number of additional files, of up to 400 bytes, in the folder media of every revision.
	Files int
	// Disk is the size in bytes of a small disk of its own for the project's folder, which does not survive PowerOff; 0 for none.
	Disk int64
}

// Project is the application with a place on the machine, a remote repository, and a working repository of the operator.
type Project struct {
	Machine *Machine
	Remote  *Remote
	// Name is that of the compose project.
	Name string
	// Path is the project's folder on the machine, empty at first.
	Path string
	// Work is the working repository: all revisions as tags, the branch main at Good1, and the remote over SSH as origin.
	Work string
	// URL is where the service web can be reached from the operator's machine. Port is where it listens on its own.
	URL  string
	Port int

	commits map[string]string
	web     *testenv.Gate
	small   bool
}

// Project makes a project. The remote has the branch main with Good1. All of it is removed when the test ends, the containers too; the machine is
// powered on for that.
func (m *Machine) Project(t testing.TB, options Options) *Project {
	t.Helper()
	folder := t.TempDir()
	p := &Project{Machine: m, Work: filepath.Join(folder, "work"), small: options.Disk > 0}
	m.place(p)
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.make(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	return p
}

// place gives a project the first port that is free, and names after it.
func (m *Machine) place(p *Project) {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := make(map[int]bool)
	for other := range m.projects {
		taken[other.Port] = true
	}
	for p.Port = firstPort; taken[p.Port]; {
		p.Port++
	}
	p.Name = "app"
	if p.Port != firstPort {
		p.Name += strconv.Itoa(p.Port)
	}
	p.Path = "/home/" + p.Name
	m.projects[p] = struct{}{}
}

func (p *Project) make(ctx context.Context, options Options) error {
	var err error
	if p.commits, err = makeRepository(p.Work, p.Name, p.Port, options.Files); err != nil {
		return err
	}
	served, err := os.MkdirTemp("", "imsctl-remote-")
	if err != nil {
		return err
	}
	if p.Remote, err = newRemote(served); err != nil {
		return errors.Join(err, os.RemoveAll(served))
	}
	if err := p.Machine.trust(p.Remote); err != nil {
		return err
	}
	if err := p.Remote.listen(ctx, p.Machine.Docker); err != nil {
		return err
	}
	if _, err := git(p.Work, nil, "push", "--quiet", p.Remote.Folder, "main"); err != nil {
		return err
	}
	if _, err := git(p.Work, nil, "remote", "add", "origin", p.Remote.SSH); err != nil {
		return err
	}
	mount := ""
	if p.small {
		mount = fmt.Sprintf(" && busybox mount -t tmpfs -o size=%d tmpfs %s", options.Disk, p.Path)
	}
	if output, err := p.Machine.Docker.Shell(ctx, "mkdir "+p.Path+mount).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.URL = "http://" + listener.Addr().String()
	inside := net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port))
	p.web = testenv.NewGate(func(ctx context.Context) (net.Conn, error) { return p.Machine.Docker.Dial(ctx, "tcp", inside) })
	p.web.Serve(listener)
	return nil
}

// Commit is the hash of a revision, also of one that Revise has made.
func (p *Project) Commit(revision string) string { return p.commits[revision] }

// Checkout has the working repository's branch main, and its files, at a revision. Nothing is pushed.
func (p *Project) Checkout(t testing.TB, revision string) {
	t.Helper()
	p.Git(t, "checkout", "--quiet", "--force", "-B", "main", p.commits[revision])
}

// Revise commits a change to the working repository's branch main that has the service web answer with another name, and changes other
// files, by their paths. It returns the commit. Nothing is pushed.
func (p *Project) Revise(t testing.TB, name string, others map[string]string) string {
	t.Helper()
	files := map[string]string{"web/page": name + "\n"}
	maps.Copy(files, others)
	for file, content := range files {
		path := filepath.Join(p.Work, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.Git(t, "add", "--all")
	p.Git(t, "commit", "--quiet", "--message", "fix(web): be "+name)
	p.commits[name] = p.Git(t, "rev-parse", "HEAD")
	return p.commits[name]
}

// Git runs git in the working repository and returns what it printed, without space around it.
func (p *Project) Git(t testing.TB, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir, command.Env = p.Work, append(os.Environ(), p.Machine.Environment()...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

// Push has the remote's branch main at a revision, whatever it was at.
func (p *Project) Push(t testing.TB, revision string) {
	t.Helper()
	if _, err := git(p.Work, nil, "push", "--quiet", "--force", p.Remote.Folder, p.commits[revision]+":refs/heads/main"); err != nil {
		t.Fatal(err)
	}
}

// Install puts a revision into the project's folder as somebody would by hand: a clone, brought up, with the migrations applied.
func (p *Project) Install(t testing.TB, revision string) {
	t.Helper()
	p.Push(t, revision)
	p.Machine.Login(t, "git clone --quiet "+p.Remote.SSH+" "+p.Path+" && cd "+p.Path+" && mkdir data && docker compose up --detach --build --wait && "+p.Migrate())
}

// Migrate is the command of the shell that applies migrations, in the folder that the project was brought up in.
func (p *Project) Migrate() string { return "docker compose exec -T web sh /srv/migrations/run" }

// Poll starts asking the service web which revision it is, every 20 ms.
func (p *Project) Poll(t testing.TB) *Polling {
	t.Helper()
	return Poll(t, p.URL+"/", 20*time.Millisecond)
}

// Folder is where the project's folder on the machine can be reached from the test, while the machine is on.
func (p *Project) Folder() (string, error) {
	return p.Machine.Docker.File(p.Path)
}

// Fill fills the project's small disk to the last byte, until Free.
func (p *Project) Fill(t testing.TB) {
	t.Helper()
	if !p.small {
		t.Fatal("the project has no small disk: Options.Disk")
	}
	p.Machine.Run(t, "busybox dd if=/dev/zero of="+p.Path+"/.filled bs=1M 2>/dev/null; busybox dd if=/dev/zero of="+p.Path+"/.filled-more bs=1 2>/dev/null; true")
}

// Free undoes Fill.
func (p *Project) Free(t testing.TB) {
	t.Helper()
	p.Machine.Run(t, "rm -f "+p.Path+"/.filled "+p.Path+"/.filled-more")
}

// Container is a container of the project as it is now.
type Container struct {
	ID, Started, State, Health string
	Restarts                   int
}

// Containers are the project's containers by the names of their services, without those that hooks ran in. Two that are equal are the same one, not restarted between.
func (p *Project) Containers(t testing.TB) map[string]Container {
	t.Helper()
	const format = `{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.RestartCount}}`
	list := p.Machine.Run(t, "docker ps --all --quiet --filter label=com.docker.compose.project="+p.Name+" --filter label=com.docker.compose.oneoff=False | xargs --no-run-if-empty docker inspect --format '"+format+"'")
	containers := make(map[string]Container)
	for line := range strings.Lines(list) {
		var service string
		var c Container
		if _, err := fmt.Sscan(line, &service, &c.ID, &c.Started, &c.State, &c.Health, &c.Restarts); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		containers[service] = c
	}
	return containers
}

// removal removes all of a project from the machine: what works in its folder, what compose has made, and the folder.
const removal = `
for process in /proc/[0-9]*; do
  case $(readlink "$process/cwd") in %[2]s|%[2]s/*) kill -9 "${process#/proc/}" 2>/dev/null ;; esac
done
mine=label=com.docker.compose.project=%[1]s
docker ps --all --quiet --filter $mine | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
docker network ls --quiet --filter $mine | xargs --no-run-if-empty docker network rm >/dev/null
docker volume ls --quiet --filter $mine | xargs --no-run-if-empty docker volume rm >/dev/null
docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(imsctl-)?%[1]s[-:]' | xargs --no-run-if-empty docker rmi --force >/dev/null
busybox umount -l %[2]s 2>/dev/null
rm -rf %[2]s`

func (p *Project) close() error {
	ctx := context.Background()
	var errs []error
	if _, err := p.Machine.Docker.File("/"); err != nil {
		errs = append(errs, p.Machine.powerOn(ctx))
	}
	p.Machine.SSH.Refuse(false)
	if output, err := p.Machine.Docker.Shell(ctx, fmt.Sprintf(removal, p.Name, p.Path)).CombinedOutput(); err != nil || len(output) > 0 {
		errs = append(errs, fmt.Errorf("removing %s: %w: %s", p.Name, err, output))
	}
	if p.web != nil {
		p.web.Close()
	}
	if p.Remote != nil {
		errs = append(errs, p.Remote.close())
	}
	p.Machine.mu.Lock()
	delete(p.Machine.projects, p)
	p.Machine.mu.Unlock()
	return errors.Join(errs...)
}
