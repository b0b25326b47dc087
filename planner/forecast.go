package planner

import (
	"slices"
	"time"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Outlook is what retention will do at one destination of a backup, if every backup is taken when it is due.
type Outlook struct {
	Backup, Destination string
	// Expiries are of the copies that retention lets go until the end of the outlook, in the order in which it does.
	Expiries []Expiry
	// LaterBytes is about what the copies take at the end of the outlook: those that are kept, and those to come, each as large as
	// the newest one.
	LaterBytes int64
	// All is the age up to which every copy is kept, Some the one up to which some may be; both are zero where all are kept for ever.
	All, Some time.Duration
}

// Rules prints the rules of a retention as they are written: "keep_within 30d, keep_last 3"; empty where everything is kept.
func Rules(retention *spec.Retention) string {
	if retention == nil || !hasRules(retention) {
		return ""
	}
	return rules(retention)
}

// Expiry is when retention stops keeping a copy: the first apply after it deletes the copy.
type Expiry struct {
	Artifact string
	// At is not before now: it is now for a copy that retention does not keep any more.
	At time.Time
	// KeptBy is the rule of the store by which the copy stays all the same, as far as the state knows.
	KeptBy string
}

// Forecast says for each backup and each of its destinations, in the order of its `to`, what retention lets go from now to until.
// It asks the rules that a plan asks, at the moments at which their answer can change. It is as pure as Diff. max_deletes is left
// out: it puts deletions off to later runs. Of a backup that is due every few minutes the outlook ends with the 4500th to come.
func Forecast(specification *spec.Spec, document *state.Document, now, until time.Time) []Outlook {
	d := newDiffer(specification, document, nil, now)
	var outlooks []Outlook
	for _, backup := range specification.Backups {
		t := d.newTask(backup)
		coming, end := t.coming(until, mostComing)
		for i := range t.places {
			outlooks = append(outlooks, t.outlook(i, coming, end))
		}
	}
	return outlooks
}

// mostComing is how many backups to come are thought of: those of a month that has one every ten minutes.
const mostComing = 4500

// coming are the moments until then at which the backup is due, if each is taken at once, the oldest first; at most so many of them.
// end is until, or the last of them where there would be more.
func (t *task) coming(until time.Time, most int) (moments []time.Time, end time.Time) {
	next := t.now
	if t.latest != nil {
		next = t.backup.Schedule.DueAt(t.latest.artifact.StartedAt)
	}
	for !next.IsZero() {
		if next.Before(t.now) {
			next = t.now
		}
		if next.After(until) {
			break
		}
		if len(moments) == most {
			return moments, moments[most-1]
		}
		moments = append(moments, next)
		next = t.backup.Schedule.DueAt(next)
	}
	return moments, until
}

// outlook looks ahead at one place.
func (t *task) outlook(i int, coming []time.Time, until time.Time) Outlook {
	outlook := Outlook{Backup: t.backup.Address, Destination: t.places[i].address}
	f := t.forecast(i, coming)
	if f.retention != nil && hasRules(f.retention) {
		interval := t.backup.Schedule.Interval()
		outlook.All, outlook.Some = shortestKept(f.retention, interval), longestKept(f.retention, interval)
		f.look(until, len(f.present))
	}
	gone := make(map[*holding]bool, len(f.expiries))
	for _, end := range f.expiries {
		gone[end.held] = true
		outlook.Expiries = append(outlook.Expiries, Expiry{Artifact: end.held.artifact.ID, At: end.at, KeptBy: end.by})
	}
	for _, held := range f.present {
		if !gone[held] || held.copies[i].record.KeptBy != "" {
			outlook.LaterBytes += held.artifact.Stored.Size
		}
	}
	outlook.LaterBytes += f.remaining(until) * f.size()
	return outlook
}

// forecast is the looking ahead at one place.
type forecast struct {
	*task
	retention *spec.Retention
	// present are the copies that are there, newest first; coming the backups to come, oldest first.
	present []*holding
	coming  []time.Time
	// index is that of the place.
	index int
	// moments are when the rules may say something else than before, in order.
	moments []time.Time
	// expiries are what was found, in the order of their time; most is how many of those that no store keeps are looked for.
	expiries []ending
	most     int
}

// ending is the end of a copy. by is the rule of the store that keeps it.
type ending struct {
	held *holding
	at   time.Time
	by   string
}

// forecast begins to look ahead at one place.
func (t *task) forecast(i int, coming []time.Time) *forecast {
	f := &forecast{task: t, retention: t.places[i].retention, coming: coming, index: i}
	for _, held := range t.holdings {
		if held.copies[i].condition == good {
			f.present = append(f.present, held)
		}
	}
	return f
}

// look finds the ends of the copies until then, at most so many.
func (f *forecast) look(until time.Time, most int) {
	f.moments, f.most = f.changes(until), most
	last := len(f.moments) - 1
	before := f.kept(f.now)
	for j, keeps := range slices.Backward(before) {
		// What began in the future is no candidate before that.
		if !keeps && !f.present[j].artifact.StartedAt.After(f.now) {
			f.end(f.present[j], f.now)
		}
	}
	if f.most > 0 && last > 0 {
		f.between(0, last, before, f.kept(f.moments[last]))
	}
}

// end notes that a copy ends.
func (f *forecast) end(held *holding, at time.Time) {
	by := held.copies[f.index].record.KeptBy
	if by == "" {
		if f.most == 0 {
			return
		}
		f.most--
	}
	f.expiries = append(f.expiries, ending{held: held, at: at, by: by})
}

// changes are now, every moment until then at which a backup comes or a copy grows too old for keep_within, and the end.
func (f *forecast) changes(until time.Time) []time.Time {
	moments := append([]time.Time{f.now, until}, f.coming...)
	if within := f.retention.KeepWithin.Std(); within > 0 {
		for _, held := range f.present {
			// What is as old as the rule says is kept.
			if at := held.artifact.StartedAt.Add(within + 1); at.After(f.now) && at.Before(until) {
				moments = append(moments, at)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	return slices.CompactFunc(moments, time.Time.Equal)
}

// kept asks the retention at a moment which of the present copies it keeps, with the backups that came until then beside them.
func (f *forecast) kept(at time.Time) []bool {
	present, _ := f.ask(at)
	return present
}

// ask asks the retention at a moment which it keeps of the present copies, and of the backups that came until then.
func (f *forecast) ask(at time.Time) (present, arrived []bool) {
	starts := f.arrived(at)
	came := len(starts)
	for _, held := range f.present {
		starts = append(starts, held.artifact.StartedAt)
	}
	all := kept(f.retention, starts, at, f.location())
	return all[came:], all[:came]
}

// arrived are the backups that came until then, newest first.
func (f *forecast) arrived(at time.Time) []time.Time {
	n, _ := slices.BinarySearchFunc(f.coming, at, func(start, at time.Time) int {
		if start.After(at) {
			return 1
		}
		return -1
	})
	starts := make([]time.Time, 0, n+len(f.present))
	for i := n - 1; i >= 0; i-- {
		starts = append(starts, f.coming[i])
	}
	return starts
}

// between notes when the copies end that are kept at one moment and not at a later one; before and after are what is kept at them. What
// is let go once is never kept again, so that it is enough to halve the time between.
func (f *forecast) between(from, to int, before, after []bool) {
	if f.most == 0 || slices.Equal(before, after) {
		return
	}
	if to-from == 1 {
		for j := range slices.Backward(before) {
			if before[j] && !after[j] {
				f.end(f.present[j], f.moments[to])
			}
		}
		return
	}
	middle := (from + to) / 2
	half := f.kept(f.moments[middle])
	f.between(from, middle, before, half)
	f.between(middle, to, half, after)
}

// remaining is how many of the backups to come are there at the end.
func (f *forecast) remaining(until time.Time) int64 {
	_, arrived := f.ask(until)
	var n int64
	for _, keeps := range arrived {
		if keeps {
			n++
		}
	}
	return n
}

// size is what the next backup will about store.
func (f *forecast) size() int64 {
	if f.latest == nil {
		return 0
	}
	return f.latest.artifact.Stored.Size
}
