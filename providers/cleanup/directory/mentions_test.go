package directory

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMentions has units and lines of cron that are kept in files, behind links and in linked folders.
func TestMentions(t *testing.T) {
	folder := oldFolder(t)
	place, elsewhere := t.TempDir(), t.TempDir()
	cleaner := newCleaner(t, folder)
	cleaner.places = place + " " + filepath.Join(place, "no*ne")
	write(t, filepath.Join(place, "cron.d", "nightly"), "# "+folder+" is old\n5 4 * * * root "+folder+"/nightly.sh\n5 5 * * * root "+folder+"-novo/nightly.sh\n")
	write(t, filepath.Join(place, "own.service"), "ExecStart="+folder+"/own\n")
	write(t, filepath.Join(elsewhere, "linked.service"), "[Service]\nExecStart="+folder+"/run\n")
	write(t, filepath.Join(elsewhere, "drop", "more.conf"), "WorkingDirectory="+folder+"\n")
	write(t, filepath.Join(elsewhere, "drop", "deep", "unread.conf"), "WorkingDirectory="+folder+"\n")
	for name, target := range map[string]string{
		"linked.service":        filepath.Join(elsewhere, "linked.service"),
		"linked.service.d":      filepath.Join(elsewhere, "drop"),
		"wants/own.service":     filepath.Join(place, "own.service"),
		"masked.service":        os.DevNull,
		"lost.service":          filepath.Join(elsewhere, "lost"),
		"daily":                 filepath.Join(folder, "daily.sh"),
		"wanted/linked.service": "../linked.service",
	} {
		name = filepath.Join(place, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	view := inspect(t, cleaner)
	want := []string{
		filepath.Join(place, "cron.d/nightly") + ":2 mentions it: " + shortened("5 4 * * * root "+folder+"/nightly.sh"),
		filepath.Join(place, "daily") + " leads to " + filepath.Join(folder, "daily.sh"),
		filepath.Join(place, "linked.service.d/more.conf") + ":1 mentions it: " + shortened("WorkingDirectory="+folder),
		filepath.Join(place, "linked.service") + ":2 mentions it: " + shortened("ExecStart="+folder+"/run"),
		filepath.Join(place, "own.service") + ":1 mentions it: " + shortened("ExecStart="+folder+"/own"),
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(view.Waits)); !cmp.Equal(got, want) || len(view.Refusals) > 0 {
		t.Errorf("refusals %q; waits differ:\n%s", view.Refusals, cmp.Diff(want, got))
	}
}
