package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// backupView is a backup with its charts and the table behind them.
type backupView struct {
	Backup
	axis
	// Anchor is what links lead to; Closed are those that are folded up, since there are many and they are well.
	Anchor string
	Closed bool
	// When says when it was taken and when it is due.
	When   string
	Lanes  []lane
	Trends []*trend
	Rows   []artifactRow
	// More is how many older artifacts the table leaves out.
	More int
}

// artifactRow is an artifact in words.
type artifactRow struct {
	ID, Machine, Taken, Stored, Raw, Reduction, Took, Method string
	Copies                                                   []string
}

const (
	// mostOpen is how many backups are shown at once although they are well.
	mostOpen = 12
	// mostRows is how many artifacts a table has, mostListed of how many destinations it tells each.
	mostRows   = 100
	mostListed = 6
)

func (b *builder) backups() []backupView {
	var views []backupView
	for i, backup := range b.Backups {
		view := backupView{Backup: backup, axis: b.axis(), Anchor: anchorOf(i), When: b.when(backup), Closed: i >= mostOpen && backup.Level == Well}
		for _, place := range backup.Places {
			view.Lanes = append(view.Lanes, b.lane(backup, place))
		}
		view.Trends = b.trends(backup)
		view.Rows, view.More = b.rows(backup)
		views = append(views, view)
	}
	return views
}

// anchorOf is the identifier of a backup on the page.
func anchorOf(i int) string { return fmt.Sprintf("backup-%d", i+1) }

// when says when a backup was taken last, and when it is due.
func (b *builder) when(backup Backup) string {
	if backup.TakenAt.IsZero() {
		return backup.Schedule + " · never taken"
	}
	text := backup.Schedule + " · taken " + b.ago(backup.TakenAt)
	switch {
	case backup.DueAt.IsZero():
		return text + " · never due again"
	case backup.DueAt.After(b.MadeAt):
		return text + " · due in " + units.Age(backup.DueAt.Sub(b.MadeAt).Round(time.Minute))
	}
	return text + " · due for " + units.Age(b.MadeAt.Sub(backup.DueAt))
}

// trends are how sizes, reductions and durations went.
func (b *builder) trends(backup Backup) []*trend {
	var stored, reduced, lasted []point
	for _, artifact := range backup.Artifacts {
		stored = append(stored, point{at: artifact.StartedAt, value: float64(artifact.StoredBytes)})
		reduced = append(reduced, point{at: artifact.StartedAt, value: reduction(artifact)})
		lasted = append(lasted, point{at: artifact.StartedAt, value: took(artifact.StartedAt, artifact.EndedAt).Seconds()})
	}
	trends := []*trend{
		b.trend(backup.Address, "Stored size", stored, 0, func(v float64) string { return units.Bytes(int64(v)) }),
		b.trend(backup.Address, "Reduction", reduced, 100, percent),
		b.trend(backup.Address, "Duration", lasted, 0, seconds),
	}
	return slices.DeleteFunc(trends, func(t *trend) bool { return t == nil })
}

// seconds prints a number of them.
func seconds(value float64) string { return units.Span(time.Duration(value * float64(time.Second))) }

// rows are the table behind the charts, the newest artifact first.
func (b *builder) rows(backup Backup) (rows []artifactRow, more int) {
	copies := make([][]string, len(backup.Artifacts))
	counts := make([]map[Condition]int, len(backup.Artifacts))
	for _, place := range backup.Places {
		for _, held := range place.Copies {
			if counts[held.Artifact] == nil {
				counts[held.Artifact] = make(map[Condition]int)
			}
			counts[held.Artifact][held.Condition]++
			text := short(place.Destination) + ": " + held.Condition.String()
			if fate := b.fate(held); fate != "" {
				text += ", " + fate
			}
			copies[held.Artifact] = append(copies[held.Artifact], text)
		}
	}
	for i, artifact := range slices.Backward(backup.Artifacts) {
		if len(rows) == mostRows {
			return rows, i + 1
		}
		row := artifactRow{
			ID: artifact.ID, Machine: artifact.StartedAt.In(b.Location).Format(machineForm), Taken: b.moment(artifact.StartedAt),
			Stored: units.Bytes(artifact.StoredBytes), Raw: units.Bytes(artifact.RawBytes), Reduction: percent(reduction(artifact)),
			Took: span(took(artifact.StartedAt, artifact.EndedAt)), Method: method(artifact), Copies: copies[i],
		}
		if len(row.Copies) > mostListed {
			row.Copies = counted(counts[i])
		}
		if len(row.Copies) == 0 {
			row.Copies = []string{"none at a declared destination"}
		}
		rows = append(rows, row)
	}
	return rows, 0
}

func method(artifact Artifact) string {
	if artifact.Encrypted {
		return artifact.Method + ", encrypted"
	}
	return artifact.Method
}

// counted says how many copies are in which condition.
func counted(counts map[Condition]int) []string {
	var words []string
	for _, condition := range []Condition{Verified, Unproven, Altered, Missing} {
		if n := counts[condition]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, condition))
		}
	}
	return []string{strings.Join(words, ", ")}
}
