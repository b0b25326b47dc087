package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// statusArguments are the flags of status.
type statusArguments struct {
	inputs
	path string
	json bool
}

func (c *cli) statusCommand() *cobra.Command {
	var arguments statusArguments
	command := &cobra.Command{
		Use:   "status [flags] [PATH]",
		Short: "Show each backup at each destination: age, size, when it is due",
		Long: `Prints what the state of PATH knows of each backup at each destination: the
newest artifact's copy, when it was verified and last read back, and of the
others how many are missing, altered, or kept by a policy of the store; then of
each drill the last one, and how long the restore took; then of each check what
it saw when check last asked it. It does not look at the destinations: plan
does. Of a source that stands for several it asks which there are.

EXIT STATUS
  0  every backup has its copies, and no backup and no drill is overdue
  1  an error, or a backup is overdue or has fewer copies than min_copies, or
     the last drill or the last result of a check failed
  3  copies are missing or altered, but min_copies is met everywhere, or a drill
     is overdue
Copies that are kept by policy, and a read-back that is due, change nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.status(command, arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	return command
}

// The verdicts on a backup, and on a copy of its newest artifact.
const (
	verdictOK       = "ok"
	verdictOverdue  = "overdue"
	verdictMissing  = "missing"
	verdictAltered  = "altered"
	verdictUnproven = "unproven"
	verdictDegraded = "degraded"
	verdictTooFew   = "too few copies"
)

// backupStatus is one backup in the status document.
type backupStatus struct {
	Address  string       `json:"address"`
	Verdict  string       `json:"verdict"`
	Schedule string       `json:"schedule"`
	Artifact string       `json:"artifact,omitempty"`
	TakenAt  time.Time    `json:"taken_at,omitzero"`
	DueAt    time.Time    `json:"due_at,omitzero"`
	Copies   []copyStatus `json:"copies"`
}

// copyStatus is a backup at one destination: its newest artifact there, and all of them together.
type copyStatus struct {
	Destination string    `json:"destination"`
	Verdict     string    `json:"verdict"`
	StoredBytes int64     `json:"stored_bytes,omitzero"`
	VerifiedAt  time.Time `json:"verified_at,omitzero"`
	ReadBackAt  time.Time `json:"read_back_at,omitzero"`
	ComparedAt  time.Time `json:"compared_at,omitzero"`
	Problem     string    `json:"problem,omitempty"`
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

func (c *cli) status(command *cobra.Command, arguments statusArguments) error {
	project, err := c.open(arguments.path, arguments.inputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(command.Context())
	if err != nil {
		return err
	}
	project.expand(command.Context(), c, document, planner.ExpandOptions{Look: true, Tolerant: true})
	now := c.clock.Now()
	statuses := backupStatuses(project.spec, document, now)
	drills := drillStatuses(planner.DrillStandings(project.spec, document, now), now)
	checks := checkStatuses(project.spec, document)
	if arguments.json {
		err = c.printJSON(struct {
			FormatVersion string         `json:"format_version"`
			Type          string         `json:"type"`
			Backups       []backupStatus `json:"backups"`
			Drills        []drillStatus  `json:"drills"`
			Checks        []checkStatus  `json:"checks"`
		}{"1.0", "status", statuses, drills, checks})
	} else {
		err = cmp.Or(c.statusText(statuses, now), c.drillText(drills, now), c.checkText(checks, now))
	}
	if err != nil {
		return err
	}
	return statusCode(statuses, drills, checks)
}

// backupStatuses hold the state against the backups that are declared, in their order.
func backupStatuses(specification *spec.Spec, document *state.Document, now time.Time) []backupStatus {
	groups, standings := document.ByBackup(), planner.Standings(specification, document, now)
	statuses := make([]backupStatus, 0, len(specification.Backups))
	for _, backup := range specification.Backups {
		of := standings[:len(backup.To)]
		standings = standings[len(backup.To):]
		statuses = append(statuses, statusOf(backup, groups[backup.Address], of, now))
	}
	return statuses
}

// statusOf holds the newest restorable artifact against what the backup declares.
func statusOf(backup *spec.Backup, artifacts []*state.Artifact, standings []planner.Standing, now time.Time) backupStatus {
	status := backupStatus{Address: backup.Address, Schedule: backup.Schedule.String(), Verdict: verdictOK}
	var newest *state.Artifact
	for _, artifact := range artifacts {
		if len(artifact.Restorable()) > 0 {
			newest = artifact
		}
	}
	if newest != nil {
		status.Artifact, status.TakenAt = newest.ID, newest.StartedAt
		status.DueAt = backup.Schedule.DueAt(newest.StartedAt).UTC()
	}
	verified, missing := 0, 0
	for _, standing := range standings {
		entry := copyOf(newest, standing)
		if entry.Verdict == verdictOK {
			verified++
		}
		missing += entry.Missing
		status.Copies = append(status.Copies, entry)
	}
	switch {
	case newest == nil, !status.DueAt.IsZero() && !status.DueAt.After(now):
		status.Verdict = verdictOverdue
	case verified < backup.MinCopies:
		status.Verdict = verdictTooFew
	case verified < len(backup.To), missing > 0:
		status.Verdict = verdictDegraded
	}
	return status
}

func copyOf(artifact *state.Artifact, standing planner.Standing) copyStatus {
	status := copyStatus{
		Destination: standing.Destination, Verdict: verdictMissing, NewestAt: standing.NewestAt, Copies: standing.Copies, TotalBytes: standing.Bytes,
		Missing: standing.Missing, Altered: standing.Altered, KeptByPolicy: standing.Kept,
		LastReadBackAt: standing.ReadBackAt, ReadBackDueAt: standing.ReadBackDue,
	}
	if artifact == nil {
		return status
	}
	replica, ok := artifact.Replica(standing.Destination)
	if !ok {
		return status
	}
	status.Verdict, status.StoredBytes = verdictOK, artifact.Stored.Size
	status.VerifiedAt, status.ReadBackAt, status.ComparedAt = replica.VerifiedAt, replica.ReadBackAt, replica.ComparedAt
	switch replica.Condition {
	case state.Altered:
		status.Verdict, status.Problem = verdictAltered, replica.Problem
	case state.Unproven:
		status.Verdict = verdictUnproven
	}
	return status
}

// statusCode is the exit code for the worst of the verdicts.
func statusCode(statuses []backupStatus, drills []drillStatus, checks []checkStatus) error {
	code := drillCode(drills)
	if code == exitError || checkCode(checks) == exitError {
		return exitCode(exitError)
	}
	for _, status := range statuses {
		switch status.Verdict {
		case verdictOverdue, verdictTooFew:
			return exitCode(exitError)
		case verdictDegraded:
			code = exitDegraded
		}
	}
	if code != exitDone {
		return exitCode(code)
	}
	return nil
}
