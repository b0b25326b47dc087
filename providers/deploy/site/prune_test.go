package site

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// TestPrune: what never proved healthy does not push out what did.
func TestPrune(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	var ids []string
	for i, promoted := range []bool{true, true, false, false, true, false} {
		id := fmt.Sprintf("2026010%dT000000Z-aaaaaaa", i+1)
		ids = append(ids, id)
		files := revision{"compose.yaml": project, "web/page": fmt.Sprint(i), "worker/work": "one"}
		one := providers.Release{ID: id}
		bring(t, s, one, files)
		if _, err := s.Switch(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if err := s.Record(t.Context(), providers.ReleaseRecord{Release: one, Promoted: promoted}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Return(t.Context(), providers.Release{ID: ids[4]}); err != nil {
		t.Fatal(err)
	}
	if seen := s.View(t.Context()); seen.Back != ids[1] || len(seen.Releases) != 6 {
		t.Errorf("goes back to %s of %d", seen.Back, len(seen.Releases))
	}
	gone, err := s.Prune(t.Context(), 2, ids[2])
	if err != nil || !slices.Equal(gone, []string{ids[3]}) {
		// The first one is still what the cache was started with.
		t.Errorf("gone: %v, %v", gone, err)
	}
	delete(m.containers, "cache")
	delete(m.containers, "worker")
	if _, err := s.Return(t.Context(), providers.Release{ID: ids[4]}); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Prune(t.Context(), 2); err != nil || !slices.Equal(gone, []string{ids[0], ids[2]}) {
		t.Errorf("gone: %v, %v", gone, err)
	}
	for name := range m.images {
		if strings.Contains(name, ids[0]) {
			t.Errorf("the image %s is left of a release that is gone", name)
		}
	}
	if _, err := s.Return(t.Context(), providers.Release{ID: ids[0]}); err == nil || !strings.Contains(err.Error(), "there is no release "+ids[0]) {
		t.Errorf("a release that is gone: %v", err)
	}
}

// bring stages a release.
func bring(t *testing.T, s *Site, one providers.Release, files revision) {
	t.Helper()
	folder, _, err := s.Begin(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	files.write(t, folder)
	if err := s.Seal(t.Context(), one); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: the way back works with a disk that is full, and what filled it goes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	one, two := providers.Release{ID: "20260101T000000Z-aaaaaaa"}, providers.Release{ID: "20260102T000000Z-bbbbbbb"}
	bring(t, s, one, first)
	bring(t, s, two, second)
	for _, release := range []providers.Release{one, two} {
		if _, err := s.Switch(t.Context(), release); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Begin(t.Context(), providers.Release{ID: "20260103T000000Z-ccccccc"}); err != nil {
		t.Fatal(err)
	}
	m.fail = func(step string) error {
		if strings.HasPrefix(step, "create ") {
			return &fullError{}
		}
		return nil
	}
	if _, err := s.Return(t.Context(), one); err != nil {
		t.Error(err)
	}
	if got := m.containers["web"].sees["web/page"]; got != "one" {
		t.Errorf("web sees %q", got)
	}
	if there, err := s.exists(s.staging("20260103T000000Z-ccccccc")); err != nil || there {
		t.Errorf("what filled the disk is there: %v, %v", there, err)
	}
	if err := s.Record(t.Context(), providers.ReleaseRecord{Release: one}); err == nil {
		t.Error("a record was written to a full disk")
	}
}

type fullError struct{}

func (*fullError) Error() string { return "no space left on device" }
func (*fullError) Unwrap() error { return syscall.ENOSPC }

// TestStrayImages: what a deploy that died, or a removal, named and nobody else remembers.
func TestStrayImages(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	if err := fakeDeploy(t, s, "20260101T000000Z-aaaaaaa", first); err != nil {
		t.Fatal(err)
	}
	m.images["imsctl-app:20260102T000000Z-bbbbbbb.web"], m.images["imsctl-app:20260103T000000Z-ccccccc.web"] = "sha256:x", "sha256:y"
	m.images["imsctl-app:latest"] = "sha256:z"
	if _, err := s.Prune(t.Context(), 3, "20260103T000000Z-ccccccc"); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{
		"imsctl-app:20260101T000000Z-aaaaaaa.web": true, "imsctl-app:20260102T000000Z-bbbbbbb.web": false, "imsctl-app:20260103T000000Z-ccccccc.web": true, "imsctl-app:latest": true,
	} {
		if (m.images[name] != "") != there {
			t.Errorf("the image %s is there: %v", name, !there)
		}
	}
}

// TestStrayHookContainers: a process that died while it made a container for a hook has left one that was never started.
func TestStrayHookContainers(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	if err := fakeDeploy(t, s, "20260101T000000Z-aaaaaaa", first); err != nil {
		t.Fatal(err)
	}
	stays := map[string]bool{"imsctl-migrate-web-a": false, "imsctl-migrate-web-b": false, "imsctl-migrate-web-runs": true, "app-web-run-c": true, "imsctl-migrate-web-other": true, "imsctl-web-1": true}
	for name := range stays {
		m.containers[name] = &fakeContainer{Container: providers.Container{Name: name, Project: "app", Service: "web", State: "created", OneOff: true}}
	}
	m.containers["imsctl-migrate-web-b"].State = "exited"
	m.containers["imsctl-migrate-web-runs"].State = "running"
	m.containers["imsctl-migrate-web-other"].Project = "other"
	m.containers["imsctl-web-1"].OneOff = false
	if _, err := s.Prune(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for name, there := range stays {
		if (m.containers[name] != nil) != there {
			t.Errorf("the container %s is there: %v", name, !there)
		}
	}
}

// TestLostRelease: somebody removed the release that the link leads to.
func TestLostRelease(t *testing.T) {
	t.Parallel()
	m, target := newProject(t)
	s := fakeSite(t, m, target)
	for id, files := range map[string]revision{"20260101T000000Z-aaaaaaa": first, "20260102T000000Z-bbbbbbb": second} {
		if err := fakeDeploy(t, s, id, files); err != nil {
			t.Fatal(err)
		}
	}
	current, err := s.current()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.Folder(current)); err != nil {
		t.Fatal(err)
	}
	seen := s.View(t.Context())
	if seen.Err != nil || seen.Current != nil || seen.Running != "" || len(seen.Drift) != 1 || len(seen.Containers) != 3 || seen.Back == "" {
		t.Fatalf("%+v", seen)
	}
	if _, err := s.Return(t.Context(), providers.Release{ID: seen.Back}); err != nil {
		t.Error(err)
	}
	if again := s.View(t.Context()); again.Err != nil || again.Current == nil || again.Current.ID != seen.Back || len(again.Drift) > 0 {
		t.Errorf("%+v", again)
	}
}
