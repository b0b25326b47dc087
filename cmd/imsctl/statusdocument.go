package main

import (
	"time"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// statusDocument is what status tells, to people and to programs.
type statusDocument struct {
	FormatVersion string             `json:"format_version"`
	Type          string             `json:"type"`
	CreatedAt     time.Time          `json:"created_at"`
	True          bool               `json:"true"`
	Breaches      []judgement.Breach `json:"breaches"`
	State         stateStatus        `json:"state"`
	Backups       []backupStatus     `json:"backups"`
	Drills        []drillStatus      `json:"drills"`
	Deploys       []deployStatus     `json:"deploys"`
	Checks        []checkStatus      `json:"checks"`
	Cleanups      []removalStatus    `json:"cleanups"`
	Disks         []diskStatus       `json:"disks"`
	Prunes        []pruneStatus      `json:"prunes"`
	Notify        []notifyStatus     `json:"notify"`
}

// stateStatus is the state itself.
type stateStatus struct {
	Location string `json:"location"`
	Serial   uint64 `json:"serial"`
	// Locked is set while somebody has the lock or has claimed a part, Holders say who, Holder is the first of them, as far as that is known.
	Locked  bool             `json:"locked"`
	Holder  *state.LockInfo  `json:"holder,omitempty"`
	Holders []state.LockInfo `json:"holders,omitempty"`
	// Open are the actions that were begun and whose end is not recorded: what runs while there is a lock, what was interrupted otherwise.
	Open []openStatus `json:"open"`
}

// openStatus is an action that has not ended.
type openStatus struct {
	Address string    `json:"address"`
	Kind    string    `json:"kind"`
	BeganAt time.Time `json:"began_at"`
}

// backupStatus is one backup.
type backupStatus struct {
	Address  string            `json:"address"`
	Verdict  judgement.Verdict `json:"verdict"`
	Schedule string            `json:"schedule"`
	// MinCopies must be verified of the newest artifact, Verified are.
	MinCopies int `json:"min_copies"`
	Verified  int `json:"verified_copies"`
	// What follows is of the newest artifact. Reduction is the share of it that is not stored; below 0 when it grew.
	Artifact    string       `json:"artifact,omitempty"`
	TakenAt     time.Time    `json:"taken_at,omitzero"`
	RawBytes    int64        `json:"raw_bytes,omitzero"`
	StoredBytes int64        `json:"stored_bytes,omitzero"`
	Reduction   float64      `json:"reduction,omitzero"`
	Seconds     float64      `json:"seconds,omitzero"`
	DueAt       time.Time    `json:"due_at,omitzero"`
	Copies      []copyStatus `json:"copies"`
}

// copyStatus is a backup at one destination: its newest artifact there, and all of them together.
type copyStatus struct {
	Destination string            `json:"destination"`
	Verdict     judgement.Verdict `json:"verdict"`
	StoredBytes int64             `json:"stored_bytes,omitzero"`
	VerifiedAt  time.Time         `json:"verified_at,omitzero"`
	ReadBackAt  time.Time         `json:"read_back_at,omitzero"`
	ComparedAt  time.Time         `json:"compared_at,omitzero"`
	Problem     string            `json:"problem,omitempty"`
	// What follows is of all artifacts that are recorded there.
	NewestAt       time.Time `json:"newest_at,omitzero"`
	Copies         int       `json:"copies"`
	TotalBytes     int64     `json:"total_bytes"`
	Missing        int       `json:"missing"`
	Altered        int       `json:"altered"`
	KeptByPolicy   int       `json:"kept_by_policy"`
	LastReadBackAt time.Time `json:"last_read_back_at,omitzero"`
	ReadBackDueAt  time.Time `json:"read_back_due_at,omitzero"`
}

// drillStatus is one drill.
type drillStatus struct {
	Address  string            `json:"address"`
	Backup   string            `json:"backup"`
	Verdict  judgement.Verdict `json:"verdict"`
	Schedule string            `json:"schedule"`
	// Last is the latest drill that was made.
	Last *state.Drill `json:"last,omitempty"`
	// PassedAt is when the latest one began that proved the backup, RecoverySeconds how long its restore took.
	PassedAt        time.Time `json:"passed_at,omitzero"`
	RecoverySeconds float64   `json:"recovery_seconds,omitzero"`
	DueAt           time.Time `json:"due_at"`
}

// deployStatus is one deploy.
type deployStatus struct {
	Address string            `json:"address"`
	Verdict judgement.Verdict `json:"verdict"`
	// Running is the latest that was promoted, or failed and was left as it was, since RunningSince, Last the latest that was begun.
	Running      *state.Release `json:"running,omitempty"`
	RunningSince time.Time      `json:"running_since,omitzero"`
	Last         *state.Release `json:"last,omitempty"`
}

// checkStatus is one check.
type checkStatus struct {
	Address string `json:"address"`
	// Verdict is passed, warned or failed as the last time, or that it was never asked; Since from when on it has been that.
	Verdict judgement.Verdict `json:"verdict"`
	Since   time.Time         `json:"since,omitzero"`
	// Last is the latest result that was recorded.
	Last *state.CheckResult `json:"last,omitempty"`
}

// removalStatus is one cleanup, as far as the state knows.
type removalStatus struct {
	Address string            `json:"address"`
	Verdict judgement.Verdict `json:"verdict"`
	// Last is the latest that was done; GoneAt is when what lies in a trash is removed for good.
	Last   *state.Cleanup `json:"last,omitempty"`
	GoneAt time.Time      `json:"gone_at,omitzero"`
}

// diskStatus is what a check of a disk measured last.
type diskStatus struct {
	Address     string  `json:"address"`
	UsedPercent float64 `json:"used_percent"`
	FreeBytes   int64   `json:"free_bytes"`
	// FullInDays is when it will be full, where that can be foreseen.
	FullInDays *float64  `json:"full_in_days,omitempty"`
	AskedAt    time.Time `json:"asked_at"`
}

// pruneStatus is the copy that a destination's retention deletes next.
type pruneStatus struct {
	Backup      string    `json:"backup"`
	Destination string    `json:"destination"`
	Artifact    string    `json:"artifact"`
	TakenAt     time.Time `json:"taken_at"`
	Bytes       int64     `json:"bytes"`
	At          time.Time `json:"at"`
}

// notifyStatus is who is told of what.
type notifyStatus struct {
	Address string   `json:"address"`
	On      []string `json:"on"`
}

// newStatusDocument holds the state against what is declared.
func newStatusDocument(specification *spec.Spec, document *state.Document, now time.Time) *statusDocument {
	judged := judgement.Of(specification, document, now)
	made := &statusDocument{FormatVersion: "1.0", Type: "status", CreatedAt: judged.At, Breaches: judged.Breaches()}
	made.True = len(made.Breaches) == 0
	for _, backup := range judged.Backups {
		made.Backups = append(made.Backups, backupStatusOf(backup))
	}
	for _, drill := range judged.Drills {
		made.Drills = append(made.Drills, drillStatusOf(drill))
	}
	for _, deploy := range judged.Deploys {
		made.Deploys = append(made.Deploys, deployStatus{
			Address: deploy.Deploy.Address, Verdict: deploy.Verdict, Running: deploy.Running, RunningSince: deploy.RunningSince(), Last: deploy.Last,
		})
	}
	for _, check := range judged.Checks {
		made.Checks = append(made.Checks, checkStatus{Address: check.Check.Address, Verdict: check.Verdict, Since: check.Since, Last: check.Last})
		if check.Check.Type == "disk" && check.Last != nil {
			made.Disks = append(made.Disks, diskStatusOf(check.Last)...)
		}
	}
	for _, cleanup := range judged.Cleanups {
		made.Cleanups = append(made.Cleanups, removalStatus{Address: cleanup.Cleanup.Address, Verdict: cleanup.Verdict, Last: cleanup.Last, GoneAt: cleanup.GoneAt})
	}
	for _, departure := range planner.Departures(specification, document, now, 1) {
		made.Prunes = append(made.Prunes, pruneStatus{
			Backup: departure.Backup, Destination: departure.Destination, Artifact: departure.Artifact, TakenAt: departure.StartedAt, Bytes: departure.Bytes, At: departure.At,
		})
	}
	for _, notify := range specification.Notifies {
		made.Notify = append(made.Notify, notifyStatus{Address: notify.Address, On: notify.On})
	}
	return made
}

// stateStatusOf is how the state itself stands.
func stateStatusOf(location string, document *state.Document, holders []state.LockInfo) stateStatus {
	status := stateStatus{Location: location, Serial: document.Serial, Locked: len(holders) > 0, Holders: holders}
	if len(holders) > 0 && holders[0] != (state.LockInfo{}) {
		status.Holder = &holders[0]
	}
	for _, intent := range document.Intents {
		status.Open = append(status.Open, openStatus{Address: intent.Address, Kind: intent.Kind, BeganAt: intent.BeganAt})
	}
	return status
}

func backupStatusOf(backup judgement.Backup) backupStatus {
	status := backupStatus{
		Address: backup.Backup.Address, Schedule: backup.Backup.Schedule.String(), Verdict: backup.Verdict, MinCopies: backup.Backup.MinCopies, Verified: backup.Verified,
	}
	if newest := backup.Newest; newest != nil {
		status.Artifact, status.TakenAt, status.RawBytes, status.StoredBytes = newest.ID, newest.StartedAt, newest.Raw.Size, newest.Stored.Size
		status.Seconds = max(0, newest.EndedAt.Sub(newest.StartedAt).Seconds())
		if newest.Raw.Size > 0 {
			status.Reduction = 1 - float64(newest.Stored.Size)/float64(newest.Raw.Size)
		}
	}
	if !backup.DueAt.IsZero() {
		status.DueAt = backup.DueAt.UTC()
	}
	for _, copied := range backup.Copies {
		status.Copies = append(status.Copies, copyStatusOf(copied, backup.Newest))
	}
	return status
}

func copyStatusOf(copied judgement.Copy, newest *state.Artifact) copyStatus {
	status := copyStatus{
		Destination: copied.Destination, Verdict: copied.Verdict, NewestAt: copied.NewestAt, Copies: copied.Copies, TotalBytes: copied.Bytes,
		Missing: copied.Missing, Altered: copied.Altered, KeptByPolicy: copied.Kept,
		LastReadBackAt: copied.ReadBackAt, ReadBackDueAt: copied.ReadBackDue,
		VerifiedAt: copied.Replica.VerifiedAt, ReadBackAt: copied.Replica.ReadBackAt, ComparedAt: copied.Replica.ComparedAt, Problem: copied.Replica.Problem,
	}
	if copied.Verdict != judgement.Missing {
		status.StoredBytes = newest.Stored.Size
	}
	return status
}

func drillStatusOf(drill judgement.Drill) drillStatus {
	status := drillStatus{
		Address: drill.Drill.Address, Backup: drill.Drill.Backup, Verdict: drill.Verdict, Schedule: drill.Drill.Schedule.String(),
		Last: drill.Last, DueAt: drill.DueAt.UTC(),
	}
	if drill.Passed != nil {
		status.PassedAt, status.RecoverySeconds = drill.Passed.StartedAt, drill.Passed.RecoverySeconds
	}
	return status
}

// diskStatusOf reads what was measured; nothing where the check could not.
func diskStatusOf(result *state.CheckResult) []diskStatus {
	used, ok := result.Figures[usedPercent]
	if !ok {
		return nil
	}
	status := diskStatus{Address: result.Address, UsedPercent: used, FreeBytes: int64(result.Figures["free_bytes"]), AskedAt: result.AskedAt}
	if days, ok := result.Figures["days_until_full"]; ok {
		status.FullInDays = &days
	}
	return []diskStatus{status}
}

// hearsFailures are the addresses of those who are told when something fails.
func (d *statusDocument) hearsFailures() []string {
	var addresses []string
	for _, notify := range d.Notify {
		for _, event := range notify.On {
			if event == string(providers.EventFailure) {
				addresses = append(addresses, notify.Address)
			}
		}
	}
	return addresses
}
