package main

import (
	"time"

	"github.com/castrolanda/imsctl/internal/openmetrics"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// declaredMetrics are all metrics that there are, without samples.
func declaredMetrics() []openmetrics.Family {
	return []openmetrics.Family{
		{Name: "imsctl_info", Help: "The version of imsctl that wrote the metrics."},
		{Name: "imsctl_metrics_timestamp_seconds", Unit: "seconds", Help: "When the metrics were written."},
		{Name: "imsctl_state_serial", Help: "How many changes of the state there were."},

		{Name: "imsctl_breaches", Help: "How much is declared and not true, as status tells it."},

		{Name: "imsctl_failed_runs", Help: "How many runs in a row could not do what the address names."},

		{Name: "imsctl_backup_last_verified_timestamp_seconds", Unit: "seconds",
			Help: "When the newest backup began that has a verified copy at the destination."},
		{Name: "imsctl_backup_copies", Help: "Verified copies of all backups that are recorded at the destination."},
		{Name: "imsctl_backup_copies_bytes", Unit: "bytes", Help: "What the verified copies at the destination take."},
		{Name: "imsctl_backup_missing_copies", Help: "Copies that are wanted at the destination and not recorded."},
		{Name: "imsctl_backup_altered_copies", Help: "Copies at the destination that are known to be damaged."},
		{Name: "imsctl_backup_overdue", Help: "1 when a backup is due, or there is none; otherwise 0."},
		{Name: "imsctl_backup_min_copies", Help: "How many verified copies a backup has to have."},
		{Name: "imsctl_backup_verified_copies", Help: "How many declared destinations have a verified copy of the newest backup."},
		{Name: "imsctl_backup_interval_seconds", Unit: "seconds", Help: "How far apart the backups are that the schedule asks for."},
		{Name: "imsctl_backup_size_bytes", Unit: "bytes", Help: "Size of the newest backup, as its source gave it and as it is stored."},
		{Name: "imsctl_backup_duration_seconds", Unit: "seconds", Help: "How long the source of the newest backup was read."},
		{Name: "imsctl_backup_reduction_ratio", Unit: "ratio", Help: "The share of the newest backup that is not stored: 0.9 when a tenth is."},

		{Name: "imsctl_drill_last_timestamp_seconds", Unit: "seconds", Help: "When the last drill began."},
		{Name: "imsctl_drill_last_success_timestamp_seconds", Unit: "seconds", Help: "When the last drill began that proved its backup."},
		{Name: "imsctl_drill_recovery_seconds", Unit: "seconds", Help: "How long the restore took in the last drill that proved its backup."},
		{Name: "imsctl_drill_overdue", Help: "1 when a drill is due, or none proved its backup yet; otherwise 0."},
		{Name: "imsctl_drill_failed", Help: "1 when the last drill failed, otherwise 0."},

		{Name: "imsctl_deploy_last_timestamp_seconds", Unit: "seconds", Help: "When the last deploy ended that had the result."},
		{Name: "imsctl_deploy_phase", Help: "1 for the phase that the last deploy is in."},

		{Name: "imsctl_check_verdict", Help: "What the check said last: 0 passed, 1 warned, 2 failed."},
		{Name: "imsctl_check_timestamp_seconds", Unit: "seconds", Help: "When the check was last recorded."},
		{Name: "imsctl_agent_last_round_timestamp_seconds", Unit: "seconds", Help: "When the last round of the agent ended."},
		{Name: "imsctl_agent_last_success_timestamp_seconds", Unit: "seconds", Help: "When the last round of the agent ended that went well."},
		{Name: "imsctl_agent_failed_rounds", Help: "How many rounds of the agent have failed in a row."},

		{Name: "imsctl_check_figure", Help: "What the check measured; the name of the figure ends with its unit."},
	}
}

// exposition are the metrics while they are filled, by name.
type exposition map[string]*openmetrics.Family

// add adds a sample. A name that is not declared gets no help, which Encode refuses.
func (e exposition) add(name string, value float64, labels ...openmetrics.Label) {
	family := e[name]
	if family == nil {
		family = &openmetrics.Family{Name: name}
		e[name] = family
	}
	family.Samples = append(family.Samples, openmetrics.Sample{Labels: labels, Value: value})
}

// moment adds a time as a sample; none where it is zero.
func (e exposition) moment(name string, at time.Time, labels ...openmetrics.Label) {
	if !at.IsZero() {
		const perSecond = 1000
		e.add(name, float64(at.UnixMilli())/perSecond, labels...)
	}
}

// truth adds 1 or 0.
func (e exposition) truth(name string, is bool, labels ...openmetrics.Label) {
	value := 0.0
	if is {
		value = 1
	}
	e.add(name, value, labels...)
}

// label is a label of a sample.
func label(name, value string) openmetrics.Label { return openmetrics.Label{Name: name, Value: value} }

// knowledge is what metrics are made from: the state, held against what is declared, and the rounds of an agent; nil without one.
type knowledge struct {
	specification *spec.Spec
	document      *state.Document
	agent         *agentRecord
}

// metrics are those of what is known.
func (k knowledge) metrics(version string, now time.Time) []openmetrics.Family {
	specification, document := k.specification, k.document
	declared := declaredMetrics()
	metrics := make(exposition, len(declared))
	for i := range declared {
		metrics[declared[i].Name] = &declared[i]
	}
	metrics.add("imsctl_info", 1, label("version", version))
	metrics.moment("imsctl_metrics_timestamp_seconds", now)
	metrics.add("imsctl_state_serial", float64(document.Serial))
	judged := judgement.Of(specification, document, now)
	breaches := judged.Breaches()
	for _, severity := range []judgement.Severity{judgement.Error, judgement.Warning} {
		count := 0
		for _, breach := range breaches {
			if breach.Severity == severity {
				count++
			}
		}
		metrics.add("imsctl_breaches", float64(count), label("severity", string(severity)))
	}
	for _, setback := range judged.Setbacks {
		metrics.add("imsctl_failed_runs", float64(setback.Runs), label("address", setback.Address))
	}
	for _, backup := range judged.Backups {
		metrics.backup(backup)
		if backup.Newest != nil {
			metrics.artifact(backup.Newest)
		}
	}
	for _, drill := range judged.Drills {
		metrics.drill(drill, now)
	}
	for _, deploy := range specification.Deploys {
		metrics.deploy(deploy.Address, document.ReleasesOf(deploy.Address))
	}
	for _, check := range judged.Checks {
		if check.Last != nil {
			metrics.check(check.Last)
		}
	}
	if k.agent != nil {
		metrics.moment("imsctl_agent_last_round_timestamp_seconds", k.agent.LastAt)
		metrics.moment("imsctl_agent_last_success_timestamp_seconds", k.agent.LastSuccessAt)
		metrics.add("imsctl_agent_failed_rounds", float64(k.agent.Failures))
	}
	families := make([]openmetrics.Family, 0, len(metrics))
	for _, family := range metrics {
		families = append(families, *family)
	}
	return families
}

// backup adds how a backup stands, by itself and at each destination.
func (e exposition) backup(backup judgement.Backup) {
	name := label("backup", backup.Backup.Address)
	for _, copied := range backup.Copies {
		at := []openmetrics.Label{name, label("destination", copied.Destination)}
		e.moment("imsctl_backup_last_verified_timestamp_seconds", copied.NewestAt, at...)
		e.add("imsctl_backup_copies", float64(copied.Copies), at...)
		e.add("imsctl_backup_copies_bytes", float64(copied.Bytes), at...)
		e.add("imsctl_backup_missing_copies", float64(copied.Missing), at...)
		e.add("imsctl_backup_altered_copies", float64(copied.Altered), at...)
	}
	e.truth("imsctl_backup_overdue", backup.Due, name)
	e.add("imsctl_backup_min_copies", float64(backup.Backup.MinCopies), name)
	e.add("imsctl_backup_verified_copies", float64(backup.Verified), name)
	if interval := backup.Backup.Schedule.Interval(); interval > 0 {
		e.add("imsctl_backup_interval_seconds", interval.Seconds(), name)
	}
}

// artifact adds what the newest backup is.
func (e exposition) artifact(artifact *state.Artifact) {
	name := label("backup", artifact.Backup)
	e.add("imsctl_backup_size_bytes", float64(artifact.Raw.Size), name, label("kind", "raw"))
	e.add("imsctl_backup_size_bytes", float64(artifact.Stored.Size), name, label("kind", "stored"))
	e.add("imsctl_backup_duration_seconds", artifact.EndedAt.Sub(artifact.StartedAt).Seconds(), name)
	if artifact.Raw.Size > 0 {
		e.add("imsctl_backup_reduction_ratio", 1-float64(artifact.Stored.Size)/float64(artifact.Raw.Size), name)
	}
}

// drill adds how a drill stands.
func (e exposition) drill(drill judgement.Drill, now time.Time) {
	of := []openmetrics.Label{label("drill", drill.Drill.Address), label("backup", drill.Drill.Backup)}
	e.truth("imsctl_drill_overdue", !drill.DueAt.After(now), of...)
	e.truth("imsctl_drill_failed", drill.Verdict == judgement.Failed, of...)
	if drill.Last != nil {
		e.moment("imsctl_drill_last_timestamp_seconds", drill.Last.StartedAt, of...)
	}
	if drill.Passed != nil {
		e.moment("imsctl_drill_last_success_timestamp_seconds", drill.Passed.StartedAt, of...)
		e.add("imsctl_drill_recovery_seconds", drill.Passed.RecoverySeconds, of...)
	}
}

// deploy adds the phase of the last deploy, and when the last one had each result.
func (e exposition) deploy(address string, releases []*state.Release) {
	if len(releases) == 0 {
		return
	}
	name := label("deploy", address)
	ended := make(map[state.Phase]time.Time)
	for _, release := range releases {
		if release.Phase.Final() {
			ended[release.Phase] = release.EndedAt()
		}
	}
	for phase, at := range ended {
		e.moment("imsctl_deploy_last_timestamp_seconds", at, name, label("result", string(phase)))
	}
	e.add("imsctl_deploy_phase", 1, name, label("phase", string(releases[len(releases)-1].Phase)))
}

// check adds what a check saw last.
func (e exposition) check(result *state.CheckResult) {
	name := label("check", result.Address)
	verdicts := map[string]float64{string(providers.Passed): 0, string(providers.Warned): 1, string(providers.Failed): 2}
	e.add("imsctl_check_verdict", verdicts[result.Verdict], name)
	e.moment("imsctl_check_timestamp_seconds", result.AskedAt, name)
	for figure, value := range result.Figures {
		e.add("imsctl_check_figure", value, name, label("figure", figure))
	}
}
