package logs

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// cleaner implements providers.Backed.
type cleaner struct {
	config      Config
	host        providers.Host
	environment providers.Environment
	// engine is that of the host, nil for files.
	engine  providers.Stockkeeper
	backing providers.CleanupBacking
}

// Behind implements providers.Backed.
func (c *cleaner) Behind(backing providers.CleanupBacking) providers.Cleaner {
	informed := *c
	informed.backing = backing
	return &informed
}

// Inspect implements providers.Cleaner.
func (c *cleaner) Inspect(ctx context.Context) (providers.CleanupView, error) {
	look := c.inspectFiles
	if c.engine != nil {
		look = c.inspectContainers
	}
	view, err := look(ctx)
	view.Fingerprint = providers.ItemsFingerprint(view.Items)
	return view, err
}

// inspectFiles looks for the files that the patterns are about.
func (c *cleaner) inspectFiles(ctx context.Context) (providers.CleanupView, error) {
	var view providers.CleanupView
	w := &walker{files: c.host.Files(), patterns: c.config.Paths}
	paths, err := w.walk(ctx)
	if err != nil {
		return view, err
	}
	view.Refusals = w.unread
	now := c.environment.Clock.Now()
	var kept remarks
	var old []string
	for _, at := range paths {
		switch {
		case !w.found[at].Modified.Before(now.Add(-c.config.OlderThan.Std())):
		case strings.ContainsAny(at, "\n\r"):
			kept.add(fmt.Sprintf("%q stays: there is a line break in its name", at))
		default:
			old = append(old, at)
		}
	}
	if len(old) == 0 {
		view.Notes = kept.lines()
		return view, nil
	}
	seen, err := lookAt(ctx, c.host, old)
	if err != nil {
		return view, err
	}
	c.refuse(&view, seen)
	linked := c.linked()
	var going, late []facts
	for _, one := range seen.found {
		one.changed = one.changed.Add(c.skew())
		switch why := c.stays(one, linked); {
		case why != "":
			kept.add(one.path + " stays: " + why)
		case c.isLate(one):
			late = append(late, one)
		default:
			going = append(going, one)
		}
	}
	if len(going) == 0 {
		// The plan says of them that they wait for a backup.
		going, late = late, nil
	}
	for _, one := range late {
		kept.add(fmt.Sprintf("%s waits for a backup that began after %s, when it was last changed", one.path, moment(one.changed)))
	}
	for _, one := range going {
		add(&view, one, "last changed "+units.Age(now.Sub(one.modified))+" ago")
	}
	view.Notes = kept.lines()
	return view, nil
}

// maxSkew is how far the clock of another machine may be off.
const maxSkew = 5 * time.Minute

// skew is what is added to the times of files, which the host's clock has made, before they are held against when a backup began.
func (c *cleaner) skew() time.Duration {
	if c.config.Host.IsHere() {
		return 0
	}
	return maxSkew
}

// refuse adds why nothing may be removed: what could not be seen, and times that mean nothing.
func (c *cleaner) refuse(view *providers.CleanupView, seen sight) {
	refuse := func(why string) {
		if !slices.Contains(view.Refusals, why) {
			view.Refusals = append(view.Refusals, why)
		}
	}
	if !seen.isRoot {
		refuse("only root sees who has a file open: run imsctl as root, or declare sudo = true on the host")
	}
	if off := seen.now.Sub(c.environment.Clock.Now()).Abs(); c.skew() > 0 && off > maxSkew {
		refuse(fmt.Sprintf("the clock of %s is %s off, so that nobody can say what was changed before the backup", c.host.Name(), units.Age(off)))
	}
}

// add adds a file to what goes.
func add(view *providers.CleanupView, one facts, detail string) {
	item := providers.CleanupItem{Name: one.path, ID: strings.SplitN(one.parameters(), "\n", 2)[0], Bytes: one.bytes, Detail: detail}
	if one.links > 1 {
		item.Bytes, item.Detail = 0, detail+", has another name too"
	}
	view.Items = append(view.Items, item)
	if one.changed.After(view.Newest) {
		view.Newest, view.NewestName = one.changed, one.path
	}
}

// moment is a time in a sentence.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// stays says why a file stays, and nothing when it can go.
func (c *cleaner) stays(one facts, linked []string) string {
	for _, folder := range linked {
		if strings.HasPrefix(one.path, folder+"/") {
			return folder + " is a symbolic link, which a backup does not follow"
		}
	}
	if holding, ok := c.backing.Source.(providers.Holding); ok {
		if why := holding.LeftOut(c.environment, one.path, false); why != "" {
			return "it is not in the backup: " + why
		}
	}
	if one.openBy != "" {
		return "open by " + process(one.openBy)
	}
	return ""
}

// process names a process for people: "PID 123 nginx".
func process(user string) string { return "PID " + user }

// isLate reports whether no artifact was begun after the last change of a file. Where there are none, the plan says so of all.
func (c *cleaner) isLate(one facts) bool {
	return len(c.backing.Artifacts) > 0 && !slices.ContainsFunc(c.backing.Artifacts, func(artifact providers.BackingArtifact) bool {
		return artifact.StartedAt.After(one.changed)
	})
}

// linked lists the folders between what the backup reads and where the patterns begin that are symbolic links: what is behind them is
// not in the backup.
func (c *cleaner) linked() []string {
	placed, ok := c.backing.Source.(providers.Placed)
	if !ok {
		return nil
	}
	root := path.Clean(placed.Place(c.environment).Location)
	var linked []string
	for _, pattern := range c.config.Paths {
		base, _ := doublestar.SplitPattern(pattern)
		for at := path.Clean(base); at != root && strings.HasPrefix(at, root+"/"); at = path.Dir(at) {
			info, err := c.host.Files().Lstat(at)
			if err != nil {
				break // nothing was found there
			}
			if !info.Mode.IsDir() {
				linked = append(linked, at)
			}
		}
	}
	return linked
}

// remarks are lines of which not too many are shown.
type remarks []string

// shownRemarks is how many.
const shownRemarks = 5

func (r *remarks) add(line string) { *r = append(*r, line) }

func (r remarks) lines() []string {
	if more := len(r) - shownRemarks; more > 0 {
		return append(slices.Clone(r[:shownRemarks]), fmt.Sprintf("and %s stay", units.Counted(more, "other file", "other files")))
	}
	return r
}
