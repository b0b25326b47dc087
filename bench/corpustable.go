package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/bench/corpora"
)

// thirdRun is what the name of a choice in its third run ends with.
const thirdRun = ", third run"

// corpusResult is what was measured of a corpus.
type corpusResult struct {
	corpus corpora.Corpus
	// raw and gzip are its size and what gzip -9 makes of it.
	raw, gzip int64
	gzipTimes corpusSeries
	// proven is what gzip -9 takes with hashing the data before it, and after reading it back.
	proven  series
	choices map[string]*corpusSeries
	// analysis is what an analysis took, read how many bytes it read, speedup how many times as fast as one the cores were.
	analysis      corpusSeries
	read, speedup series
}

// share is how large so many bytes are beside others.
func share(stored, of int64) float64 { return float64(stored) / float64(of) }

// reduction is by how much something became smaller, as a text.
func (c corpusResult) reduction(stored int64) string {
	return percentage(100 * (1 - share(stored, c.raw)))
}

func percentage(value float64) string { return fmt.Sprintf("%.1f %%", value) }

// smallest is the fixed choice that stores the least.
func (c corpusResult) smallest() *corpusSeries {
	least := c.choices[smallChoices()[0]]
	for _, choice := range smallChoices() {
		if c.choices[choice].stored < least.stored {
			least = c.choices[choice]
		}
	}
	return least
}

// quickest is the fixed choice with the shortest time in a run, of those that store no more than gzip -9 does; nil when none does.
func (c corpusResult) quickest(run string) *corpusSeries {
	var best *corpusSeries
	for _, choice := range quickChoices() {
		if one := c.choices[choice+run]; one.stored <= c.gzip && (best == nil || one.wall.median() < best.wall.median()) {
			best = one
		}
	}
	return best
}

// describeSizes adds the rows of what is stored.
func (c corpusResult) describeSizes(r *report) {
	of := size(float64(c.raw))
	r.row(fmt.Sprintf("%s, %s: the tool gzip -9, reduction", c.corpus.Name, of), series{100 * (1 - share(c.gzip, c.raw))}, percentage)
	for _, choice := range slices.Concat([]string{"auto size", "auto balanced"}, smallChoices()) {
		one := c.choices[choice]
		r.row(fmt.Sprintf("%s, %s: %s, reduction", c.corpus.Name, of, named(choice, one)), series{100 * (1 - share(one.stored, c.raw))}, percentage)
	}
}

// describeTimes adds the rows of what the fast choices take.
func (c corpusResult) describeTimes(r *report) {
	of := size(float64(c.raw))
	r.row(fmt.Sprintf("%s, %s: the tool gzip -9, wall", c.corpus.Name, of), c.gzipTimes.wall, seconds)
	r.row(fmt.Sprintf("%s, %s: the tool gzip -9, CPU", c.corpus.Name, of), c.gzipTimes.cpu, seconds)
	r.row(fmt.Sprintf("%s, %s: the same with sha256sum before and after, wall", c.corpus.Name, of), c.proven, seconds)
	r.row(fmt.Sprintf("%s, %s: analyze, wall", c.corpus.Name, of), c.analysis.wall, seconds)
	r.row(fmt.Sprintf("%s, %s: analyze, CPU", c.corpus.Name, of), c.analysis.cpu, seconds)
	r.row(fmt.Sprintf("%s, %s: analyze, read", c.corpus.Name, of), c.read, size)
	r.row(fmt.Sprintf("%s, %s: analyze, all cores / one", c.corpus.Name, of), c.speedup, ratio)
	for _, choice := range timedChoices() {
		one := c.choices[choice]
		r.row(fmt.Sprintf("%s, %s: %s, wall", c.corpus.Name, of, named(choice, one)), one.wall, seconds)
		r.row(fmt.Sprintf("%s, %s: %s, CPU", c.corpus.Name, of, choice), one.cpu, seconds)
		r.row(fmt.Sprintf("%s, %s: %s, stored ÷ gzip -9", c.corpus.Name, of, choice), series{share(one.stored, c.gzip)}, ratio)
	}
}

// timedChoices are all whose time is measured: each in its first and its third run.
func timedChoices() []string {
	var list []string
	for _, choice := range slices.Insert(quickChoices(), 0, "auto balanced") {
		list = append(list, choice, choice+thirdRun)
	}
	return list
}

// named is a choice, with what it came to where it chooses.
func named(choice string, one *corpusSeries) string {
	if strings.HasPrefix(choice, "auto") {
		return fmt.Sprintf("%s (%s)", choice, one.method)
	}
	return choice
}

// sizesTable is the table of what is stored.
func sizesTable(results []corpusResult) string {
	var b strings.Builder
	b.WriteString("| corpus | promised | `gzip -9` | auto `size` | auto `balanced` | size ÷ `gzip -9` | balanced ÷ `gzip -9` | size ÷ best fixed method |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range results {
		small, balanced, least := c.choices["auto size"], c.choices["auto balanced"], c.smallest()
		fmt.Fprintf(&b, "| %s | %s | %s | %s (%s) | %s (%s) | %.3f | %.3f | %.3f (%s) |\n", c.corpus.Name, c.corpus.Promised, c.reduction(c.gzip),
			c.reduction(small.stored), small.method, c.reduction(balanced.stored), balanced.method,
			share(small.stored, c.gzip), share(balanced.stored, c.gzip), share(small.stored, least.stored), least.method)
	}
	return b.String()
}

// timesTable is the table of the times of balanced, of the first run and of the third.
func timesTable(results []corpusResult) string {
	var b strings.Builder
	b.WriteString("| corpus | `gzip -9`: wall, CPU; with its proof | auto `balanced`: wall, CPU | third run | stored ÷ `gzip -9` | times as fast as `gzip -9` | as that with its proof | quickest fixed method that stores no more than `gzip -9` | auto ÷ it | `analyze`: wall, read, all cores ÷ one |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range results {
		first, third := c.choices["auto balanced"], c.choices["auto balanced"+thirdRun]
		one, against := c.beside(first, "")
		other, then := c.beside(third, thirdRun)
		both := func(of series) string {
			return fmt.Sprintf("%.1f, %.1f", ratios(of, first.wall).median(), ratios(of, third.wall).median())
		}
		fmt.Fprintf(&b, "| %s, %s | %s, %s; %s | %s, %s (%s) | %s, %s (%s) | %.3f, %.3f | %s | %s | %s; %s | %s, %s | %s, %s, %.2f |\n", c.corpus.Name, size(float64(c.raw)),
			seconds(c.gzipTimes.wall.median()), seconds(c.gzipTimes.cpu.median()), seconds(c.proven.median()),
			seconds(first.wall.median()), seconds(first.cpu.median()), first.method, seconds(third.wall.median()), seconds(third.cpu.median()), third.method,
			share(first.stored, c.gzip), share(third.stored, c.gzip),
			both(c.gzipTimes.wall), both(c.proven), one, other, against, then,
			seconds(c.analysis.wall.median()), size(c.read.median()), c.speedup.median())
	}
	return b.String()
}

// beside is the quickest fixed choice of a run, and how much more time a choice takes.
func (c corpusResult) beside(choice *corpusSeries, run string) (quickest, ratio string) {
	best := c.quickest(run)
	if best == nil {
		return "none", "–"
	}
	return fmt.Sprintf("%s, %s", best.method, seconds(best.wall.median())), fmt.Sprintf("%.2f", ratios(choice.wall, best.wall).median())
}
