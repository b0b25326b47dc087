package planner

// jsonRevision is a revision of a project on its host.
type jsonRevision struct {
	Commit      string   `json:"commit,omitzero"`
	Subject     string   `json:"subject,omitzero"`
	Branch      string   `json:"branch,omitzero"`
	Uncommitted bool     `json:"uncommitted,omitzero"`
	Release     string   `json:"release,omitzero"`
	Strategy    string   `json:"strategy,omitzero"`
	Commits     int      `json:"commits,omitzero"`
	Files       int      `json:"files,omitzero"`
	Backups     []string `json:"backups,omitempty"`
	Reversible  bool     `json:"reversible"`
	Continues   string   `json:"continues,omitzero"`
	Taken       Taken    `json:"taken,omitzero"`
}

// deployEffect is what a deploy does: the revision that runs before, and the one after.
func deployEffect(action *Deploy) (before, after any, err error) {
	before = jsonRevision{Commit: action.From, Release: action.Previous, Reversible: true}
	return before, jsonRevision{
		Commit: action.To, Subject: action.Subject, Branch: action.Branch, Uncommitted: action.Uncommitted, Release: action.Returns,
		Strategy: action.Strategy, Commits: action.Commits, Files: action.Files, Backups: action.Backups, Reversible: !action.Irreversible(),
		Continues: action.Continues, Taken: action.Taken,
	}, nil
}
