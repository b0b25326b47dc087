package judgement

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * hour
)

// scene is a specification of everything that is judged, and a state in which all of it is true until a test changes that.
func scene() (*spec.Spec, *state.Document) {
	daily := spec.Schedule{Every: units.Duration(day)}
	specification := &spec.Spec{
		Location:     time.UTC,
		Destinations: []*spec.Destination{{Address: "near"}, {Address: "far"}},
		Backups:      []*spec.Backup{{Address: "backup.a", To: []string{"near", "far"}, MinCopies: 1, Schedule: daily}},
		Drills:       []*spec.Drill{{Address: "drill.a", Backup: "backup.a", Schedule: spec.Schedule{Every: units.Duration(7 * day)}}},
		Deploys:      []*spec.Deploy{{Address: "deploy.a"}},
		Checks:       []*spec.Check{{Address: "check.http.a"}},
	}
	document := &state.Document{
		Artifacts: []*state.Artifact{artifact(2*day, state.Verified, state.Verified), artifact(hour, state.Verified, state.Verified)},
		Drills:    []*state.Drill{{ID: "d1", Address: "drill.a", Backup: "backup.a", StartedAt: now.Add(-2 * day), Outcome: state.Done}},
		Releases:  []*state.Release{release("r1", 3*day, state.Deploying, state.Promoted)},
		Checks:    []*state.CheckResult{{Address: "check.http.a", AskedAt: now.Add(-hour), Verdict: "passed"}},
	}
	return specification, document
}

// artifact is one of backup.a with copies in those conditions; "" is none.
func artifact(age time.Duration, near, far state.Condition) *state.Artifact {
	made := &state.Artifact{Description: state.Description{ID: "a-" + age.String(), Backup: "backup.a", StartedAt: now.Add(-age), Key: "a/" + age.String(), Stored: state.Sums{Size: 10}}}
	for destination, condition := range map[string]state.Condition{"near": near, "far": far} {
		if condition != "" {
			made.Replicas = append(made.Replicas, state.Replica{Destination: destination, Condition: condition})
		}
	}
	slices.SortFunc(made.Replicas, func(a, b state.Replica) int { return strings.Compare(a.Destination, b.Destination) })
	return made
}

func release(id string, age time.Duration, phases ...state.Phase) *state.Release {
	made := &state.Release{ID: id, Address: "deploy.a", Commit: "0123456789", Transitions: []state.Transition{{Phase: state.Planned, At: now.Add(-age)}}}
	for i, phase := range phases {
		made = made.Enter(phase, now.Add(-age+time.Duration(i)*time.Minute))
	}
	return made
}

func TestBreaches(t *testing.T) {
	for name, c := range map[string]struct {
		change func(specification *spec.Spec, document *state.Document)
		want   []string
	}{
		"all is true": {func(*spec.Spec, *state.Document) {}, nil},
		"no backup": {func(_ *spec.Spec, document *state.Document) { document.Artifacts = nil },
			[]string{"error backup_overdue backup.a has no backup that counts, every 24h"}},
		"overdue": {func(_ *spec.Spec, document *state.Document) { document.Artifacts = document.Artifacts[:1] },
			[]string{"error backup_overdue backup.a has been due for 24h: the last backup is 2d old, every 24h"}},
		"of the future": {func(_ *spec.Spec, document *state.Document) { document.Artifacts[1].StartedAt = now.Add(day) },
			[]string{"error backup_overdue backup.a has been due for 24h: the last backup is 2d old, every 24h"}},
		"a copy is missing": {func(_ *spec.Spec, document *state.Document) {
			document.Artifacts[1] = artifact(hour, state.Verified, "")
		}, []string{"warning copies_missing backup.a@far lacks 1 copy"}},
		"too few": {func(specification *spec.Spec, document *state.Document) {
			specification.Backups[0].MinCopies = 2
			document.Artifacts[1] = artifact(hour, state.Verified, state.Altered)
		}, []string{
			"error too_few_copies backup.a has 1 verified copy of its newest backup, and min_copies is 2",
			"warning copies_altered backup.a@far has 1 damaged copy"}},
		"unproven": {func(_ *spec.Spec, document *state.Document) {
			document.Artifacts[1] = artifact(hour, state.Verified, state.Unproven)
		}, []string{"warning copy_unproven backup.a@far has a copy of the newest backup that nobody has read yet"}},
		"never drilled": {func(_ *spec.Spec, document *state.Document) { document.Drills = nil },
			[]string{"warning drill_overdue drill.a was never made: nobody knows whether backup.a can be restored"}},
		"drill overdue": {func(_ *spec.Spec, document *state.Document) { document.Drills[0].StartedAt = now.Add(-9 * day) },
			[]string{"warning drill_overdue drill.a has been due for 2d: the last good one was 9d ago, every 7d"}},
		"drill failed": {func(_ *spec.Spec, document *state.Document) {
			document.Drills = append(document.Drills, &state.Drill{ID: "d2", Address: "drill.a", Backup: "backup.a", StartedAt: now.Add(-hour), Outcome: state.Failed, Error: "rows differ."})
		}, []string{"error drill_failed drill.a failed 60m ago: rows differ"}},
		"never deployed": {func(_ *spec.Spec, document *state.Document) { document.Releases = nil }, nil},
		"gone back": {func(_ *spec.Spec, document *state.Document) {
			gone := release("r2", hour, state.Deploying, state.RollingBack, state.RolledBack)
			gone.Error = "check.http.a fails\nmore"
			document.Releases = append(document.Releases, gone)
		}, []string{"error deploy_failed deploy.a 0123456 was gone back from: check.http.a fails"}},
		"deploy interrupted": {func(_ *spec.Spec, document *state.Document) {
			document.Releases = append(document.Releases, release("r2", hour, state.Deploying))
		}, []string{"error deploy_interrupted deploy.a the deploy of 0123456 has not ended: it was last deploying, and the next run takes it up"}},
		"deploy failed": {func(_ *spec.Spec, document *state.Document) {
			document.Releases = append(document.Releases, release("r2", hour, state.Deploying, state.Failure))
		}, []string{"error deploy_failed deploy.a the deploy of 0123456 failed"}},
		"check failed": {func(_ *spec.Spec, document *state.Document) {
			document.Checks = append(document.Checks, &state.CheckResult{Address: "check.http.a", AskedAt: now, Verdict: "failed", Summary: "502."})
		}, []string{"error check_failed check.http.a has failed for 0s: 502"}},
		"a check that warns, or was never asked": {func(specification *spec.Spec, document *state.Document) {
			specification.Checks = append(specification.Checks, &spec.Check{Address: "check.http.b"})
			document.Checks[0].Verdict = "warned"
		}, nil},
		"what the last run could not do": {func(_ *spec.Spec, document *state.Document) {
			document.Setbacks = []*state.Setback{
				{Address: "backup.a", Since: now.Add(-3 * hour), Runs: 3, Error: "no route."}, {Address: "backup.a@far", Since: now.Add(-hour), Runs: 1, Degraded: true, Error: "full"},
			}
		}, []string{"error run_failed backup.a failed in the last 3 runs, since 3h: no route", "warning run_failed backup.a@far failed in the last run, since 60m: full"}},
		"a check that passed since": {func(_ *spec.Spec, document *state.Document) {
			document.Setbacks = []*state.Setback{{Address: "check.http.a", Since: now.Add(-3 * hour), LastAt: now.Add(-2 * hour), Runs: 2, Error: "fails: 502"}}
		}, nil},
		"a check that failed in a run since": {func(_ *spec.Spec, document *state.Document) {
			document.Setbacks = []*state.Setback{{Address: "check.http.a", Since: now.Add(-3 * hour), LastAt: now, Runs: 2, Error: "fails: 502"}}
		}, []string{"error run_failed check.http.a failed in the last 2 runs, since 3h: fails: 502"}},
		"why it is overdue": {func(_ *spec.Spec, document *state.Document) {
			document.Artifacts = nil
			document.Setbacks = []*state.Setback{{Address: "backup.a", Since: now.Add(-hour), Runs: 1, Error: "no route"}}
		}, []string{"error backup_overdue backup.a has no backup that counts, every 24h; the last run says: no route"}},
		"errors come first": {func(_ *spec.Spec, document *state.Document) {
			document.Artifacts[1] = artifact(hour, state.Verified, "")
			document.Checks[0].Verdict = "failed"
		}, []string{"error check_failed check.http.a has failed for 60m", "warning copies_missing backup.a@far lacks 1 copy"}},
	} {
		t.Run(name, func(t *testing.T) {
			specification, document := scene()
			c.change(specification, document)
			var got []string
			for _, breach := range Of(specification, document, now).Breaches() {
				got = append(got, fmt.Sprintf("%s %s %s %s", breach.Severity, breach.Kind, breach.Address, breach.Text))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestSince: how long something has been so is what makes an alert worth reading.
func TestSince(t *testing.T) {
	specification, document := scene()
	for _, result := range []struct {
		age     time.Duration
		verdict string
	}{{9 * hour, "failed"}, {8 * hour, "passed"}, {3 * hour, "failed"}, {2 * hour, "failed"}} {
		document.Checks = append(document.Checks, &state.CheckResult{Address: "check.http.a", AskedAt: now.Add(-result.age), Verdict: result.verdict})
	}
	document.Releases = append(document.Releases, release("r2", hour, state.Deploying, state.RolledBack))
	judged := Of(specification, document, now)
	if got := judged.Checks[0].Since; !got.Equal(now.Add(-3 * hour)) {
		t.Errorf("the check has failed for %s", got)
	}
	if deploy := judged.Deploys[0]; deploy.Running.ID != "r1" || !deploy.RunningSince().Equal(now.Add(-3*day+time.Minute)) || deploy.Last.ID != "r2" {
		t.Errorf("what runs is %+v", deploy)
	}
	if backup := judged.Backups[0]; backup.Missed || backup.Verified != 2 || !backup.DueAt.Equal(now.Add(23*hour)) {
		t.Errorf("the backup is %+v", backup)
	}
	if backup := Of(specification, document, now.Add(2*day)).Backups[0]; !backup.Missed || backup.Verdict != Overdue {
		t.Errorf("after two days the backup is %+v", backup)
	}
}

// TestRunning: what runs is what was promoted last, or what failed and was left as it was.
func TestRunning(t *testing.T) {
	for name, c := range map[string]struct {
		phases []state.Phase
		want   string
	}{
		"promoted":                   {[]state.Phase{state.Deploying, state.Promoted}, "r2"},
		"gone back from":             {[]state.Phase{state.Deploying, state.RollingBack, state.RolledBack}, "r1"},
		"failed and left":            {[]state.Phase{state.Deploying, state.Verifying, state.Failure}, "r2"},
		"failed before it was there": {[]state.Phase{state.Checking, state.Failure}, "r1"},
		"failed on the way back":     {[]state.Phase{state.Deploying, state.RollingBack, state.Failure}, "r1"},
		"not ended":                  {[]state.Phase{state.Deploying, state.Verifying}, "r1"},
	} {
		specification, document := scene()
		document.Releases = append(document.Releases, release("r2", hour, c.phases...))
		if deploy := Of(specification, document, now).Deploys[0]; deploy.Running.ID != c.want || deploy.Last.ID != "r2" {
			t.Errorf("%s: %s runs, want %s", name, deploy.Running.ID, c.want)
		}
	}
}
