package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	b := newBackend(t)
	if document := read(t, b); document.Serial != 0 || document.Lineage != "" || len(document.Artifacts) != 0 {
		t.Errorf("a state that was never written: %+v", document)
	}
	s := lock(t, b)
	if s.Document().Lineage == "" {
		t.Error("a session must know the lineage that it is going to write")
	}
	closed(t, s)
	if found := tree(t, b); len(found) != 0 {
		t.Errorf("written although nothing changed: %v", found)
	}
}

func TestLifeOfAState(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	lineage := s.Document().Lineage
	before := s.Document()
	mustStep(t, s, 1)
	if len(before.Artifacts) != 0 || before.Serial != 0 {
		t.Error("a copy of the document changed afterwards")
	}
	if document := read(t, b); document.Serial != 2 || document.Lineage != lineage || len(document.Artifacts) != 1 {
		t.Errorf("read beside a session: %+v", document)
	}
	closed(t, s)
	closed(t, s)
	if err := s.Begin(context.Background(), intent(9)); err == nil {
		t.Error("begun after Close")
	}
	first := tree(t, b)
	if _, exists := first["state.json.backup"]; exists || strings.Count(first["state.json.journal"], "\n") != 1 {
		t.Errorf("after the first session: %v", first)
	}
	s = lock(t, b)
	if err := s.Begin(context.Background(), intent(2)); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	second := tree(t, b)
	if second["state.json.backup"] != first["state.json"] || len(second) != 3 {
		t.Error("the snapshot before the last one was not kept as it was")
	}
	document := read(t, b)
	if document.Serial != 3 || document.Lineage != lineage || len(document.Intents) != 1 || document.Writer != "0.1.0" {
		t.Errorf("after the second session: %+v", document)
	}
	for name := range second {
		if info, err := os.Stat(filepath.Join(filepath.Dir(b.path), name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Dir(b.path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
	closed(t, lock(t, b))
	if diff := cmp.Diff(second, tree(t, b)); diff != "" {
		t.Errorf("written although nothing changed: %s", diff)
	}
}

func TestBeginAndEndWithAnEndedContext(t *testing.T) {
	s := lock(t, newBackend(t))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Begin(ended, intent(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Begin(context.Background(), intent(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.End(ended, intent(1).ID, result()); err != nil {
		t.Errorf("what happened was not recorded: %v", err)
	}
}

func TestRefusedRecordsAreNotWritten(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	for _, err := range []error{
		s.Begin(context.Background(), state.Intent{}),
		s.End(context.Background(), "nobody", result()),
	} {
		if err == nil {
			t.Error("nonsense was recorded")
		}
	}
	mustStep(t, s, 2)
	if document := read(t, b); document.Serial != 4 || len(document.Artifacts) != 2 {
		t.Errorf("got %+v", document)
	}
}

func TestCrashBetweenSnapshotAndJournal(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	mustStep(t, s, 2)
	journal, err := os.ReadFile(b.path + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	snapshot := tree(t, b)["state.json"]
	if err := os.WriteFile(b.path+journalSuffix, journal, fileMode); err != nil {
		t.Fatal(err)
	}
	want := read(t, b)
	if want.Serial != 4 || len(want.Artifacts) != 2 {
		t.Fatalf("got %+v", want)
	}
	s = lock(t, b)
	mustStep(t, s, 3)
	if document := read(t, b); document.Serial != 6 || len(document.Artifacts) != 3 {
		t.Errorf("after one more step: %+v", document)
	}
	closed(t, s)
	if tree(t, b)["state.json.backup"] != snapshot {
		t.Error("the snapshot was not kept")
	}
}

func TestJournalCutAtEveryByteOfItsLastRecords(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	mustStep(t, s, 2)
	data, err := os.ReadFile(b.path + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.lock.release(); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	for size := len(lines[0]); size <= len(data); size++ {
		if err := os.WriteFile(b.path+journalSuffix, data[:size], fileMode); err != nil {
			t.Fatal(err)
		}
		complete := uint64(strings.Count(string(data[:size]), "\n") - 1)
		if got := read(t, b).Serial; got != complete {
			t.Fatalf("cut at %d: read serial %d, want %d", size, got, complete)
		}
		if size%7 != 0 {
			continue
		}
		again := lock(t, b)
		if open := len(again.Document().Intents); open != int(complete%2) {
			t.Fatalf("cut at %d: %d open intents", size, open)
		}
		mustStep(t, again, 3)
		if got := read(t, b).Serial; got != complete+2 {
			t.Fatalf("cut at %d: serial %d after a step, want %d", size, got, complete+2)
		}
		if err := again.lock.release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageIsRefusedAndLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, b *Backend)
		want  []string
	}{
		"cut snapshot":    {rewrite("", func(s string) string { return s[:len(s)/2] }), []string{"damaged", "state.json.backup", "Nothing was changed"}},
		"empty snapshot":  {rewrite("", func(string) string { return "" }), []string{"it is empty", "state.json.backup"}},
		"newer snapshot":  {rewrite("", func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) }), []string{"was written by a newer imsctl (format 2, this one reads 1): upgrade imsctl"}},
		"altered journal": {rewrite(journalSuffix, func(s string) string { return strings.Replace(s, "base_serial\":4", "base_serial\":3", 1) }), []string{"journal", "line 1", "altered"}},
		"empty journal":   {rewrite(journalSuffix, func(string) string { return "" }), []string{"journal", "is empty"}},
		"lost snapshot":   {func(t *testing.T, b *Backend) { check(t, os.Remove(b.path)) }, []string{"snapshot is missing"}},
		"older snapshot":  {func(t *testing.T, b *Backend) { check(t, os.Rename(b.path+backupSuffix, b.path)) }, []string{"older than its journal"}},
		"a folder":        {func(t *testing.T, b *Backend) { check(t, os.Remove(b.path)); check(t, os.Mkdir(b.path, 0o700)) }, []string{"not a file but a folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			for i := range 2 {
				s := lock(t, b)
				mustStep(t, s, i)
				closed(t, s)
			}
			test.spoil(t, b)
			if info, err := os.Stat(b.path); err != nil || !info.IsDir() {
				before := tree(t, b)
				defer func() {
					if diff := cmp.Diff(before, tree(t, b)); diff != "" {
						t.Errorf("the files were changed: %s", diff)
					}
				}()
			}
			_, readErr := b.Read(context.Background())
			_, lockErr := b.Lock(context.Background(), state.LockInfo{}, 0)
			for _, err := range []error{readErr, lockErr} {
				for _, want := range test.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %q", err, want)
					}
				}
			}
		})
	}
}

// rewrite returns what changes one file of a state.
func rewrite(suffix string, change func(string) string) func(*testing.T, *Backend) {
	return func(t *testing.T, b *Backend) {
		data, err := os.ReadFile(b.path + suffix)
		check(t, err)
		check(t, os.WriteFile(b.path+suffix, []byte(change(string(data))), fileMode))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAdviceAfterDamageWorks(t *testing.T) {
	b := newBackend(t)
	for i := range 2 {
		s := lock(t, b)
		mustStep(t, s, i)
		closed(t, s)
	}
	check(t, os.Truncate(b.path, 100))
	for _, suffix := range []string{"", journalSuffix} {
		check(t, os.Rename(b.path+suffix, b.path+suffix+".away"))
	}
	data, err := os.ReadFile(b.path + backupSuffix)
	check(t, err)
	check(t, os.WriteFile(b.path, data, fileMode))
	if document := read(t, b); document.Serial != 2 || len(document.Artifacts) != 1 {
		t.Errorf("got %+v", document)
	}
	s := lock(t, b)
	mustStep(t, s, 7)
	closed(t, s)
}

func TestAStateBehindALinkHasOneLock(t *testing.T) {
	b := newBackend(t)
	s := lock(t, b)
	mustStep(t, s, 1)
	closed(t, s)
	link := filepath.Join(t.TempDir(), "linked.json")
	check(t, os.Symlink(b.path, link))
	other := New(link, b.clock, b.version)
	s = lock(t, other)
	var locked *state.LockedError
	if _, err := b.Lock(context.Background(), state.LockInfo{}, 0); !errors.As(err, &locked) {
		t.Errorf("two names, two locks: %v", err)
	}
	mustStep(t, s, 2)
	closed(t, s)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if document := read(t, b); len(document.Artifacts) != 2 {
		t.Errorf("got %+v", document)
	}
}

func TestTemporaryFilesOfADeadSessionAreRemoved(t *testing.T) {
	b := newBackend(t)
	closed(t, lock(t, b))
	folder := filepath.Dir(b.path)
	for _, name := range []string{".state.json.123.tmp", ".state.json.journal.4.tmp", ".state.json.backup.0.tmp", ".state.json.x.5.tmp", ".state.json.tmp"} {
		check(t, os.WriteFile(filepath.Join(folder, name), nil, fileMode))
	}
	closed(t, lock(t, b))
	want := map[string]string{".state.json.x.5.tmp": "", ".state.json.tmp": ""}
	if diff := cmp.Diff(want, tree(t, b)); diff != "" {
		t.Error(diff)
	}
}
