package git

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Kind is what happened to a file.
type Kind string

// The kinds of changes. Copies are additions.
const (
	Added    Kind = "added"
	Modified Kind = "modified"
	Deleted  Kind = "deleted"
	Renamed  Kind = "renamed"
	// TypeChanged: a file became a link, or the other way round.
	TypeChanged Kind = "type changed"
	// Unmerged: a merge has left it undecided. Only among what is not committed.
	Unmerged Kind = "unmerged"
	// Untracked: git does not know the file. Only among what is not committed.
	Untracked Kind = "untracked"
)

// Change is one file that differs. Paths are relative to the top level, with slashes, in whatever bytes they have there.
type Change struct {
	Path string
	// OldPath is set for a file that was renamed.
	OldPath string
	Kind    Kind
	// Mode is that of the file as it is now: 0o644, 0o755, with fs.ModeSymlink for links, fs.ModeDir for submodules; 0 for one
	// that is deleted or not known to git.
	Mode fs.FileMode
}

// emptyTree is the hash of a tree without files, by the length of hashes. Git knows it without having it.
var emptyTree = map[int]string{
	40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
	64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}

// Changes lists the files that differ between two commits, sorted by path, with renames recognised. An empty from is that of
// nothing: every file is added.
func (r *Repository) Changes(ctx context.Context, from, to string) ([]Change, error) {
	if err := checkHash(to); err != nil {
		return nil, err
	}
	if from == "" {
		from = emptyTree[len(to)]
	}
	if err := checkHash(from); err != nil {
		return nil, err
	}
	answer, err := r.bytes(ctx, "diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", "--no-ext-diff", "--end-of-options", from, to, "--")
	if err != nil {
		return nil, fmt.Errorf("comparing %s and %s: %w", short(from), short(to), err)
	}
	return parseChanges(answer)
}

// parseChanges reads the raw format of git diff-tree -z (git-diff-tree(1), "Raw output format").
func parseChanges(answer []byte) ([]Change, error) {
	fields, err := fieldsOf(answer)
	if err != nil {
		return nil, fmt.Errorf("reading the list of changes: %w", err)
	}
	var changes []Change
	for len(fields) > 0 {
		change, paths, err := parseRaw(fields[0])
		if err != nil {
			return nil, err
		}
		if len(fields) <= paths {
			return nil, fmt.Errorf("reading the list of changes: the path of %q is missing", fields[0])
		}
		change.Path = fields[paths]
		if change.Kind == Renamed {
			change.OldPath = fields[1]
		}
		if err := checkPaths(change); err != nil {
			return nil, err
		}
		changes = append(changes, change)
		fields = fields[1+paths:]
	}
	return changes, nil
}

// parseRaw reads ":OLDMODE MODE OLDHASH HASH STATUS" and tells how many paths follow.
func parseRaw(line string) (Change, int, error) {
	wrong := func(why string) (Change, int, error) {
		return Change{}, 0, fmt.Errorf("reading the list of changes: %q: %s", line, why)
	}
	words := strings.Split(line, " ")
	if len(words) != 5 || !strings.HasPrefix(line, ":") || words[4] == "" {
		return wrong("it has another form")
	}
	mode, err := parseMode(words[1])
	if err != nil {
		return wrong(err.Error())
	}
	change, paths := Change{Mode: mode}, 1
	switch words[4][0] {
	case 'A':
		change.Kind = Added
	case 'C':
		change.Kind, paths = Added, 2
	case 'M':
		change.Kind = Modified
	case 'D':
		change.Kind = Deleted
	case 'R':
		change.Kind, paths = Renamed, 2
	case 'T':
		change.Kind = TypeChanged
	default:
		return wrong("its status is not known")
	}
	return change, paths, nil
}

// parseMode reads the mode of an entry of a tree.
func parseMode(text string) (fs.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || len(text) != 6 {
		return 0, fmt.Errorf("%q is no mode", text)
	}
	switch permissions := fs.FileMode(mode & 0o777); mode &^ 0o777 {
	case 0o000000:
		return 0, nil
	case 0o100000:
		return permissions, nil
	case 0o120000:
		return fs.ModeSymlink | 0o777, nil
	case 0o160000:
		return fs.ModeDir, nil
	case 0o040000:
		return fs.ModeDir | 0o755, nil
	}
	return 0, fmt.Errorf("%q is the mode of nothing that git keeps", text)
}

// checkPaths refuses a change of what is no path below the top level, which git itself never writes.
func checkPaths(change Change) error {
	if change.Kind == Renamed {
		if err := checkPath(change.OldPath); err != nil {
			return err
		}
	}
	// A repository within this one, of which git knows nothing, ends with a slash.
	return checkPath(strings.TrimSuffix(change.Path, "/"))
}

// checkPath refuses a path with parts that name nothing, or lead elsewhere.
func checkPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return fmt.Errorf("%q is no path in a repository", path)
		}
	}
	return nil
}
