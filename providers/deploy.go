package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// DeployTarget is what a deploy block says of its project, as it says it.
type DeployTarget struct {
	// Address is the block's: "deploy.ims".
	Address string
	// Host is the machine, zero for the one imsctl runs on.
	Host Reference
	// Path is the absolute folder of the project there, Compose the compose file in each release, Project the name of the
	// compose project; empty for the one that the compose file gives, or else that of the folder.
	Path, Compose, Project string
	// Repository is the URL of the remote, Branch what is deployed, and Revision the commit or tag that it is pinned to, empty for
	// the head of the branch.
	Repository, Branch, Revision string
	// WorkingCopy is the absolute folder of a clone on the machine imsctl runs on, which need not exist.
	WorkingCopy string
	// Shared are the paths within the project that all releases have in common, such as "media" or ".env".
	Shared []string
	// KeepReleases is how many releases stay on the host.
	KeepReleases int
	// AllowUncommitted lets what is not committed in the working copy be deployed by who can.
	AllowUncommitted bool
	// AllowOtherHistory lets a revision be deployed that the running one is no ancestor of.
	AllowOtherHistory bool
	Hooks             []Hook
}

// Hook is a command that is run at a moment of a deploy.
type Hook struct {
	// Moment is when; several hooks of one are run in their order.
	Moment Moment
	// Command is the program with its arguments; no shell is involved.
	Command []string
	// Service is the service in a container of which it runs, with the files and images of the new release; empty for the host, in the
	// folder of the release.
	Service string
	// Timeout ends it.
	Timeout time.Duration
}

// Moment is when a hook is run.
type Moment string

// BeforeDeploy comes before anything is touched, in the release that runs; Migrate between the staging and the switch, in the new
// release, and when it fails the switch does not happen; AfterDeploy when the new release proved healthy; OnRollback before the way back.
const (
	BeforeDeploy Moment = "before_deploy"
	Migrate      Moment = "migrate"
	AfterDeploy  Moment = "after_deploy"
	OnRollback   Moment = "on_rollback"
)

// Release is one revision of a project on its host.
type Release struct {
	// ID names its folder below "releases": "20261128T190000Z-a1b2c3d".
	ID string `json:"id"`
	// Commit is the whole hash. Uncommitted is set when what was not committed came along.
	Commit      string `json:"commit"`
	Branch      string `json:"branch,omitempty"`
	Uncommitted bool   `json:"uncommitted,omitzero"`
	// Digest identifies what was not committed, as RevisionsView.Digest did when the release was planned.
	Digest string `json:"digest,omitempty"`
	// Previous is the ID of the release that ran before and is gone back to; empty where there is none.
	Previous string `json:"previous,omitempty"`
	// WaitTimeout is how long the services may take to be up and healthy, at least; health checks that need longer have it.
	WaitTimeout time.Duration `json:"-"`
}

// ReleaseRecord is what the host itself remembers of a release, so that whoever reaches it knows, with whatever state.
type ReleaseRecord struct {
	Release
	// Deploy is the address of the block, Strategy how it came, By who brought it ("ana@laptop").
	Deploy   string `json:"deploy"`
	Strategy string `json:"strategy"`
	By       string `json:"by"`
	// Phase is the last one of its deploy that was reached, in the words of the state.
	Phase string `json:"phase"`
	// Backups are the ids of the artifacts that were taken or found good before, Checks what checks said: one line each.
	Backups []string `json:"backups,omitempty"`
	Checks  []string `json:"checks,omitempty"`
	// StartedAt and EndedAt bound the deploy, UTC; EndedAt is zero while it runs, or was interrupted.
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Promoted says that it once proved healthy: only such a release is gone back to.
	Promoted bool   `json:"promoted,omitzero"`
	Error    string `json:"error,omitempty"`
}

// DeployHolder is who has the deploy lock of a host.
type DeployHolder struct {
	// ID is unique to the run; By is who ("ana@laptop"), PID the process there; Message says what for.
	ID      string    `json:"id"`
	By      string    `json:"by"`
	PID     int       `json:"pid"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
	// Alive is when the holder last said that it is there, by the host's clock.
	Alive time.Time `json:"alive"`
}

// DeployLockedError says that somebody else has the deploy lock.
type DeployLockedError struct {
	Holder DeployHolder
	// Age is how long the holder has had it, Silent since when nothing was heard of it, both by the host's clock.
	Age, Silent time.Duration
}

// Error names the holder.
func (e *DeployLockedError) Error() string {
	return fmt.Sprintf("the deploy lock is held by %s (process %d) for %q since %s ago, last heard of %s ago",
		e.Holder.By, e.Holder.PID, e.Holder.Message, e.Age.Round(time.Second), e.Silent.Round(time.Second))
}

// DeployInspection is what can be seen of a deploy's repository and host.
type DeployInspection struct {
	Revisions RevisionsView
	Site      SiteView
}

// RevisionsView is what the repository says.
type RevisionsView struct {
	// Err is why it is not known what should run; the other fields may be empty then.
	Err error
	// Wanted is the commit that should run, and its subject.
	Wanted, Subject string
	// FromWorkingCopy: Wanted is that of the working copy, otherwise that of the remote.
	FromWorkingCopy bool
	// RemoteErr is why the remote did not answer, RemoteSeconds how long it took to. RemoteHead is the branch's commit there.
	RemoteErr     error
	RemoteSeconds float64
	RemoteHead    string
	// Uncommitted are the paths that differ from Wanted in the working copy; nil also where there is none.
	Uncommitted []string
	// Digest identifies the paths of Uncommitted and what is in them; empty where there is none.
	Digest string
	// LeftOut is how many files are not committed in a working copy that has another commit than Wanted checked out, CheckedOut that commit: they
	// have nothing to do with what is deployed.
	LeftOut    int
	CheckedOut string
	// Known: the running commit is known here, so that Changes and Commits say what lies between. OtherHistory: it is not an
	// ancestor of Wanted.
	Known, OtherHistory bool
	Changes             []FileChange
	Commits             []Commit
}

// FileChange is a file that differs between two revisions.
type FileChange struct {
	Path string
	// Kind is A (added), M (modified), D (deleted), R (renamed) or T (another type).
	Kind byte
}

// Commit is one of a repository.
type Commit struct {
	Hash, Subject, Body, Author string
	Time                        time.Time
}

// SiteView is what was seen on the host.
type SiteView struct {
	// Err is why nothing could be seen.
	Err error
	// Current is the release that the link "current" leads to, nil when there is none; Running is its commit, or that of a plain
	// clone in the project's folder; empty where it is not known.
	Current *ReleaseRecord
	Running string
	// Releases are all that are recorded on the host, oldest first.
	Releases []ReleaseRecord
	// Back is what is gone back to: of the releases that once proved healthy and are still there, the one that ran before the current one came, or
	// else the newest that is older. Where the current one never proved healthy and nothing is older, it is the newest of all.
	Back string
	// Containers are those of the compose project.
	Containers []Container
	// Drift says how what runs differs from what the current release's compose file declares, a line each: "web is exited",
	// "worker runs image sha256:…, not sha256:…". Drifted are the services concerned.
	Drift, Drifted []string
	// Held is who has the deploy lock, nil for nobody that was heard of lately.
	Held *DeployLockedError
	// FreeBytes is what is free where the project lies, -1 when not known; TotalBytes how large that file system is, 0 when not
	// known.
	FreeBytes, TotalBytes int64
	// Seconds is how long the host took to answer the first question.
	Seconds float64
	// Remote is what the host itself sees of the repository; nil where it was not asked.
	Remote *RemoteView
	// WaitTimeout is how long the compose file's health checks may need until they decide; Unchecked are the services without any.
	WaitTimeout time.Duration
	Unchecked   []string
}

// RemoteView is how a repository answers a host.
type RemoteView struct {
	// Err is why it does not, or not in time; Seconds is how long that took.
	Err     error
	Seconds float64
}

// Activation is what was done to make a release run.
type Activation struct {
	// Services are those that were restarted or made anew, sorted; the others were left alone.
	Services []string
	// Warnings are worth a look.
	Warnings []string
}

// Site is the project of a deploy block on its host: releases, containers and repository. It is safe for concurrent use. All that
// changes something is called by who has the lock.
type Site interface {
	// Inspect looks at the repository, the host and what runs there, and changes nothing but what is fetched into clones. What
	// cannot be seen is said in the part concerned.
	Inspect(ctx context.Context) DeployInspection
	// View is the part of Inspect that is seen on the host: nobody asks the repository.
	View(ctx context.Context) SiteView
	// Lock takes the deploy lock of the host, keeps it alive, and gives a context that ends when it is lost. *DeployLockedError
	// when somebody else has it and was heard of lately. unlock works although the context has ended.
	Lock(ctx context.Context, holder DeployHolder) (held context.Context, unlock func(context.Context) error, err error)
	// BreakLock takes the lock away from a holder by its ID, whatever it does.
	BreakLock(ctx context.Context, id string) error
	// Record writes what the host remembers of a release, durably, in place of what it remembered before.
	Record(ctx context.Context, record ReleaseRecord) error
	// Hook runs the hooks of a moment in a release, and writes what they say to output. That there is none is no error.
	Hook(ctx context.Context, moment Moment, release Release, output io.Writer) error
	// Return makes a release that is there the one that runs, whatever strategy brought it, and returns when its services are up
	// and healthy. It can be repeated after any interruption.
	Return(ctx context.Context, release Release) (Activation, error)
	// Evidence says what containers that are not well have to say for themselves: the last health check and the last lines of
	// the log, a line each.
	Evidence(ctx context.Context) []string
	// Prune removes the oldest releases until only so many are left, never the current one nor one of keep, and what interrupted
	// deploys left; their records too. It returns the IDs that are gone.
	Prune(ctx context.Context, count int, keep ...string) ([]string, error)
	// Logs writes the logs of services, or of all, line by line with the name of the service before each. With follow it goes on,
	// also through a deploy, until ctx ends.
	Logs(ctx context.Context, services []string, tail int, follow bool, output io.Writer) error
}

// Deployer is a Site with a way to bring revisions there.
type Deployer interface {
	Site
	// Stage brings a release to the host, whole, and builds its images, without touching what runs. It can be repeated: what an
	// interrupted one left is used or removed.
	Stage(ctx context.Context, release Release) error
	// Activate makes a staged release the one that runs, and returns when its services are up and healthy, or says why they are
	// not. It can be repeated after any interruption.
	Activate(ctx context.Context, release Release) (Activation, error)
}

// ErrUntouched is wrapped by an error of Autonomous.Run when the deploy failed before a hook was run or anything that runs was touched.
var ErrUntouched = errors.New("nothing was touched")

// Autonomous is a Deployer whose host does it alone: Run stages, migrates, activates and goes back when that fails, detached from the connection, and a
// second Run of the same release finds what the first one began. An error that is ErrTemporary says that the result is not known yet.
type Autonomous interface {
	Deployer
	Run(ctx context.Context, release Release, output io.Writer) (Activation, error)
}

// InPlace is a Deployer that brings no new release: it makes the current one run again.
type InPlace interface {
	Deployer
	// InPlace tells it from the others.
	InPlace()
}
