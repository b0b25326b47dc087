package planner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// MaxSkew is how far two clocks may differ before nothing is decided by them any more.
const MaxSkew = 5 * time.Minute

// dueness is why a backup is due.
type dueness struct {
	due    bool
	reason string
	cause  Cause
}

// dueness decides whether a backup is due: no artifact with a live copy at one of its destinations is young enough. An
// artifact that started in the future does not count, or a wrong clock could put off backups for years; nor does one that
// is still to be adopted, because nobody has ever read it.
func (d *differ) dueness(s *survey) dueness {
	schedule := s.backup.Schedule
	lost := 0
	for _, held := range s.holdings {
		if held.artifact.StartedAt.Sub(d.now) > MaxSkew || d.isImported(held) {
			continue
		}
		if !held.live() {
			lost++
			continue
		}
		next := schedule.DueAt(held.artifact.StartedAt)
		if next.IsZero() || next.After(d.now) || d.retired[s.backup.Address] {
			return dueness{}
		}
		reason := fmt.Sprintf("due: last verified backup is %s old, %s", units.Age(d.now.Sub(held.artifact.StartedAt)), schedule)
		if lost > 0 {
			reason = fmt.Sprintf("due: last verified backup is %s old and %s, %s", units.Age(d.now.Sub(held.artifact.StartedAt)),
				units.Counted(lost, "newer one is", "newer ones are")+" gone or damaged", schedule)
		}
		return dueness{due: true, reason: reason, cause: CauseTime}
	}
	switch {
	case lost == 0:
		return dueness{due: true, reason: "due: no verified backup yet, " + schedule.String(), cause: CauseChange}
	case s.elsewhere(lost):
		return dueness{due: true, reason: "due: no verified backup at its destinations yet, " + schedule.String(), cause: CauseChange}
	default:
		return dueness{due: true, cause: CauseDrift,
			reason: fmt.Sprintf("due: no verified copy is left of %s, %s", units.Counted(lost, "recorded backup", "recorded backups"), schedule)}
	}
}

// elsewhere reports whether none of the artifacts ever had a copy at the backup's destinations: its `to` was changed.
func (s *survey) elsewhere(artifacts int) bool {
	for _, held := range s.holdings {
		for _, copied := range held.copies {
			if copied.record != nil {
				return false
			}
		}
	}
	return artifacts > 0
}

// dueSources lists the sources of the backups that are due, each once, in the order of the backups.
func dueSources(specification *spec.Spec, document *state.Document, observed *Observed, now time.Time) []string {
	d := newDiffer(specification, document, observed, now)
	var sources []string
	listed := make(map[string]bool)
	d.decideCleanups()
	d.decideDeploys()
	for _, backup := range specification.Backups {
		if listed[backup.Source] || d.isFresh(backup) {
			continue
		}
		if d.demandOrDueness(d.survey(backup)).due {
			listed[backup.Source] = true
			sources = append(sources, backup.Source)
		}
	}
	return sources
}

// isFresh reports whether the newest recorded artifact alone shows that a backup is not due, as most are not. When it does not, the
// whole survey decides.
func (d *differ) isFresh(backup *spec.Backup) bool {
	recorded := d.artifacts[backup.Address]
	if len(recorded) == 0 || d.demanded[backup.Address] != "" {
		return false
	}
	newest := recorded[len(recorded)-1]
	next := backup.Schedule.DueAt(newest.StartedAt)
	if newest.StartedAt.Sub(d.now) > MaxSkew || !next.IsZero() && !next.After(d.now) {
		return false
	}
	places := make([]place, len(backup.To))
	for i, address := range backup.To {
		places[i] = d.place(address)
	}
	held := &holding{artifact: newest, copies: make([]copyView, len(places))}
	d.judge(places, held)
	return held.live() && !d.isImported(held)
}

// planBackup plans a new backup when one is due, or says why it cannot be taken.
func (t *task) planBackup() {
	verdict := t.demandOrDueness(t.survey)
	if !verdict.due {
		return
	}
	meta := Meta{Address: t.backup.Address, Backup: t.backup.Address, Reason: verdict.reason, Cause: verdict.cause}
	if why := t.obstacle(); why != "" {
		meta.Reason += "; but " + why
		t.add(&Blocked{Meta: meta, Failed: true})
		return
	}
	expected := t.expect(t.backup.To)
	meta.Bytes, meta.Seconds = t.predict(&expected)
	usable := t.usable(meta.Bytes)
	if len(usable) == 0 || len(usable) < t.backup.MinCopies {
		shortages, code := t.shortages(meta.Bytes), BlockCode("")
		if shortages != "" {
			code = NoSpace
		}
		meta.Reason += fmt.Sprintf("; but only %d of its %s can be used and min_copies is %d",
			len(usable), units.Counted(len(t.places), "destination", "destinations"), t.backup.MinCopies) + shortages
		meta.Bytes, meta.Seconds = 0, 0
		t.add(&Blocked{Meta: meta, Failed: true, Code: code})
		return
	}
	for _, i := range usable {
		t.reserve(t.places[i].address, meta.Bytes)
	}
	t.blockFull(usable, meta.Bytes)
	meta.Undo = "nothing is overwritten; retention removes it in its time"
	t.taking = &Backup{Meta: meta, Source: t.backup.Source, MinCopies: t.backup.MinCopies, Compression: t.backup.Compression, Recipients: t.recipients()}
	for _, i := range usable {
		t.taking.Destinations = append(t.taking.Destinations, t.places[i].address)
	}
	t.taking.Expect = expected
	if t.observed != nil {
		t.taking.Compressor = t.observed.Compressors[t.backup.Compression]
	}
	t.add(t.taking)
	t.taken[t.backup.Address] = t.taking
}

// obstacle is why the backup's source cannot be read; empty when nothing speaks against it.
func (t *task) obstacle() string {
	if t.backup.NotBuilt != "" {
		return t.backup.NotBuilt
	}
	if err := t.unbuilt[t.backup.Source]; err != nil {
		return err.Error()
	}
	if t.observed == nil {
		return ""
	}
	if view := t.observed.Sources[t.backup.Source]; view != nil && view.Err != nil {
		return fmt.Sprintf("%s cannot be read: %s", t.backup.Source, oneLine(view.Err.Error()))
	}
	return ""
}

// usable lists the places that a new backup of that size can go to.
func (t *task) usable(bytes int64) []int {
	var usable []int
	for i := range t.places {
		if t.places[i].err == nil && t.fits(t.places[i].address, bytes) {
			usable = append(usable, i)
		}
	}
	return usable
}

// shortages lists the reachable places without room for that many bytes, to be appended to a reason.
func (t *task) shortages(bytes int64) string {
	var text strings.Builder
	for i := range t.places {
		if address := t.places[i].address; t.places[i].err == nil && !t.fits(address, bytes) {
			fmt.Fprintf(&text, "; %s %s", address, t.shortage(address, bytes))
		}
	}
	return text.String()
}

// blockFull says which reachable places a planned backup leaves out for want of space.
func (t *task) blockFull(usable []int, bytes int64) {
	for i := range t.places {
		if t.places[i].err != nil || slices.Contains(usable, i) {
			continue
		}
		address := t.places[i].address
		t.add(&Blocked{Failed: true, Degraded: true, Code: NoSpace, Meta: Meta{
			Address: placeAddress(t.backup.Address, address), Backup: t.backup.Address, Cause: CauseDrift,
			Reason: fmt.Sprintf("%s %s: the new backup will be replicated to it later", address, t.shortage(address, bytes)),
		}})
	}
}

// blockUnreachable says which destinations could not be looked at: nothing declared of them can be called true.
func (t *task) blockUnreachable() {
	for i := range t.places {
		if t.places[i].err == nil {
			continue
		}
		reason, cause := fmt.Sprintf("%s cannot be used: %s", t.places[i].address, oneLine(t.places[i].err.Error())), CauseDrift
		if t.unbuilt[t.places[i].address] != nil {
			cause = CauseChange
		}
		if t.taking != nil {
			reason += "; the new backup will be replicated to it later"
		}
		t.add(&Blocked{Failed: true, Degraded: t.coveredWithout(i), Meta: Meta{
			Address: placeAddress(t.backup.Address, t.places[i].address), Backup: t.backup.Address, Cause: cause, Reason: reason,
		}})
	}
}

// noteFuture tells of artifacts whose start lies in the future.
func (t *task) noteFuture() {
	count := 0
	for _, held := range t.holdings {
		if held.artifact.StartedAt.Sub(t.now) > MaxSkew {
			count++
		}
	}
	if count > 0 {
		t.note(t.backup.Address, fmt.Sprintf("%s of %s started in the future (%s): the clock of this machine or of the one that took them is wrong",
			units.Counted(count, "artifact", "artifacts"), t.backup.Address, moment(t.holdings[0].artifact.StartedAt)))
	}
}

// fits reports whether that many more bytes go into a destination.
func (d *differ) fits(destination string, bytes int64) bool {
	free, limited := d.free[destination]
	return !limited || bytes <= free
}

// reserve takes bytes from the free space of a destination for an action of this plan.
func (d *differ) reserve(destination string, bytes int64) {
	if free, limited := d.free[destination]; limited {
		d.free[destination] = free - bytes
	}
}

// shortage says how much space is missing.
func (d *differ) shortage(destination string, bytes int64) string {
	left := d.free[destination]
	text := fmt.Sprintf("needs about %s, %s free", units.Bytes(bytes), units.Bytes(left))
	if left != d.observed.Destinations[destination].Free {
		text += " after what else this plan stores there"
	}
	return text
}

// moment prints a time for people.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// oneLine puts a message of the outside world into one line without a full stop at its end.
func oneLine(text string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
}
