package strategy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
)

// Up to so many files are a small change, and beyond so many a large one.
const (
	smallChange = 10
	largeChange = 50
)

// isSame tells whether what is wanted runs already.
func (f Facts) isSame() (same, known bool) {
	running, runs := f.Running.Get()
	wanted, wants := f.Wanted.Get()
	return running != "" && running == wanted, runs && wants
}

// assessRevision compares what is wanted with what runs.
func assessRevision(f Facts, allowed Allowed) assessment {
	running, runs := f.Running.Get()
	same, known := f.isSame()
	switch {
	case runs && running == "":
		return assessment{true, "nothing is deployed yet", "nothing is deployed yet", values{2, -1, 0, 1}}
	case !known:
		return unknown
	case same && allowed.OtherFiles:
		return assessment{known: true, measured: "the wanted one runs, with other files"}
	case same:
		return assessment{true, "the wanted one runs", "the wanted revision runs already", values{-1, -1, 2, -1}}
	}
	wanted, _ := f.Wanted.Get()
	return assessment{known: true, measured: abbreviated(running) + " → " + abbreviated(wanted)}
}

// abbreviated is a hash as people write it.
func abbreviated(revision string) string {
	if len(revision) >= 40 && strings.Trim(revision, "0123456789abcdef") == "" {
		return revision[:7]
	}
	return revision
}

// assessFiles looks at how much changes.
func assessFiles(f Facts, _ Allowed) assessment {
	counts, known := f.Files.Get()
	if !known {
		return unknown
	}
	total, parts := 0, []string(nil)
	for _, kind := range FileKinds() {
		if n := counts[kind]; n > 0 {
			total, parts = total+n, append(parts, kind.counted(n))
		}
	}
	a := assessment{known: true, measured: fmt.Sprintf("%d: %s", total, strings.Join(parts, ", ")), phrase: units.Counted(total, "file changes", "files change")}
	// What nobody runs makes a change no larger.
	run := total - counts[Documentation] - counts[Tests]
	switch {
	case total == 0:
		return assessment{known: true, measured: "none"}
	case run == 0:
		a.phrase, a.values = "nothing that runs changes", values{0, 2, 0, 0}
	case run <= smallChange:
		a.phrase, a.values = "the change is small ("+units.Counted(total, "file", "files")+")", values{0, 2, 0, 0}
	case run <= largeChange:
		a.values = values{1, 1, 0, 1}
	default:
		a.phrase, a.values = "the change is large ("+units.Counted(total, "file", "files")+")", values{2, -1, 0, 1}
	}
	return a
}

// assessCommits looks at the weightiest type of commit.
func assessCommits(f Facts, _ Allowed) assessment {
	commits, known := f.Commits.Get()
	switch {
	case !known:
		return unknown
	case len(commits) == 0:
		return assessment{known: true, measured: "none"}
	}
	counts := commitTypes(commits)
	order := append(slices.Concat(weightyTypes, plainTypes, lightTypes), "other")
	types := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	var parts []string
	for _, name := range types {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	a := assessment{known: true, measured: fmt.Sprintf("%d: %s", len(commits), strings.Join(parts, ", "))}
	switch first := types[0]; {
	case slices.Contains(weightyTypes, first):
		names := map[string]string{"feat": "a feature", "hotfix": "a hotfix", "security": "a security fix", "revert": "a revert"}
		a.phrase, a.values = names[first]+" is among the commits", values{2, -1, 0, 1}
	case slices.Contains(plainTypes, first):
		names := map[string]string{"fix": "a fix", "perf": "a change for speed", "refactor": "a refactoring"}
		a.phrase, a.values = "the weightiest commit is "+names[first], values{1, 0, 0, 0}
	case counts["other"] == 0:
		a.phrase, a.values = "the commits are chores", values{0, 1, 0, 0}
	}
	return a
}

// assessBreaking looks for commits that are marked so.
func assessBreaking(f Facts, _ Allowed) assessment {
	commits, known := f.Commits.Get()
	if !known {
		return unknown
	}
	n := 0
	for _, commit := range commits {
		if commit.Breaking {
			n++
		}
	}
	if n == 0 {
		return assessment{known: true, measured: "none"}
	}
	return assessment{true, units.Counted(n, "commit", "commits"), units.Counted(n, "commit is", "commits are") + " marked as breaking", values{2, -2, 0, 1}}
}

// assessUncommitted looks at what only the working copy has.
func assessUncommitted(f Facts, allowed Allowed) assessment {
	n, known := f.Uncommitted.Get()
	switch {
	case !known:
		return unknown
	case n == 0:
		return assessment{known: true, measured: "nothing"}
	}
	a := assessment{true, units.Counted(n, "file", "files"), units.Counted(n, "file is", "files are") + " not committed", values{-2, -2, 0, -2}}
	if allowed.Uncommitted {
		a.measured += ", which may be deployed"
		a.values = values{-2, 2, -1, -2}
	}
	return a
}

// kindFactor is the factor of one kind of files: what is said of one, and of many.
func kindFactor(kind FileKind, one, many string, changed values) func(Facts, Allowed) assessment {
	return func(f Facts, _ Allowed) assessment {
		counts, known := f.Files.Get()
		switch n := counts[kind]; {
		case !known:
			return unknown
		case n == 0:
			return assessment{known: true, measured: "none"}
		default:
			return assessment{true, units.Counted(n, "file", "files"), units.Counted(n, one, many), changed}
		}
	}
}
