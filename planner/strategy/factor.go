package strategy

import (
	"strings"
)

// freezeFactor is the name of what excludes everything and so has no weight.
const freezeFactor = "freeze"

// values are how much a factor speaks for each strategy, in the order of All: 2 is strongly for, -2 strongly against.
type values [4]int

// assessment is what a factor makes of the facts.
type assessment struct {
	known bool
	// measured is what was found, for the table.
	measured string
	// phrase says the same as a clause for a sentence; only where the values differ.
	phrase string
	values values
}

// unknown is the assessment of what could not be measured.
var unknown = assessment{measured: "unknown"}

// factor is a row of the table.
type factor struct {
	name   string
	weight int // the default
	assess func(Facts, Allowed) assessment
}

// factorCount is the number of factors that have a weight.
const factorCount = 17

// factors are the rows of the table. docs/recommendation.md has the same table in words.
var factors = [factorCount]factor{
	{"revision", 4, assessRevision},
	{"files", 3, assessFiles},
	{"commits", 3, assessCommits},
	{"breaking", 4, assessBreaking},
	{"uncommitted", 4, assessUncommitted},
	{"migrations", 5, kindFactor(Migration, "migration is to be run", "migrations are to be run", values{2, -2, 0, 1})},
	{"dependencies", 4, kindFactor(Dependencies, "dependency file changes", "dependency files change", values{2, -2, 0, 1})},
	{"dockerfile", 4, kindFactor(Dockerfile, "Dockerfile changes", "Dockerfiles change", values{2, -2, 0, 1})},
	{"compose", 3, kindFactor(Compose, "compose file changes", "compose files change", values{2, -1, 0, 1})},
	{"remote", 3, assessRemote},
	{"remote_from_host", 2, assessFromHost},
	{"host", 3, assessHost},
	{"business_hours", 1, assessHours},
	{"last_deploy", 2, assessLast},
	{"containers", 2, assessContainers},
	{"backup", 1, assessBackup},
	{"disk", 2, assessDisk},
}

// listed joins clauses as people do.
func listed(parts []string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
