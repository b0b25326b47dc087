package planner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// oldCleanup is a cleanup of /srv/old behind backup.database.
type oldCleanup struct {
	grace     time.Duration
	copies    int
	free      bool
	uncovered string
}

func (*oldCleanup) Validate() []providers.Problem { return nil }
func (*oldCleanup) Cleaner(providers.Environment) (providers.Cleaner, error) {
	return nil, fmt.Errorf("a plan does no I/O")
}
func (c *oldCleanup) Guard() providers.CleanupGuard {
	if c.free {
		return providers.CleanupGuard{}
	}
	return providers.CleanupGuard{Backup: providers.Reference{Address: database}, MinCopies: c.copies}
}
func (c *oldCleanup) Uncovered(providers.SourceConfig, providers.Environment) string {
	return c.uncovered
}
func (c *oldCleanup) Removes(providers.Environment) []providers.Occupied {
	if c.free {
		return nil
	}
	return []providers.Occupied{{Path: "/srv/old"}}
}
func (c *oldCleanup) GraceTime() time.Duration { return c.grace }

// folderSource reads a folder.
type folderSource struct{ path string }

func (*folderSource) Validate() []providers.Problem { return nil }
func (*folderSource) Source(providers.Environment) (providers.Source, error) {
	return nil, fmt.Errorf("a plan does no I/O")
}
func (f *folderSource) Claim(providers.Environment) providers.Claim {
	return providers.Claim{What: f.path}
}
func (f *folderSource) Place(providers.Environment) providers.Target {
	return providers.Target{Kind: providers.TargetDirectory, Location: f.path}
}

// folderDestination has a folder.
type folderDestination struct {
	providers.DestinationConfig
	path string
}

func (f *folderDestination) Occupies(providers.Environment) providers.Occupied {
	return providers.Occupied{Path: f.path}
}

// pathsCheck forbids a path.
type pathsCheck struct{ providers.CheckConfig }

func (pathsCheck) Forbids(place providers.Occupied) bool { return place.Path == "/srv/old" }

// cleanup declares a cleanup of two images that nothing has to stand behind.
func (s *scene) cleanup(typ string) {
	address := "cleanup." + typ + ".vm"
	s.spec.Cleanups = append(s.spec.Cleanups, &spec.Cleanup{Address: address, Type: typ, Name: "vm", Config: &imagesCleanup{}})
	s.observed.Cleanups = map[string]*CleanupView{address: {CleanupView: providers.CleanupView{
		Items: []providers.CleanupItem{
			{Name: "image ims_web:12", Bytes: 120 * mib, Detail: "made 12d ago, of no container"},
			{Name: "image ims_web:13", Bytes: 130 * mib, Detail: "made 11d ago, of no container"},
		},
		Facts: []string{"the disk is 91% full, and 80% is the limit"}, Fingerprint: "seen",
	}}}
}

// imagesCleanup is a cleanup without a backup and without a trash.
type imagesCleanup struct{ providers.CleanupConfig }

func (*imagesCleanup) Guard() providers.CleanupGuard                      { return providers.CleanupGuard{} }
func (*imagesCleanup) Removes(providers.Environment) []providers.Occupied { return nil }

const oldAddress = "cleanup.directory.old"

// cleanupScene has a folder of 3 MiB that was last changed two days ago, and a backup of it at both places that is a day old.
func cleanupScene(t *testing.T) (*scene, *oldCleanup, *CleanupView) {
	s := newScene(t, placeA, placeB)
	s.spec.Sources = []*spec.Source{{Address: "source.command.database", Type: "files", Config: &folderSource{"/srv/old"}}}
	s.spec.Backups[0].Schedule = spec.Schedule{Once: true}
	s.spec.Directory = "/etc/ims"
	config := &oldCleanup{grace: 7 * day, copies: 2}
	s.spec.Cleanups = []*spec.Cleanup{{Address: oldAddress, Type: "directory", Name: "old", Config: config}}
	view := &CleanupView{CleanupView: providers.CleanupView{
		Items:  []providers.CleanupItem{{Name: "/srv/old", Bytes: 3 * mib, Files: 12}},
		Newest: s.now.Add(-48 * hour), NewestName: "a.txt", Facts: []string{"no container mounts it"}, Fingerprint: "seen",
	}}
	s.observed.Cleanups = map[string]*CleanupView{oldAddress: view}
	return s, config, view
}

// have24 records the backup of the folder.
func have24(s *scene) *state.Artifact {
	artifact := s.have(24*hour, placeA, placeB)
	artifact.What = "/srv/old on host.local"
	return artifact
}

const oldSize = "3.0 MiB in 12 files, the newest a.txt of 2026-11-20 12:00 UTC; "

func TestCleanup(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(*scene, *oldCleanup, *CleanupView)
		want    []string
	}{
		{"behind a verified backup", func(*scene, *oldCleanup, *CleanupView) {}, []string{
			"cleanup change cleanup.directory.old: " + oldSize + "verified backup of 2026-11-21 12:00 UTC in 2 destinations; moved to a trash, and removed after 7d"}},
		{"nothing there", func(_ *scene, _ *oldCleanup, view *CleanupView) { view.Items, view.Gone = nil, true }, nil},
		{"cannot be looked at", func(s *scene, _ *oldCleanup, view *CleanupView) {
			*view = CleanupView{Err: errNoRoute}
		}, []string{"blocked change cleanup.directory.old: cannot be looked at: no route to host [failed]"}},
		{"refused", func(_ *scene, _ *oldCleanup, view *CleanupView) { view.Refusals = []string{"it is a mount point"} }, []string{
			"blocked change cleanup.directory.old: " + oldSize + "not removed: it is a mount point [failed]"}},
		{"in use", func(_ *scene, _ *oldCleanup, view *CleanupView) { view.Waits = []string{"container web mounts it"} }, []string{
			"blocked change cleanup.directory.old: " + oldSize + "waits: container web mounts it"}},
		{"changed since the backup", func(s *scene, _ *oldCleanup, view *CleanupView) { view.Newest = s.now.Add(-23 * hour) }, []string{
			"backup change db: cleanup.directory.old waits for it: the verified backup of 2026-11-21 12:00 UTC is older than the newest file to a,b",
			"blocked change cleanup.directory.old: 3.0 MiB in 12 files, the newest a.txt of 2026-11-21 13:00 UTC; waits: the verified backup of 2026-11-21 12:00 UTC is older than the newest file, which this plan takes: the next one cleans up"}},
		{"changed in the second of the backup", func(s *scene, _ *oldCleanup, view *CleanupView) {
			view.Newest, view.Waits = s.now.Add(-24*hour), []string{"open"}
		}, []string{"blocked change cleanup.directory.old: 3.0 MiB in 12 files, the newest a.txt of 2026-11-21 12:00 UTC; waits: open; the verified backup of 2026-11-21 12:00 UTC is older than the newest file"}},
		{"a copy too few", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.document.Artifacts[0].Replicas[1].Condition = state.Altered
			s.document.Artifacts[0].Replicas[1].Problem = "bytes differ"
		}, []string{
			"repair drift db@b#1121T120000Z: bytes differ: copied again from a",
			"blocked change cleanup.directory.old: " + oldSize + "waits: the backup of 2026-11-21 12:00 UTC has a verified copy in 1 of the 2 destinations that min_copies asks for"}},
		{"a copy nobody has read", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.document.Artifacts[0].Replicas[1].Condition = state.Unproven
		}, []string{
			"verify time db@b#1121T120000Z: recorded from its manifest and never read: read back and compared",
			"blocked change cleanup.directory.old: " + oldSize + "waits: the backup of 2026-11-21 12:00 UTC has a verified copy in 1 of the 2 destinations that min_copies asks for"}},
		{"more copies than places", func(_ *scene, config *oldCleanup, _ *CleanupView) { config.copies = 3 }, []string{
			"blocked change cleanup.directory.old: " + oldSize + "not removed: min_copies is 3, and db has 2 destinations [failed]"}},
		{"a backup of something else", func(_ *scene, config *oldCleanup, _ *CleanupView) { config.uncovered = "it reads /srv/new" }, []string{
			"blocked change cleanup.directory.old: " + oldSize + "not removed: db does not stand for it: it reads /srv/new [failed]"}},
		{"a backup from before the source was changed", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.document.Artifacts[0].What = "/srv/other on host.local"
		}, []string{
			"backup change db: cleanup.directory.old waits for it: the backup of 2026-11-21 12:00 UTC is of /srv/other on host.local, not of /srv/old on host.local to a,b",
			"blocked change cleanup.directory.old: " + oldSize + "waits: the backup of 2026-11-21 12:00 UTC is of /srv/other on host.local, not of /srv/old on host.local, which this plan takes: the next one cleans up"}},
		{"the specification in it", func(s *scene, _ *oldCleanup, _ *CleanupView) { s.spec.Directory = "/srv/old/etc" }, []string{
			"blocked change cleanup.directory.old: " + oldSize + "not removed: the specification is in there: /srv/old/etc [failed]"}},
		{"copies in it", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.spec.Destinations[0].Config = &folderDestination{path: "/srv/old/copies"}
		}, []string{"blocked change cleanup.directory.old: " + oldSize + "not removed: a is in there: /srv/old/copies [failed]"}},
		{"in a deploy", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.spec.Deploys = []*spec.Deploy{{Address: "deploy.ims", Target: providers.DeployTarget{Path: "/srv"}}}
		}, []string{"blocked change cleanup.directory.old: " + oldSize + "not removed: it is in the folder of deploy.ims: /srv [failed]"}},
		{"another name", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.spec.Deploys = []*spec.Deploy{{Address: "deploy.ims", Target: providers.DeployTarget{Path: "/srv/older"}}}
		}, []string{"cleanup change cleanup.directory.old: " + oldSize + "verified backup of 2026-11-21 12:00 UTC in 2 destinations; moved to a trash, and removed after 7d"}},
		{"another source in it", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.spec.Sources = append(s.spec.Sources, &spec.Source{Address: "source.files.media", Config: &folderSource{"/srv/old/media"}})
		}, []string{"blocked change cleanup.directory.old: " + oldSize + "not removed: source.files.media is in there: /srv/old/media [failed]"}},
		{"a script mentions it", func(s *scene, _ *oldCleanup, _ *CleanupView) {
			s.spec.Checks = []*spec.Check{{Address: "check.paths.old", Config: pathsCheck{}, WarnOnly: true}}
			s.observed.Checks = map[string]providers.Finding{"check.paths.old": {Verdict: providers.Failed, Summary: "2 mentions in 1 file"}}
		}, []string{
			"blocked change cleanup.directory.old: " + oldSize + "waits: check.paths.old: 2 mentions in 1 file",
			"note check.paths.old: check.paths.old warns: 2 mentions in 1 file"}},
		{"nothing behind it", func(_ *scene, config *oldCleanup, view *CleanupView) {
			config.free = true
			view.Items = []providers.CleanupItem{{Name: "image a:1", Bytes: mib}, {Name: "image b:1", Bytes: mib}}
			view.Newest = time.Time{}
		}, []string{"cleanup change cleanup.directory.old: 2.0 MiB in 2 items; moved to a trash, and removed after 7d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, config, view := cleanupScene(t)
			have24(s)
			c.arrange(s, config, view)
			if diff := cmp.Diff(c.want, lines(s.diff())); diff != "" {
				t.Errorf("the plan is another (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCleanupWithoutABackup(t *testing.T) {
	s, _, _ := cleanupScene(t)
	want := []string{
		"backup change db: due: no verified backup yet, once to a,b",
		"blocked change cleanup.directory.old: " + oldSize + "waits: no verified backup of db, which this plan takes: the next one cleans up",
	}
	if diff := cmp.Diff(want, lines(s.diff())); diff != "" {
		t.Errorf("the plan is another (-want +got):\n%s", diff)
	}
}

// TestBackupOfWhatWasCleanedUp is never due again: there is nothing to read.
func TestBackupOfWhatWasCleanedUp(t *testing.T) {
	s, _, view := cleanupScene(t)
	s.spec.Backups[0].Schedule = spec.Schedule{Every: units.Duration(time.Hour)}
	s.observed.Sources["source.command.database"] = &SourceView{Err: fmt.Errorf("/srv/old does not exist")}
	have24(s)
	view.Items, view.Gone = nil, true
	if got := lines(s.diff()); len(got) != 1 || !strings.HasPrefix(got[0], "blocked time db: due") {
		t.Errorf("a folder that vanished by itself is no cleaned-up one: %q", got)
	}
	s.document.Cleanups = []*state.Cleanup{{ID: "1", Address: oldAddress, Phase: state.Removed, At: s.now.Add(-hour)}}
	if got := lines(s.diff()); len(got) != 0 {
		t.Errorf("after it was cleaned up: %q", got)
	}
	// The state alone says so too, and once it was put back, it is due again.
	if standing := Standings(s.spec, s.document, s.now)[0]; standing.Due || !standing.DueAt.IsZero() {
		t.Errorf("after it was cleaned up the state says %+v", standing)
	}
	s.document.Cleanups[0].Phase = state.Restored
	if standing := Standings(s.spec, s.document, s.now)[0]; !standing.Due {
		t.Errorf("after it was put back the state says %+v", standing)
	}
}

func TestTrash(t *testing.T) {
	const trash = "/srv/.imsctl-trash/20261114T120000Z-old"
	for _, c := range []struct {
		name    string
		arrange func(*scene, *CleanupView)
		want    []string
	}{
		{"in its grace", func(s *scene, view *CleanupView) {
			view.Trash[0].MovedAt = s.now.Add(-6 * day)
		}, nil},
		{"its grace is over", func(*scene, *CleanupView) {}, []string{
			"cleanup time cleanup.directory.old/trash/20261114T120000Z-old: 3.0 MiB in the trash since 2026-11-14 12:00 UTC, the grace of 7d is over since 2026-11-21 12:00 UTC"}},
		{"its removal was interrupted", func(s *scene, view *CleanupView) {
			view.Trash[0].MovedAt, view.Trash[0].Partial = s.now.Add(-6*day), true
		}, []string{
			"cleanup recovery cleanup.directory.old/trash/20261114T120000Z-old: in the trash since 2026-11-16 12:00 UTC, and its removal was interrupted: the rest is removed"}},
		{"moved and not recorded", func(s *scene, _ *CleanupView) { s.document.Cleanups = nil }, []string{
			"cleanup recovery cleanup.directory.old/trash/20261114T120000Z-old: moved to the trash at 2026-11-14 12:00 UTC and not recorded: recorded now"}},
		{"back", func(_ *scene, view *CleanupView) {
			view.Trash, view.Gone = nil, false
			view.Items = []providers.CleanupItem{{Name: "/srv/old", Bytes: 3 * mib, Files: 12}}
		}, []string{
			"blocked change cleanup.directory.old: " + oldSize + "waits: it is back from the trash",
			"cleanup drift cleanup.directory.old/trash/20261114T120000Z-old: moved to the trash at 2026-11-14 12:00 UTC, and back from there: recorded as put back"}},
		{"put back", func(s *scene, view *CleanupView) {
			view.Trash, view.Gone = nil, false
			view.Items = []providers.CleanupItem{{Name: "/srv/old", Bytes: 3 * mib, Files: 12}}
			s.document.Cleanups[0].Phase, s.document.Cleanups[0].RestoredAt = state.Restored, s.now.Add(-day)
		}, []string{
			"blocked change cleanup.directory.old: " + oldSize + "waits: it was put back at 2026-11-21 12:00 UTC, and stays until \"imsctl cleanup -again cleanup.directory.old\" lets it go"}},
		{"let go again", func(s *scene, view *CleanupView) {
			view.Trash, view.Gone = nil, false
			view.Items = []providers.CleanupItem{{Name: "/srv/old", Bytes: 3 * mib, Files: 12}}
			s.document.Cleanups[0].Phase, s.document.Cleanups[0].RestoredAt, s.document.Cleanups[0].AgainAt = state.Restored, s.now.Add(-day), s.now.Add(-hour)
		}, []string{
			"cleanup change cleanup.directory.old: " + oldSize + "verified backup of 2026-11-21 12:00 UTC in 2 destinations; moved to a trash, and removed after 7d"}},
		{"gone", func(_ *scene, view *CleanupView) { view.Trash = nil }, []string{
			"cleanup drift cleanup.directory.old/trash/20261114T120000Z-old: moved to the trash at 2026-11-14 12:00 UTC, and not there any more: recorded as removed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, view := cleanupScene(t)
			have24(s)
			view.Items, view.Gone = nil, true
			moved := s.now.Add(-8 * day)
			view.Trash = []providers.TrashItem{{Name: trash, MovedAt: moved}}
			s.document.Cleanups = []*state.Cleanup{{ID: "1", Address: oldAddress, Phase: state.Trashed, Trash: trash, At: moved, Bytes: 3 * mib}}
			c.arrange(s, view)
			if diff := cmp.Diff(c.want, lines(s.diff())); diff != "" {
				t.Errorf("the plan is another (-want +got):\n%s", diff)
			}
		})
	}
}

// TestScopeOfCleanups leaves out what is not asked for: nobody looks at it then.
func TestScopeOfCleanups(t *testing.T) {
	s, _, _ := cleanupScene(t)
	for target, want := range map[string]int{oldAddress: 1, oldAddress + "/trash/x": 1, database: 0} {
		if got := len(Scope{Targets: []string{target}}.Narrow(s.spec).Cleanups); got != want {
			t.Errorf("-target %s keeps %d cleanups", target, got)
		}
	}
	if got := len((Scope{Exclude: []string{oldAddress}}).Narrow(s.spec).Cleanups); got != 0 {
		t.Errorf("-exclude keeps %d cleanups", got)
	}
}
