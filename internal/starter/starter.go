// Package starter writes the first specification of a project: an empty one, or one with what a compose project has to
// back up. It reads the compose file itself, needs no docker, and writes no secret: where the compose file has one, the
// specification has env("NAME").
package starter

// Starter is what a specification is written from.
type Starter struct {
	// Project is the name of the compose project; empty when there is none.
	Project string
	// Sources are ordered as they are written.
	Sources []Source
	// LeftOut says of what else the project has why it is no source.
	LeftOut []Omission
	// Variables are the names of the environment variables that hold the secrets, sorted.
	Variables []string
	// Warnings are what compose would warn of.
	Warnings []string
}

// Source is one thing to back up.
type Source struct {
	// Type is "postgres", "redis" or "files"; Name is that of the block and of its backup.
	Type, Name string
	// Comments say where it comes from and what to look at.
	Comments []string
	// Attributes in their order.
	Attributes []Attribute
}

// Attribute is a line of a block; its expression is HCL.
type Attribute struct{ Name, Expression string }

// Omission is something that is not backed up, and why.
type Omission struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// The folder of the copies and that of the state, where the specification is.
const (
	copiesFolder = "imsctl-backups"
	stateFolder  = ".imsctl"
)

// Empty is a starter without a compose project: the folder itself is backed up.
func Empty() *Starter {
	return &Starter{Sources: []Source{{
		Type: "files", Name: "files",
		Comments: []string{
			"The folder of this specification. Name what you want to keep.",
			"A database is a source of its own: source \"postgres\" \"NAME\" { url = env(\"DATABASE_URL\") }",
		},
		Attributes: []Attribute{{"path", quote(".")}, {"exclude", list("/"+copiesFolder, "/"+stateFolder)}},
	}}}
}
