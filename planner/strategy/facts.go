// Package strategy recommends how a revision is deployed: it weighs what was measured, factor by factor, in a table that people
// can follow, and excludes what cannot work. It does no I/O, and the same facts give the same recommendation.
package strategy

import (
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// Strategy is a way to deploy.
type Strategy string

// The strategies.
const (
	// GitHub pushes the revision to the remote; the host fetches exactly that commit, builds it and brings it up.
	GitHub Strategy = "github"
	// Hybrid sends the changed files to the host, and restarts only the services that they touch.
	Hybrid Strategy = "hybrid"
	// Local restarts the services at the revision that is there.
	Local Strategy = "local"
	// VM has the host fetch and deploy alone, whatever becomes of the connection to it.
	VM Strategy = "vm"
)

// All are the strategies in the order of the tables.
func All() []Strategy { return []Strategy{GitHub, Hybrid, Local, VM} }

// safest is the order in which equals are taken: first those that leave what runs untouched until a whole new release is up.
var safest = [...]Strategy{GitHub, VM, Hybrid, Local}

// Known is a fact that may not be known. The zero value is not.
type Known[T any] struct {
	value T
	known bool
}

// Is is a fact that is known.
func Is[T any](value T) Known[T] { return Known[T]{value, true} }

// Get returns the fact and whether it is known.
func (k Known[T]) Get() (T, bool) { return k.value, k.known }

// Facts are what a recommendation is made from. What could not be measured stays unknown: it is shown so, and counts for nothing.
type Facts struct {
	// Running is the revision that runs, empty when nothing was deployed yet; Wanted the one that is declared.
	Running, Wanted Known[string]
	// Files are how many files differ between the two, by kind.
	Files Known[map[FileKind]int]
	// Commits are those between the two.
	Commits Known[[]Commit]
	// Uncommitted is how many files of the working copy are not as they were committed, unknown ones included.
	Uncommitted Known[int]
	// Remote is the way from this machine to the repository, FromHost that from the host to it, Host that to the host.
	Remote, FromHost, Host Known[Reach]
	// Published is set when the remote has the wanted revision already.
	Published Known[bool]
	// Agent is set when an agent on the host converges by itself.
	Agent Known[bool]
	// BusinessHours are when people work.
	BusinessHours Known[Hours]
	// Freeze is the time in which nothing is deployed that it is now; the zero Freeze when it is none.
	Freeze Known[Freeze]
	// Last is the last deploy; the zero Deploy when there was none.
	Last Known[Deploy]
	// Containers are those of the project.
	Containers Known[Containers]
	// Backup is the oldest of the backups that a deploy needs.
	Backup Known[Backup]
	// Disk is the room where the project lies on the host.
	Disk Known[Disk]
}

// Reach is whether something answers, and in what time.
type Reach struct {
	Reachable bool
	Took      time.Duration
}

// Hours are when people work.
type Hours struct {
	// Declared is set when the specification says when that is; Inside when it is now.
	Declared, Inside bool
	// Zone is the time zone, such as "America/Sao_Paulo".
	Zone string
}

// Freeze is a time in which nothing is deployed.
type Freeze struct {
	Name string
	// Until is its end, in the zone in which it is shown.
	Until time.Time
}

// Active reports whether there is one.
func (f Freeze) Active() bool { return f != Freeze{} }

// Result is how a deploy ended.
type Result string

// The results.
const (
	Promoted   Result = "promoted"
	RolledBack Result = "rolled_back"
	Failed     Result = "failed"
)

// Deploy is one that was made.
type Deploy struct {
	Strategy Strategy
	Result   Result
	// Age is how long ago it ended.
	Age time.Duration
}

// Containers are how many are healthy and how many are not, those without a check of their health counted by whether they run.
type Containers struct {
	Healthy, Unhealthy int
}

// Backup is how old one is that a deploy needs.
type Backup struct {
	// Required is set when the deploy needs one; Found when there is one.
	Required, Found bool
	// Age is that of the backup; MaxAge what it may be, 0 for any.
	Age, MaxAge time.Duration
}

// fresh reports whether no backup has to be taken first.
func (b Backup) fresh() bool {
	return !b.Required || b.Found && (b.MaxAge == 0 || b.Age <= b.MaxAge)
}

// Disk is the room on a file system.
type Disk struct {
	// Free are the bytes that are free; Total how many there are in all, 0 when that is not known.
	Free, Total int64
}

// share is how much of it is free, 0 to 1.
func (d Disk) share() (share float64, known bool) {
	if d.Total <= 0 {
		return 0, false
	}
	return float64(d.Free) / float64(d.Total), true
}

// low reports whether room is short.
func (d Disk) low() bool {
	share, known := d.share()
	return d.Free < lowDisk || known && share < lowShare
}

// String says how much is free.
func (d Disk) String() string {
	share, known := d.share()
	if !known {
		return units.Bytes(d.Free) + " free"
	}
	return units.Bytes(d.Free) + " free (" + percent(share) + ")"
}

// Allowed is what may be recommended.
type Allowed struct {
	// Strategies are those that may be; nil for all.
	Strategies []Strategy
	// Uncommitted is set when files that are not committed may be deployed, which only hybrid can.
	Uncommitted bool
	// Restart is set when a restart of what is there was asked for, whatever revision is wanted.
	Restart bool
	// OtherFiles is set when the wanted revision runs with other files than are wanted: what is not committed makes the difference, and a restart brings none.
	OtherFiles bool
}
