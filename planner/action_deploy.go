package planner

import "github.com/castrolanda/imsctl/internal/units"

// KindDeploy is the kind of Deploy.
const KindDeploy Kind = "deploy"

// Deploy makes a revision of a project the one that runs on its host, or takes up a deploy that was interrupted.
type Deploy struct {
	Meta
	// From and To are whole hashes; From is empty where nothing runs, or nobody knows what.
	From string `json:"from,omitzero"`
	To   string `json:"to,omitzero"`
	// Subject is that of To, Branch where it came from; Uncommitted when what is not committed comes along, which Digest then identifies.
	Subject     string `json:"subject,omitzero"`
	Branch      string `json:"branch,omitzero"`
	Uncommitted bool   `json:"uncommitted,omitzero"`
	Digest      string `json:"digest,omitzero"`
	// Commits and Files are how many lie between, 0 where that is not known.
	Commits int `json:"commits,omitzero"`
	Files   int `json:"files,omitzero"`
	// Strategy is how it comes there, or Rollback for a release that is there.
	Strategy string `json:"strategy,omitzero"`
	// Backups must have a verified artifact that is not older than MaxAge (0: of any age) when it begins.
	Backups []string       `json:"backups,omitempty"`
	MaxAge  units.Duration `json:"max_age,omitzero"`
	// Previous is the release on the host that is gone back to when the new one is not well; empty where there is none.
	Previous string `json:"previous,omitzero"`
	// Returns is the release on the host that is made to run: for Rollback.
	Returns string `json:"returns,omitzero"`
	// Continues is the ID of the interrupted deploy that this one takes up; Taken says how.
	Continues string `json:"continues,omitzero"`
	Taken     Taken  `json:"taken,omitzero"`
}

// Rollback is the strategy of who goes back to a release that is on the host.
const Rollback = "rollback"

// Taken is how an interrupted deploy is taken up.
type Taken string

// Resumed: it goes on from where it was. Reverted: what ran before runs again. Closed: nothing had been touched, and only its record
// is ended. Superseded: another revision is deployed in its place.
const (
	Resumed    Taken = "resumed"
	Reverted   Taken = "reverted"
	Closed     Taken = "closed"
	Superseded Taken = "superseded"
)

// Kind implements Action.
func (*Deploy) Kind() Kind { return KindDeploy }

// Irreversible reports whether nothing could be gone back to if it failed: another revision comes than runs, and no release is there. Who goes back
// is not asked whether it may be done.
func (a *Deploy) Irreversible() bool {
	return a.Previous == "" && a.Strategy != Rollback && a.From != a.To && (a.Taken == "" || a.Taken == Superseded)
}
