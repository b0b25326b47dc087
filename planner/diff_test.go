package planner

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// diffCase is a scene and the plan that must come of it.
type diffCase struct {
	name  string
	scene func(t *testing.T) *scene
	want  []string
}

func runDiffCases(t *testing.T, cases []diffCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := lines(c.scene(t).diff())
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("plan (-want +got):\n%s", difference)
			}
		})
	}
}

func TestDiffDue(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"nothing to do when a verified backup is young", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(23*hour, placeA, placeB)
			return s
		}, nil},
		{"the first backup ever", func(t *testing.T) *scene {
			return newScene(t, placeA, placeB)
		}, []string{"backup change db: due: no verified backup yet, every 24h to a,b"}},
		{"the last verified backup is too old", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(26*hour, placeA)
			return s
		}, []string{"backup time db: due: last verified backup is 26h old, every 24h to a"}},
		{"a schedule that has fired since", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.spec.Backups[0].Schedule = cronSchedule(t, "0 2 * * *", time.UTC)
			s.have(11*hour, placeA)
			return s
		}, []string{`backup time db: due: last verified backup is 11h old, schedule "0 2 * * *" to a`}},
		{"a schedule that has not fired since", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.spec.Backups[0].Schedule = cronSchedule(t, "0 2 * * *", time.UTC)
			s.have(9*hour, placeA)
			return s
		}, nil},
		{"once and taken is never due again", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.spec.Backups[0].Schedule = spec.Schedule{Once: true}
			s.have(4000*hour, placeA)
			return s
		}, nil},
		{"all copies are gone: due again, and the records go", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.loseCopy(placeA, artifact)
			s.loseCopy(placeB, artifact)
			return s
		}, []string{
			"backup drift db: due: no verified copy is left of 1 recorded backup, every 24h to a,b",
			"forget drift db@a#1122T110000Z: gone from a, and no good copy is left to repair it from",
			"forget drift db@b#1122T110000Z: gone from b, and no good copy is left to repair it from",
		}},
		{"an altered copy does not count", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(30*hour, placeA)
			s.have(hour, placeA).Replicas[0].Condition = state.Altered
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old and 1 newer one is gone or damaged, every 24h to a",
			"note db@a#1122T110000Z: the copy of 1122T110000Z at a is damaged and cannot be repaired, because no good copy is left: altered at a; it is kept and does not count as a backup",
		}},
		{"copies at a destination that `to` no longer lists do not count and stay", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.spec.Backups[0].To = []string{placeB}
			s.observed.Destinations[placeB] = emptyView()
			return s
		}, []string{
			"backup change db: due: no verified backup at its destinations yet, every 24h to b",
			"note db@a: 1 copy of db at a, which its `to` does not list any more: kept",
		}},
		{"a start in the future does not put off backups", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(-48*hour, placeA)
			return s
		}, []string{
			"backup change db: due: no verified backup yet, every 24h to a",
			"note db: 1 artifact of db started in the future (2026-11-24 12:00 UTC): the clock of this machine or of the one that took them is wrong",
		}},
	})
}

func TestDiffBlocked(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"the source cannot be read", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.observed.Sources["source.command.database"] = &SourceView{Err: errors.New("pg_dump: not found.\n")}
			return s
		}, []string{"blocked change db: due: no verified backup yet, every 24h; but source.command.database cannot be read: pg_dump: not found [failed]"}},
		{"the source cannot be read: the last backup is replicated all the same", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(30*hour, placeA)
			s.observed.Sources["source.command.database"] = &SourceView{Err: errNoRoute}
			return s
		}, []string{
			"blocked time db: due: last verified backup is 30h old, every 24h; but source.command.database cannot be read: no route to host [failed]",
			"replicate change db@b#1121T060000Z: missing on b; copied from a, no new backup",
		}},
		{"all destinations are unreachable", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.observed.Destinations[placeA] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{
			"blocked change db: due: no verified backup yet, every 24h; but only 0 of its 1 destination can be used and min_copies is 1 [failed]",
			"blocked drift db@a: a cannot be used: no route to host [failed]",
		}},
		{"one destination is unreachable, min_copies is met", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{
			"backup change db: due: no verified backup yet, every 24h to a",
			"blocked drift db@b: b cannot be used: no route to host; the new backup will be replicated to it later [failed] [degraded]",
		}},
		{"one destination is unreachable, min_copies is not met", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.spec.Backups[0].MinCopies = 2
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{
			"blocked change db: due: no verified backup yet, every 24h; but only 1 of its 2 destinations can be used and min_copies is 2 [failed]",
			"blocked drift db@b: b cannot be used: no route to host [failed]",
		}},
		{"an unreachable destination is told although nothing is due", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(hour, placeA, placeB)
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{"blocked drift db@b: b cannot be used: no route to host [failed] [degraded]"}},
		{"too little space counts as unreachable", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(30*hour, placeA, placeB)
			s.observed.Destinations[placeB].Free = 300 * mib
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"blocked drift db@b: b needs about 505 MiB, 300 MiB free: the new backup will be replicated to it later [failed] [degraded]",
		}},
		{"too little space everywhere", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(30*hour, placeA)
			s.observed.Destinations[placeA].Free = 300 * mib
			return s
		}, []string{
			"blocked time db: due: last verified backup is 30h old, every 24h; but only 0 of its 1 destination can be used and min_copies is 1; a needs about 505 MiB, 300 MiB free [failed]",
		}},
		{"two backups share the free space", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(30*hour, placeA)
			s.declare("second", placeA)
			second := s.have(31*hour, placeA)
			old := *second
			second.ID, second.Backup, second.Key = "second-1", "backup.second", "second/second-1.sql"
			s.loseCopy(placeA, &old)
			second.Replicas[0].Version, second.Replicas[0].ManifestVersion = s.put(placeA, second)
			s.observed.Destinations[placeA].Free = 700 * mib
			return s
		}, []string{
			"backup time db: due: last verified backup is 30h old, every 24h to a",
			"blocked time backup.second: due: last verified backup is 31h old, every 24h; but only 0 of its 1 destination can be used and min_copies is 1; a needs about 505 MiB, 195 MiB free after what else this plan stores there [failed]",
		}},
		{"without history nothing is known of the space", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.observed.Destinations[placeA].Free = 1
			return s
		}, []string{"backup change db: due: no verified backup yet, every 24h to a"}},
	})
}

func TestDiffCopies(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"a destination that never had the newest artifact gets it, older ones are left", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(23*hour, placeA)
			s.have(hour, placeA)
			return s
		}, []string{"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup"}},
		{"nothing is replicated when a new backup goes everywhere", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(30*hour, placeA)
			return s
		}, []string{"backup time db: due: last verified backup is 30h old, every 24h to a,b"}},
		{"an unknown object in the way is not overwritten", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA)
			s.putObject(placeB, artifact.Key, 5)
			return s
		}, []string{
			"blocked change db@b#1122T110000Z: missing on b, where an object without a manifest lies under its key: nothing is overwritten; remove it there [failed] [degraded]",
			"note b: 1 object without a manifest at b (5 B), of no interrupted apply: not touched",
		}},
		{"its own manifest without the bytes is replaced", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA)
			s.put(placeB, artifact)
			s.seal(placeB, artifact, sceneLineage)
			s.lose(placeB, artifact.Key)
			return s
		}, []string{
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
			"note b: 1 manifest at b without the described bytes: not a backup",
		}},
		{"size differs", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.putObject(placeB, artifact.Key, 12*mib)
			return s
		}, []string{"repair drift db@b#1122T110000Z: size 12.0 MiB, manifest says 505 MiB: copied again from a"}},
		{"size differs by one byte", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.putObject(placeB, artifact.Key, 505*mib-1)
			return s
		}, []string{"repair drift db@b#1122T110000Z: size 529530879 B, manifest says 529530880 B: copied again from a"}},
		{"gone", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.loseCopy(placeA, s.have(hour, placeA, placeB))
			return s
		}, []string{"repair drift db@a#1122T110000Z: gone from a: copied again from b"}},
		{"the manifest is gone", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.lose(placeB, state.ManifestKey(s.have(hour, placeA, placeB).Key))
			return s
		}, []string{"repair drift db@b#1122T110000Z: its manifest is gone from b: copied again from a"}},
		{"the manifest was cut", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.putObject(placeB, state.ManifestKey(s.have(hour, placeA, placeB).Key), 500)
			return s
		}, []string{"repair drift db@b#1122T110000Z: its manifest is damaged: size 500 B, written as 700 B: copied again from a"}},
		{"found altered by an earlier reading", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			artifact.Replicas[0].Condition, artifact.Replicas[0].Problem = state.Altered, "SHA-256 differs"
			return s
		}, []string{"repair drift db@a#1122T110000Z: SHA-256 differs: copied again from b"}},
		{"same size, another version: read back", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.putObject(placeB, artifact.Key, artifact.Stored.Size)
			return s
		}, []string{"verify drift db@b#1122T110000Z: changed since it was written (modified 2026-11-22 11:00 UTC): read back and compared"}},
		{"repaired from a copy that must be read back first", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.loseCopy(placeA, artifact)
			s.putObject(placeB, state.ManifestKey(artifact.Key), artifact.ManifestSize)
			return s
		}, []string{
			"repair drift db@a#1122T110000Z: gone from a: copied again from b after db@b#1122T110000Z",
			"verify drift db@b#1122T110000Z: changed since it was written (modified 2026-11-22 11:00 UTC): read back and compared",
		}},
		{"damaged everywhere but one place is not seen: waits", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.loseCopy(placeA, s.have(hour, placeA, placeB))
			s.observed.Destinations[placeB] = &DestinationView{Err: errNoRoute}
			return s
		}, []string{
			"blocked drift db@a#1122T110000Z: gone from a; its other copies lie where nothing could be looked at [failed]",
			"blocked drift db@b: b cannot be used: no route to host [failed]",
		}},
		{"a missing copy that retention would not keep is forgotten", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, spec.Retention{KeepWithin: units.Duration(7 * day)})
			s.loseCopy(placeB, s.have(9*day, placeA, placeB))
			s.have(hour, placeA, placeB)
			return s
		}, []string{"forget drift db@b#1113T120000Z: gone from b; its retention would not keep it"}},
		{"an altered copy that retention would not keep is deleted", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.retain(placeB, spec.Retention{KeepWithin: units.Duration(7 * day)})
			artifact := s.have(9*day, placeA, placeB)
			s.putObject(placeB, artifact.Key, 3)
			s.have(hour, placeA, placeB)
			return s
		}, []string{"prune drift db@b#1113T120000Z: size 3 B, manifest says 505 MiB; its retention would not keep it [1 remain]"}},
		{"without looking, the state is taken at its word", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA)
			s.intend(KindBackup, s.make(2*hour), placeA)
			s.loseCopy(placeA, artifact)
			s.observed = nil
			return s
		}, []string{
			"replicate change db@b#1122T110000Z: missing on b; copied from a, no new backup",
			"note db: the backup begun at 2026-11-22 11:30 UTC was interrupted; without looking at the destinations nothing is done about it",
		}},
	})
}

func TestDiffRecovery(t *testing.T) {
	runDiffCases(t, []diffCase{
		{"a backup that was complete when the apply died is adopted, and replicated after that", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.make(hour)
			s.put(placeA, artifact)
			s.seal(placeA, artifact, sceneLineage)
			s.intend(KindBackup, artifact, placeA, placeB)
			return s
		}, []string{
			"verify recovery db@a#1122T110000Z: complete but not recorded: the apply of 2026-11-22 11:30 UTC was interrupted; read back, then recorded",
			"replicate recovery db@b#1122T110000Z: missing on b, the copy begun at 2026-11-22 11:30 UTC was interrupted; copied from a, no new backup after db@a#1122T110000Z",
		}},
		{"bytes without a manifest and remnants are cleaned up", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			s.have(23*hour, placeA, placeB)
			artifact := s.make(hour)
			s.putObject(placeA, artifact.Key, 12*mib)
			s.observed.Destinations[placeB].Remnants = []providers.Remnant{{Key: artifact.Key, Name: "x.part", Size: mib}}
			s.intend(KindBackup, artifact, placeA, placeB)
			return s
		}, []string{
			`sweep recovery db@a#1122T110000Z/unfinished: 12.0 MiB of a backup interrupted at 2026-11-22 11:30 UTC, never completed [version "v5", remnants []]`,
			`sweep recovery db@b#1122T110000Z/unfinished: 1.0 MiB of a backup interrupted at 2026-11-22 11:30 UTC, never completed [version "", remnants ["x.part"]]`,
		}},
		{"an interrupted replication is done again over what it left", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA)
			s.putObject(placeB, artifact.Key, artifact.Stored.Size)
			s.observed.Destinations[placeB].Remnants = []providers.Remnant{{Key: state.ManifestKey(artifact.Key), Name: "m.part", Size: 10}}
			s.intend(KindReplicate, artifact, placeB)
			return s
		}, []string{
			"replicate recovery db@b#1122T110000Z: missing on b, the copy begun at 2026-11-22 11:30 UTC was interrupted; copied from a, no new backup",
			`sweep recovery db@b#1122T110000Z/unfinished: 10 B of a copy interrupted at 2026-11-22 11:30 UTC, never completed [version "", remnants ["m.part"]]`,
		}},
		{"what an interrupted replication left is removed when nobody copies there any more", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(2*hour, placeA)
			s.have(hour, placeA, placeB)
			s.putObject(placeB, artifact.Key, mib)
			s.intend(KindReplicate, artifact, placeB)
			return s
		}, []string{
			`sweep recovery db@b#1122T100000Z/unfinished: 1.0 MiB of a copy interrupted at 2026-11-22 11:30 UTC, never completed [version "v7", remnants []]`,
		}},
		{"an interrupted repair is simply done again", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA, placeB)
			s.lose(placeB, state.ManifestKey(artifact.Key))
			s.intend(KindRepair, artifact, placeB)
			return s
		}, []string{"repair drift db@b#1122T110000Z: its manifest is gone from b: copied again from a"}},
		{"an interrupted prune is finished", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			artifact := s.have(9*day, placeA)
			s.have(hour, placeA)
			s.lose(placeA, state.ManifestKey(artifact.Key))
			s.intend(KindPrune, artifact, placeA)
			return s
		}, []string{"prune recovery db@a#1113T120000Z: finishes the prune interrupted at 2026-11-22 11:30 UTC [1 remain]"}},
		{"an interrupted prune is not finished when it would take the last", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.spec.Backups[0].Schedule = spec.Schedule{Once: true}
			artifact := s.have(9*day, placeA)
			s.lose(placeA, state.ManifestKey(artifact.Key))
			s.intend(KindPrune, artifact, placeA)
			s.observed.Sources["source.command.database"] = &SourceView{Err: errNoRoute}
			return s
		}, []string{
			"blocked drift db: due: no verified copy is left of 1 recorded backup, once; but source.command.database cannot be read: no route to host [failed]",
			"note db@a#1113T120000Z: the copy of 1113T120000Z at a is damaged and cannot be repaired, because no good copy is left: its manifest is gone from a; it is kept and does not count as a backup",
		}},
		{"a prune that was done and not recorded", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(9*day, placeA, placeB)
			s.have(hour, placeA, placeB)
			s.loseCopy(placeA, artifact)
			s.intend(KindPrune, artifact, placeA)
			return s
		}, []string{"forget recovery db@a#1113T120000Z: was pruned; the apply of 2026-11-22 11:30 UTC was interrupted before it could say so"}},
		{"a complete copy of this state without an interrupted apply is adopted too", func(t *testing.T) *scene {
			s := newScene(t, placeA, placeB)
			artifact := s.have(hour, placeA)
			s.put(placeB, artifact)
			s.seal(placeB, artifact, sceneLineage)
			return s
		}, []string{"verify drift db@b#1122T110000Z: complete but not recorded, and its manifest belongs to this state: read back, then recorded"}},
		{"manifests of others, damaged and incomplete ones are never touched", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			other := s.make(3 * hour)
			s.put(placeA, other)
			s.seal(placeA, other, "another")
			damaged := s.make(4 * hour)
			s.put(placeA, damaged)
			s.observed.Destinations[placeA].Manifests[state.ManifestKey(damaged.Key)] = ManifestView{Err: errors.New("unexpected EOF")}
			hollow := s.make(5 * hour)
			s.put(placeA, hollow)
			s.seal(placeA, hollow, sceneLineage)
			s.lose(placeA, hollow.Key)
			misplaced := s.make(6 * hour)
			s.put(placeA, misplaced)
			s.seal(placeA, misplaced, sceneLineage)
			s.observed.Destinations[placeA].Manifests[state.ManifestKey(misplaced.Key)].Manifest.Backup = "backup.other"
			return s
		}, []string{
			"note a: 1 artifact of another state at a: not touched",
			"note a: 1 manifest at a in the wrong place: not touched",
			"note a: 1 manifest at a that cannot be read: not touched",
			"note a: 1 manifest at a without the described bytes: not a backup",
		}},
		{"a new state adopts nothing", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.document.Lineage = ""
			artifact := s.make(hour)
			s.put(placeA, artifact)
			s.seal(placeA, artifact, "")
			return s
		}, []string{
			"backup change db: due: no verified backup yet, every 24h to a",
			"note a: 1 artifact of another state at a: not touched; if this state was lost, it can be rebuilt from them: imsctl state rebuild",
		}},
		{"remnants of nobody are told and left", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.observed.Destinations[placeA].Remnants = []providers.Remnant{{Key: "database/x", Name: "x.part", Size: 2 * mib}}
			return s
		}, []string{"note a: 1 unfinished upload at a (2.0 MiB), of no interrupted apply: not touched"}},
		{"an interrupted apply of a backup that is declared no more", func(t *testing.T) *scene {
			s := newScene(t, placeA)
			s.have(hour, placeA)
			s.intend(KindBackup, s.make(2*hour), placeB)
			old := s.have(5*hour, placeA)
			old.Backup = "backup.old"
			return s
		}, []string{
			"note db: the backup begun at 2026-11-22 11:30 UTC was interrupted, and b is not a destination of it in the specification any more: what lies there under database/1122T100000Z.sql.gz is not touched",
			"note backup.old: 1 artifact of backup.old is not in the specification: kept",
		}},
	})
}

func cronSchedule(t *testing.T, expression string, location *time.Location) spec.Schedule {
	t.Helper()
	schedule, err := spec.NewCronSchedule(expression, location)
	if err != nil {
		t.Fatal(err)
	}
	return schedule
}
