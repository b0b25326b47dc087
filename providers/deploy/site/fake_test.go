package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// machine is this machine with an engine that is none: what docker and compose are asked for is done to a few maps. Compose files are JSON.
type machine struct {
	providers.Host
	mu         sync.Mutex
	images     map[string]string // identifications by name
	containers map[string]*fakeContainer
	ids        int
	// publishing is the container that publishes whatever port is asked for, "" for none.
	publishing string
	// fail is asked before each step that changes something, and may refuse it.
	fail func(step string) error
}

// fakeContainer is a container of one service, and what it sees of its files.
type fakeContainer struct {
	providers.Container
	sees map[string]string
}

func newMachine() *machine {
	return &machine{Host: thisMachine, images: make(map[string]string), containers: make(map[string]*fakeContainer), fail: func(string) error { return nil }}
}

// fakeSite is the site of a project on a machine, as a process of its own would have it.
func fakeSite(t *testing.T, m *machine, target providers.DeployTarget) *Site {
	t.Helper()
	environment := providers.Environment{
		Clock:      clock.System{},
		Hosts:      func(providers.Reference) (providers.Host, error) { return m, nil },
		Containers: func(providers.Host) (providers.Containers, error) { return engine{m: m}, nil },
	}
	made, err := New(environment, target)
	if err != nil {
		t.Fatal(err)
	}
	made.timing.poll = time.Millisecond
	return made
}

// engine is the engine of a machine.
type engine struct {
	providers.Containers
	m *machine
}

func (e engine) Find(context.Context, ...string) ([]providers.Container, error) {
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	var found []providers.Container
	for _, one := range e.m.containers {
		found = append(found, one.Container)
	}
	slices.SortFunc(found, func(a, b providers.Container) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// Files are those of this machine, with what may go wrong.
func (m *machine) Files() providers.FileSystem { return files{m.Host.Files(), m} }

type files struct {
	providers.FileSystem
	m *machine
}

func (f files) Create(name string, mode os.FileMode) (providers.WriteFile, error) {
	if err := f.m.fail("create " + name); err != nil {
		return nil, err
	}
	return f.FileSystem.Create(name, mode)
}

func (f files) MkdirAll(name string, mode os.FileMode) error {
	if err := f.m.fail("mkdir " + name); err != nil {
		return err
	}
	return f.FileSystem.MkdirAll(name, mode)
}

func (f files) Link(from, to string) error {
	if err := f.m.fail("link " + to); err != nil {
		return err
	}
	return f.FileSystem.Link(from, to)
}

func (f files) Rename(from, to string) error {
	if err := f.m.fail("rename " + to); err != nil {
		return err
	}
	return f.FileSystem.Rename(from, to)
}

func (f files) Remove(name string) error {
	if err := f.m.fail("remove " + name); err != nil {
		return err
	}
	return f.FileSystem.Remove(name)
}

// Run runs docker on the maps, and everything else on this machine.
func (m *machine) Run(ctx context.Context, command providers.Command) error {
	if err := m.fail("run " + strings.Join(command.Arguments, " ")); err != nil {
		return err
	}
	line := strings.Join(command.Arguments, " ")
	answer, err := "", error(nil)
	switch {
	case strings.Contains(line, "compose version"):
		answer = "2.30.0\n"
	case strings.HasPrefix(line, "sh -c sync -f"):
		// The disk of this machine is not what is tested.
	case strings.HasPrefix(line, "docker image inspect"):
		answer = m.inspectImages(command.Arguments[5:])
	case strings.HasPrefix(line, "docker image ls"):
		m.mu.Lock()
		for name := range m.images {
			if strings.HasPrefix(name, command.Arguments[len(command.Arguments)-1]+":") {
				answer += name + "\n"
			}
		}
		m.mu.Unlock()
	case strings.HasPrefix(line, "sh -c while [ $# -gt 1 ]; do docker tag"):
		err = m.tag(command.Arguments[4:])
	case strings.HasPrefix(line, "sh -c for i; do docker image rm"):
		m.mu.Lock()
		for _, name := range command.Arguments[4:] {
			delete(m.images, name)
		}
		m.mu.Unlock()
	case strings.HasPrefix(line, "sh -c said=$(docker rm --force"):
		m.mu.Lock()
		maps.DeleteFunc(m.containers, func(_ string, one *fakeContainer) bool { return one.Name == command.Arguments[4] })
		m.mu.Unlock()
	case strings.HasPrefix(line, "docker ps --filter publish="):
		answer = m.publishing + "\n"
	case strings.HasPrefix(line, "docker compose"):
		answer, err = m.compose(command)
	default:
		return m.Host.Run(ctx, command)
	}
	if err != nil {
		return &providers.ExitError{Program: "docker", Code: 1, Stderr: err.Error()}
	}
	if command.Stdout != nil {
		_, err = command.Stdout.Write([]byte(answer))
	}
	return err
}

func (m *machine) inspectImages(names []string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := ""
	for _, name := range names {
		for known, id := range m.images {
			if known == familiar(name) || id == name {
				text += id + " " + known + "\n"
			}
		}
	}
	return text
}

func (m *machine) tag(pairs []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := 0; i+1 < len(pairs); i += 2 {
		m.images[familiar(pairs[i+1])] = pairs[i]
	}
	return nil
}

// compose does what compose does of what is needed here.
func (m *machine) compose(command providers.Command) (string, error) {
	var folder, project string
	var documents []string
	rest := command.Arguments[2:]
	for len(rest) > 1 && strings.HasPrefix(rest[0], "--") {
		switch rest[0] {
		case "--project-directory":
			folder = rest[1]
		case "--project-name":
			project = rest[1]
		case "--file":
			documents = append(documents, rest[1])
		}
		rest = rest[2:]
	}
	declared, err := merged(documents, folder)
	if err != nil {
		return "", err
	}
	if project != "" {
		declared["name"] = project
	}
	services := declared["services"].(map[string]any)
	switch rest[0] {
	case "config":
		if rest[1] == "--hash" {
			text := ""
			for name, service := range services {
				text += name + " " + digest(service) + "\n"
			}
			return text, nil
		}
		text, err := json.Marshal(declared)
		return string(text), err
	case "build":
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, name := range rest[1:] {
			built := services[name].(map[string]any)["build"].(map[string]any)["context"].(string)
			m.images[project+"-"+name+":latest"] = "sha256:" + digest(content(built))
		}
		return "", nil
	case "up":
		return "", m.up(project, folder, services)
	}
	return "", fmt.Errorf("the fake compose knows no %s", rest[0])
}

// up makes those containers anew that are not as they are declared, one after another: it may die between two.
func (m *machine) up(project, folder string, services map[string]any) error {
	names := make([]string, 0, len(services))
	for name := range services {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := m.fail("up " + name); err != nil {
			return err
		}
		m.mu.Lock()
		service := services[name].(map[string]any)
		image, _ := service["image"].(string)
		if image == "" {
			image = project + "-" + name
		}
		id, hash := m.images[familiar(image)], digest(service)
		if old := m.containers[name]; old == nil || old.ConfigHash != hash || old.ImageID != id {
			m.ids++
			made := &fakeContainer{Container: providers.Container{
				Name: project + "-" + name + "-1", ID: fmt.Sprint("id", m.ids), State: "running", Image: image, ImageID: id, Started: time.Unix(int64(m.ids), 0).UTC(),
				Project: project, Service: name, Folder: folder, ConfigHash: hash,
			}, sees: make(map[string]string)}
			volumes, _ := service["volumes"].([]any)
			for _, volume := range volumes {
				source := volume.(map[string]any)["source"].(string)
				for name, text := range content(source) {
					made.sees[filepath.Base(source)+"/"+name] = text
				}
			}
			m.containers[name] = made
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.containers {
		if services[name] == nil {
			delete(m.containers, name)
		}
	}
	return nil
}

// merged reads compose files, the later ones on top, and makes their paths absolute.
func merged(documents []string, folder string) (map[string]any, error) {
	var whole map[string]any
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var one map[string]any
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, fmt.Errorf("yaml: line 1: %w", err)
		}
		if whole == nil {
			whole = one
			continue
		}
		for service, more := range one["services"].(map[string]any) {
			for key, value := range more.(map[string]any) {
				whole["services"].(map[string]any)[service].(map[string]any)[key] = value
			}
		}
	}
	if whole == nil || whole["services"] == nil {
		return nil, errors.New("no services")
	}
	for _, service := range whole["services"].(map[string]any) {
		fields := service.(map[string]any)
		if build, ok := fields["build"].(string); ok {
			fields["build"] = map[string]any{"context": filepath.Join(folder, build)}
		}
		if volumes, ok := fields["volumes"].([]any); ok {
			for i, volume := range volumes {
				source, target, _ := strings.Cut(volume.(string), ":")
				volumes[i] = map[string]any{"type": "bind", "source": filepath.Join(folder, source), "target": target}
			}
		}
	}
	return whole, nil
}

// content is the text of all files of a folder, which may be reached by links, or of one file.
func content(folder string) map[string]string {
	texts := make(map[string]string)
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return texts
	}
	_ = filepath.WalkDir(real, func(name string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			text, _ := os.ReadFile(name)
			relative, _ := filepath.Rel(real, name)
			texts[relative] = string(text)
		}
		return nil
	})
	return texts
}

// digest is a hash of whatever it is, in which what is built counts for nothing, as in compose's.
func digest(value any) string {
	if fields, ok := value.(map[string]any); ok {
		kept := make(map[string]any)
		for key, one := range fields {
			if key != "build" {
				kept[key] = one
			}
		}
		value = kept
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
