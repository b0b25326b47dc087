// Package spelling finds the name that somebody probably meant who wrote another one.
package spelling

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Distance is how many mistakes lie between two names: letters that are missing, too many or others, and neighbours that changed
// places, which is one mistake and not two. Whether letters are capitals does not matter. No letter is changed twice (the optimal
// string alignment).
func Distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	before, last, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range to {
			replaced := last[j]
			if from[i] != to[j] {
				replaced++
			}
			row[j+1] = min(replaced, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(to)]
}

// Tolerance is how many mistakes a name may have and still be known for what was meant: a third of its letters, and always one.
func Tolerance(name string) int { return max(1, (utf8.RuneCountInString(name)+1)/3) }

// Nearest is the known name that a given one was probably meant to be; empty when none is near.
func Nearest(given string, known []string) string {
	if near := Near(given, known, nil); len(near) > 0 {
		return near[0]
	}
	return ""
}

// Proposal is the sentence that asks whether the nearest of the known names was meant, behind a space; empty when none is near.
func Proposal(given string, known []string) string {
	if best := Nearest(given, known); best != "" {
		return " Did you mean " + best + "?"
	}
	return ""
}

// Near are the known names that a given one may have been meant to be, the nearest first: those within its tolerance, and those for
// which alike, if there is one, reports true. Ties are broken by length, then by alphabet, so that the same mistake always gets
// the same answer.
func Near(given string, known []string, alike func(name string) bool) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	tolerance, length := Tolerance(given), utf8.RuneCountInString(given)
	for _, name := range known {
		wanted := alike != nil && alike(name)
		// The lengths alone differ by at least as much, and they cost nothing to compare.
		if difference := utf8.RuneCountInString(name) - length; !wanted && max(difference, -difference) > tolerance {
			continue
		}
		if distance := Distance(given, name); wanted || distance <= tolerance {
			near = append(near, candidate{name, distance})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	names := make([]string, len(near))
	for i, candidate := range near {
		names[i] = candidate.name
	}
	return names
}
