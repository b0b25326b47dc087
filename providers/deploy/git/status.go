package git

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
)

// Uncommitted lists the files of the working copy that are not as they were committed last, those that git does not know
// included, ignored ones not; first what git knows, then the others, each sorted by path. It writes nothing, the index neither. An error in a bare
// repository.
func (r *Repository) Uncommitted(ctx context.Context) ([]Change, error) {
	if r.bare {
		return nil, fmt.Errorf("%s is a bare repository, without a working copy", r.directory)
	}
	answer, err := r.bytes(ctx, "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignored=no", "--ignore-submodules=none", "--find-renames")
	if err != nil {
		return nil, fmt.Errorf("looking for what is not committed at %s: %w", r.directory, err)
	}
	return parseStatus(answer)
}

// parseStatus reads git status --porcelain=v2 -z (git-status(1), "Porcelain Format Version 2").
func parseStatus(answer []byte) ([]Change, error) {
	fields, err := fieldsOf(answer)
	if err != nil {
		return nil, fmt.Errorf("reading the status: %w", err)
	}
	var changes []Change
	for len(fields) > 0 {
		line := fields[0]
		fields = fields[1:]
		if strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "! ") {
			continue
		}
		change, err := parseStatusLine(line)
		if err != nil {
			return nil, fmt.Errorf("reading the status: %q: %w", line, err)
		}
		if strings.HasPrefix(line, "2 ") {
			if len(fields) == 0 {
				return nil, fmt.Errorf("reading the status: the old path of %q is missing", line)
			}
			if change.Kind == Renamed {
				change.OldPath = fields[0]
			}
			fields = fields[1:]
		}
		if err := checkPaths(change); err != nil {
			return nil, fmt.Errorf("reading the status: %w", err)
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// parseStatusLine reads one line, without the old path that may follow.
func parseStatusLine(line string) (Change, error) {
	// How many words stand before the path, and which of them is the mode in the working copy, by the kind of line.
	forms := map[byte]struct{ words, mode int }{'1': {8, 5}, '2': {9, 5}, 'u': {10, 6}, '?': {1, 0}}
	form, ok := forms[(line + " ")[0]]
	if !ok {
		return Change{}, fmt.Errorf("its kind is not known")
	}
	words := strings.SplitN(line, " ", form.words+1)
	if len(words) != form.words+1 {
		return Change{}, fmt.Errorf("it has %d words", len(words))
	}
	change := Change{Path: words[form.words], Kind: Untracked}
	if form.mode == 0 {
		return change, nil
	}
	mode, err := parseMode(words[form.mode])
	if err != nil {
		return Change{}, err
	}
	change.Mode = mode
	if words[0] == "u" {
		change.Kind = Unmerged
		return change, nil
	}
	change.Kind, err = statusKind(words[1], mode)
	return change, err
}

// statusKind is what two letters say: what the index did to the commit, and the working copy to the index.
func statusKind(letters string, mode fs.FileMode) (Kind, error) {
	if len(letters) != 2 || strings.Trim(letters, ".MTADRC") != "" {
		return "", fmt.Errorf("its status is not known")
	}
	switch {
	case mode == 0:
		return Deleted, nil
	case strings.Contains(letters, "R"):
		return Renamed, nil
	case letters[0] == 'A' || strings.Contains(letters, "C") || letters[1] == 'A':
		return Added, nil
	case letters[0] == 'D':
		// Removed from the index, and there again in the working copy, as something that git knows.
		return Modified, nil
	case strings.Contains(letters, "T"):
		return TypeChanged, nil
	}
	return Modified, nil
}
