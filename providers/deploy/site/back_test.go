package site

import (
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// TestGoesBackTo: who goes back twice comes further back, and not to what was gone back from.
func TestGoesBackTo(t *testing.T) {
	t.Parallel()
	record := func(id, previous string, promoted bool) providers.ReleaseRecord {
		return providers.ReleaseRecord{Release: providers.Release{ID: id, Previous: previous}, Promoted: promoted}
	}
	three := []providers.ReleaseRecord{record("1", "", true), record("2", "1", true), record("3", "2", true)}
	for name, test := range map[string]struct {
		current  string
		releases []providers.ReleaseRecord
		there    []string
		want     string
	}{
		"the newest runs":                              {current: "3", releases: three, want: "2"},
		"gone back once":                               {current: "2", releases: three, want: "1"},
		"gone back to the first":                       {current: "1", releases: three, want: ""},
		"gone back, which its record tells":            {current: "2", releases: []providers.ReleaseRecord{three[0], record("2", "3", true), three[2]}, want: "1"},
		"a good one after one that was gone back from": {current: "3", releases: []providers.ReleaseRecord{three[0], three[1], record("3", "1", true)}, want: "1"},
		"what ran before is gone":                      {current: "3", releases: three, there: []string{"1", "3"}, want: "1"},
		"what ran before never proved healthy":         {current: "3", releases: []providers.ReleaseRecord{three[0], record("2", "1", false), three[2]}, want: "1"},
		"the current one never proved healthy":         {current: "3", releases: []providers.ReleaseRecord{three[0], three[1], record("3", "2", false)}, want: "2"},
		"nor does anything older":                      {current: "1", releases: []providers.ReleaseRecord{record("1", "", false), three[1], three[2]}, want: "3"},
		"nothing runs":                                 {releases: three, want: "3"},
		"nothing is there":                             {want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			view := providers.SiteView{Releases: test.releases}
			there := test.there
			for _, release := range test.releases {
				if release.ID == test.current {
					view.Current = &release
				}
				if test.there == nil {
					there = append(there, release.ID)
				}
			}
			if got := goesBackTo(test.current, &view, there); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
