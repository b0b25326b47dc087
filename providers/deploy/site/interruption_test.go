package site

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// errKilled is the end of the process: nothing is done any more from then on.
var errKilled = errors.New("killed")

// killAfter lets a machine do so many steps, and none after that. It returns how many were asked for.
func killAfter(m *machine, steps int) *int {
	asked := new(int)
	m.fail = func(string) error {
		if *asked++; *asked > steps {
			return errKilled
		}
		return nil
	}
	return asked
}

// revision is a project's files.
type revision map[string]string

// write puts the files into a folder.
func (r revision) write(t *testing.T, folder string) {
	t.Helper()
	for name, text := range r {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const project = `{"name": "app", "services": {
	"web": {"image": "base", "volumes": ["./web:/srv", "./data:/data"]},
	"cache": {"image": "base"},
	"worker": {"build": "./worker"}}}`

// revisions follow each other: the second changes web's files, the third the image of the worker and drops the cache.
var (
	first  = revision{"compose.yaml": project, "web/page": "one", "worker/work": "one", "data/none": ""}
	second = revision{"compose.yaml": project, "web/page": "two", "worker/work": "one", "data/none": ""}
	third  = revision{"compose.yaml": strings.Replace(project, `"cache": {"image": "base"},`, "", 1), "web/page": "two", "worker/work": "three", "data/none": ""}
)

// fakeDeploy deploys a revision.
func fakeDeploy(t *testing.T, s *Site, id string, files revision) error {
	t.Helper()
	release := providers.Release{ID: id, Commit: strings.Repeat("a", 40), WaitTimeout: time.Minute}
	folder, sealed, err := s.Begin(t.Context(), release)
	if err != nil {
		return err
	}
	if !sealed {
		files.write(t, folder)
		if err := s.Seal(t.Context(), release); err != nil {
			return err
		}
	}
	if _, err := s.Switch(t.Context(), release); err != nil {
		return err
	}
	if err := s.Record(t.Context(), providers.ReleaseRecord{Release: release, Promoted: true}); err != nil {
		return err
	}
	_, err = s.Prune(t.Context(), 2)
	return err
}

// newProject is a machine with an empty folder of a project, and its target.
func newProject(t *testing.T) (*machine, providers.DeployTarget) {
	t.Helper()
	m := newMachine()
	m.images["base:latest"] = "sha256:base"
	return m, providers.DeployTarget{Address: "deploy.app", Path: t.TempDir(), Compose: "compose.yaml", Shared: []string{"data"}}
}

// TestKilledAnywhere kills the second and third deploy of a project before each of its steps, and deploys again: all must be as if nothing
// had happened, and what is half done must never look like a release.
func TestKilledAnywhere(t *testing.T) {
	for name, test := range map[string]struct {
		files   revision
		touched []string
	}{"files": {second, []string{"web"}}, "image": {third, []string{"web", "worker"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for steps := 0; ; steps++ {
				m, target := newProject(t)
				if err := fakeDeploy(t, fakeSite(t, m, target), "20260101T000000Z-aaaaaaa", first); err != nil {
					t.Fatal(err)
				}
				before := maps.Clone(m.containers)
				asked := killAfter(m, steps)
				err := fakeDeploy(t, fakeSite(t, m, target), "20260102T000000Z-bbbbbbb", test.files)
				survived := *asked <= steps
				if survived != (err == nil) {
					t.Fatalf("%d of %d steps: %v", steps, *asked, err)
				}
				m.fail = func(string) error { return nil }
				again := fakeSite(t, m, target)
				checkReleases(t, again, fmt.Sprintf("killed after %d steps", steps))
				if err := fakeDeploy(t, again, "20260102T000000Z-bbbbbbb", test.files); err != nil {
					t.Fatalf("again after %d steps: %v", steps, err)
				}
				checkDeployed(t, m, target, before, test.files, test.touched, steps)
				if survived {
					t.Logf("%d steps", steps)
					break
				}
			}
		})
	}
}

// checkReleases looks at whatever is there: all that looks like a release is one.
func checkReleases(t *testing.T, s *Site, when string) {
	t.Helper()
	ids, err := s.sealedIDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := s.sealOf(id); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if err := s.dirty(t.Context(), id); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if id, err := s.current(); err != nil || !slices.Contains(ids, id) {
		t.Errorf("%s: the current release %q is not among %v, %v", when, id, ids, err)
	}
	if seen := s.View(t.Context()); seen.Err != nil {
		t.Errorf("%s: %v", when, seen.Err)
	}
}

// checkDeployed looks at what a finished deploy left.
func checkDeployed(t *testing.T, m *machine, target providers.DeployTarget, before map[string]*fakeContainer, files revision, touched []string, steps int) {
	t.Helper()
	if got := m.containers["web"].sees["web/page"]; got != files["web/page"] {
		t.Errorf("after %d steps web sees %q", steps, got)
	}
	if got, want := m.containers["worker"].ImageID, "sha256:"+digest(map[string]string{"work": files["worker/work"]}); got != want {
		t.Errorf("after %d steps the worker runs %s, not %s", steps, got, want)
	}
	for name, container := range m.containers {
		if same := before[name] != nil && before[name].ID == container.ID; same == slices.Contains(touched, name) {
			t.Errorf("after %d steps %s is the same container: %v", steps, name, same)
		}
	}
	for _, folder := range []string{"releases", ".imsctl", ".imsctl/releases", "."} {
		list, err := os.ReadDir(filepath.Join(target.Path, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range list {
			if name := entry.Name(); strings.HasSuffix(name, ".new") || strings.HasSuffix(name, ".staging") || strings.HasSuffix(name, leavingSuffix) {
				t.Errorf("after %d steps %s/%s is left", steps, folder, name)
			}
		}
	}
	for name := range m.images {
		id, _, kept := strings.Cut(strings.TrimPrefix(name, "imsctl-app:"), ".")
		if kept && id != "20260101T000000Z-aaaaaaa" && id != "20260102T000000Z-bbbbbbb" {
			t.Errorf("after %d steps the image %s is left", steps, name)
		}
	}
	seen := fakeSite(t, m, target).View(t.Context())
	if seen.Err != nil || len(seen.Drift) > 0 || seen.Current.ID != "20260102T000000Z-bbbbbbb" || seen.Back != "20260101T000000Z-aaaaaaa" {
		t.Errorf("after %d steps: %+v", steps, seen)
	}
}
