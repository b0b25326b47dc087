package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/planner/judgement"
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
  0  everything that is declared is true, as far as the state knows
  1  an error: it is not known
  2  something that is declared is not true: a backup is due, or copies of it
     are missing or altered; a drill is due, or the last one failed; the last
     deploy did not end, or not well; the last result of a check is a failure
Copies that are kept by policy, a read-back that is due, a check that warns or
was never asked, and a deploy that was never made, change nothing.`,
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

// backupStatus is one backup in the status document.
type backupStatus struct {
	Address  string            `json:"address"`
	Verdict  judgement.Verdict `json:"verdict"`
	Schedule string            `json:"schedule"`
	Artifact string            `json:"artifact,omitempty"`
	TakenAt  time.Time         `json:"taken_at,omitzero"`
	DueAt    time.Time         `json:"due_at,omitzero"`
	Copies   []copyStatus      `json:"copies"`
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
	judged := judgement.Of(project.spec, document, c.clock.Now())
	breaches := judged.Breaches()
	statuses, drills, checks := backupStatuses(judged), drillStatuses(judged), checkStatuses(judged)
	if arguments.json {
		err = c.printJSON(struct {
			FormatVersion string             `json:"format_version"`
			Type          string             `json:"type"`
			True          bool               `json:"true"`
			Breaches      []judgement.Breach `json:"breaches"`
			Backups       []backupStatus     `json:"backups"`
			Drills        []drillStatus      `json:"drills"`
			Checks        []checkStatus      `json:"checks"`
		}{"1.0", "status", len(breaches) == 0, breaches, statuses, drills, checks})
	} else {
		err = cmp.Or(c.statusText(statuses, judged.At), c.drillText(drills, judged.At), c.checkText(checks, judged.At))
	}
	if err != nil {
		return err
	}
	if len(breaches) > 0 {
		return exitCode(exitUntrue)
	}
	return nil
}

// backupStatuses are the backups as the document has them.
func backupStatuses(judged *judgement.Judgement) []backupStatus {
	statuses := make([]backupStatus, 0, len(judged.Backups))
	for _, backup := range judged.Backups {
		status := backupStatus{Address: backup.Backup.Address, Schedule: backup.Backup.Schedule.String(), Verdict: backup.Verdict}
		if backup.Newest != nil {
			status.Artifact, status.TakenAt = backup.Newest.ID, backup.Newest.StartedAt
		}
		if !backup.DueAt.IsZero() {
			status.DueAt = backup.DueAt.UTC()
		}
		for _, copied := range backup.Copies {
			status.Copies = append(status.Copies, copyStatusOf(copied, backup.Newest))
		}
		statuses = append(statuses, status)
	}
	return statuses
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
