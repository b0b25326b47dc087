package planner

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
)

// backfilling is a scene whose backup brings all that is kept to each of its destinations.
func backfilling(t *testing.T, places ...string) *scene {
	s := newScene(t, places...)
	s.spec.Backups[0].BackfillAll = true
	return s
}

func TestDiffBackfill(t *testing.T) {
	week := spec.Retention{KeepWithin: units.Duration(7 * day)}
	runDiffCases(t, []diffCase{
		{"a new destination gets all that its retention keeps", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			s.retain(placeB, week)
			for _, age := range []time.Duration{9 * day, 6 * day, hour} {
				s.have(age, placeA)
			}
			return s
		}, []string{
			"replicate change db@b#1116T120000Z: missing on b, which keeps it (keep_within 7d); copied from a, no new backup",
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
		}},
		{"without a retention it gets everything", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			s.have(90*day, placeA)
			s.have(hour, placeA)
			return s
		}, []string{
			"replicate change db@b#0824T120000Z: missing on b, which keeps everything; copied from a, no new backup",
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
		}},
		{"a backup on its way counts as the newest, and the others are brought all the same", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			s.retain(placeB, spec.Retention{KeepLast: 2})
			s.have(3*day, placeA)
			s.have(2*day, placeA)
			return s
		}, []string{
			"backup time db: due: last verified backup is 2d old, every 24h to a,b",
			"replicate change db@b#1120T120000Z: missing on b, which keeps it (keep_last 2); copied from a, no new backup",
		}},
		{"what is there already counts, and what is not kept any more goes", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			s.retain(placeB, spec.Retention{KeepLast: 2})
			s.have(3*day, placeA, placeB)
			s.have(2*day, placeA)
			s.have(hour, placeA, placeB)
			return s
		}, []string{
			"prune time db@b#1119T120000Z: 3d old, keep_last 2; 2 newer verified backups remain [2 remain] after db@b#1120T120000Z",
			"replicate change db@b#1120T120000Z: missing on b, which keeps it (keep_last 2); copied from a, no new backup",
		}},
		{"no room for all: the newest go first", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			for _, age := range []time.Duration{4 * day, 3 * day, 2 * day, hour} {
				s.have(age, placeA)
			}
			s.observed.Destinations[placeB].Free = 1200 * mib
			return s
		}, []string{
			"replicate change db@b#1120T120000Z: missing on b, which keeps everything; copied from a, no new backup",
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
			"blocked change db@b/backfill: 2 older artifacts are missing on b (1010 MiB), which needs about 1010 MiB, 190 MiB free after what else this plan stores there: make room there [failed] [degraded]",
		}},
		{"an artifact that is deleted elsewhere is copied first", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			s.retain(placeA, week)
			s.have(9*day, placeA)
			s.have(hour, placeA, placeB)
			return s
		}, []string{
			"prune time db@a#1113T120000Z: 9d old, keep_within 7d; 1 newer verified backup remains [1 remain] after db@b#1113T120000Z",
			"replicate change db@b#1113T120000Z: missing on b, which keeps everything; copied from a, no new backup",
		}},
		{"something else in the way of an older one", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			old := s.have(2*day, placeA)
			s.have(hour, placeA, placeB)
			s.putObject(placeB, old.Key, 5)
			return s
		}, []string{
			"blocked change db@b#1120T120000Z: missing on b, which keeps everything, where an object without a manifest lies under its key: nothing is overwritten; remove it there [failed] [degraded]",
			"note b: 1 object without a manifest at b (5 B), of no interrupted apply: not touched",
		}},
		{"damaged everywhere else: nothing to bring", func(t *testing.T) *scene {
			s := backfilling(t, placeA, placeB)
			old := s.have(2*day, placeA)
			s.have(hour, placeA, placeB)
			s.putObject(placeA, old.Key, 5)
			return s
		}, []string{
			"note db@a#1120T120000Z: the copy of 1120T120000Z at a is damaged and cannot be repaired, because no good copy is left: size 5 B, manifest says 505 MiB; it is kept and does not count as a backup",
		}},
	})
}

// TestBackfillGoesFromTheNewestToTheOldest looks at the turns of the copies.
func TestBackfillGoesFromTheNewestToTheOldest(t *testing.T) {
	s := backfilling(t, placeA, placeB)
	for _, age := range []time.Duration{3 * day, 2 * day, hour} {
		s.have(age, placeA)
	}
	var turns []string
	for _, action := range s.diff().Actions {
		turns = append(turns, fmt.Sprint(short(action.Common().Address), " ", action.Common().Rank))
	}
	want := []string{"db@b#1119T120000Z 2", "db@b#1120T120000Z 1", "db@b#1122T110000Z 0"}
	if !slices.Equal(turns, want) {
		t.Errorf("got %q, want %q", turns, want)
	}
}

// TestOriginsAreNearFirst: a copy is made from this machine's before it is made from another one, and those that could
// serve in its stead are named in the order of `to`.
func TestOriginsAreNearFirst(t *testing.T) {
	const cloud, remote = "destination.gcs.cloud", "destination.local.remote"
	s := newScene(t, cloud, remote, placeA, placeB)
	s.spec.Destinations[0].Type = "gcs"
	s.spec.References = map[string][]string{remote: {"host.ssh.vm"}, placeA: {"host.local"}}
	s.have(hour, cloud, remote, placeA)
	replicate, ok := s.diff().Actions[0].(*Replicate)
	if !ok {
		t.Fatalf("%q", lines(s.diff()))
	}
	if want := (Replicate{Meta: replicate.Meta, Artifact: replicate.Artifact, From: placeA, Others: []string{cloud, remote}, To: placeB}); cmp.Diff(want, *replicate) != "" {
		t.Errorf("%s", cmp.Diff(want, *replicate))
	}
}
