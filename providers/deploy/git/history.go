package git

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Commit is one commit.
type Commit struct {
	Hash    string
	Parents []string
	// Author and Email are as the commit has them; Time is when it was committed, in UTC, zero where that is no time.
	Author, Email string
	Time          time.Time
	// Subject is the first paragraph in one line, Body all that follows.
	Subject, Body string
}

// Relation is how two revisions stand to each other.
type Relation int

// The relations of a revision that is wanted to the one that is there.
const (
	// Same: they are one.
	Same Relation = iota
	// Ahead: the wanted one descends from the other.
	Ahead
	// Behind: the wanted one is an ancestor of the other.
	Behind
	// Diverged: neither descends from the other, as after a forced push; they may have nothing in common.
	Diverged
)

// String names it in a word.
func (r Relation) String() string {
	return [...]string{"same", "ahead", "behind", "diverged"}[r]
}

// IsAncestor reports whether a commit is an ancestor of another one, or the same. ErrUnknown when one of them is not in the
// repository; an error where a shallow clone does not have what would decide.
func (r *Repository) IsAncestor(ctx context.Context, ancestor, descendant string) (bool, error) {
	if err := checkHashes(ancestor, descendant); err != nil {
		return false, err
	}
	_, err := r.bytes(ctx, "merge-base", "--is-ancestor", ancestor, descendant)
	switch {
	case err == nil:
		return true, nil
	case exited(err, 1):
		return false, r.checkWhole(ctx)
	}
	for _, hash := range []string{ancestor, descendant} {
		if has, hasErr := r.Has(ctx, hash); hasErr == nil && !has {
			return false, fmt.Errorf("%w: no commit %s in %s", ErrUnknown, hash, r.directory)
		}
	}
	return false, fmt.Errorf("comparing the histories of %s and %s: %w", short(ancestor), short(descendant), err)
}

// Relate tells how a wanted revision stands to the one that is there. Its errors are those of IsAncestor.
func (r *Repository) Relate(ctx context.Context, there, wanted string) (Relation, error) {
	if there == wanted {
		return Same, checkHash(there)
	}
	if ahead, err := r.IsAncestor(ctx, there, wanted); ahead || err != nil {
		return Ahead, err
	}
	if behind, err := r.IsAncestor(ctx, wanted, there); behind || err != nil {
		return Behind, err
	}
	return Diverged, nil
}

// checkWhole is an error where history is cut off, so that no answer about it can be believed.
func (r *Repository) checkWhole(ctx context.Context) error {
	answer, err := r.text(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return fmt.Errorf("asking whether %s has its whole history: %w", r.directory, err)
	}
	if strings.TrimSpace(answer) == "true" {
		return fmt.Errorf("%s is a shallow clone, whose history cannot be compared: run git fetch --unshallow there", r.directory)
	}
	return nil
}

// Has reports whether a commit is in the repository.
func (r *Repository) Has(ctx context.Context, commit string) (bool, error) {
	if err := checkHash(commit); err != nil {
		return false, err
	}
	_, err := r.bytes(ctx, "cat-file", "-e", commit+"^{commit}")
	switch {
	case err == nil:
		return true, nil
	case exited(err, 1), exited(err, 128):
		return false, nil
	}
	return false, fmt.Errorf("looking for commit %s in %s: %w", short(commit), r.directory, err)
}

// commitFormat are the fields of a commit, each ended by a NUL, which no field can have.
const (
	commitFormat = "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%ct%x00%s%x00%b"
	commitFields = 7
)

// Commits lists the commits that to has and from has not, newest first. An empty from is all of history.
func (r *Repository) Commits(ctx context.Context, from, to string) ([]Commit, error) {
	arguments := []string{"log", "-z", "--topo-order", "--no-color", "--no-decorate", "--no-notes", "--no-patch", "--no-mailmap", "--encoding=UTF-8", commitFormat, "--end-of-options", to}
	if err := checkHash(to); err != nil {
		return nil, err
	}
	if from != "" {
		if err := checkHash(from); err != nil {
			return nil, err
		}
		arguments = append(arguments, "^"+from)
	}
	answer, err := r.bytes(ctx, append(arguments, "--")...)
	if err != nil {
		return nil, fmt.Errorf("listing the commits from %s to %s: %w", short(from), short(to), err)
	}
	return parseCommits(answer)
}

// parseCommits reads what git log writes in commitFormat.
func parseCommits(answer []byte) ([]Commit, error) {
	fields, err := fieldsOf(answer)
	if err != nil {
		return nil, fmt.Errorf("reading the list of commits: %w", err)
	}
	if len(fields)%commitFields != 0 {
		return nil, fmt.Errorf("reading the list of commits: %d fields are no whole number of commits", len(fields))
	}
	commits := make([]Commit, 0, len(fields)/commitFields)
	for ; len(fields) > 0; fields = fields[commitFields:] {
		c := Commit{
			Hash: fields[0], Parents: strings.Fields(fields[1]), Author: fields[2], Email: fields[3], Time: parseTime(fields[4]),
			Subject: strings.ToValidUTF8(fields[5], "\ufffd"), Body: strings.ToValidUTF8(strings.TrimSpace(fields[6]), "\ufffd"),
		}
		c.Author, c.Email = strings.ToValidUTF8(c.Author, "\ufffd"), strings.ToValidUTF8(c.Email, "\ufffd")
		if err := checkHashes(append([]string{c.Hash}, c.Parents...)...); err != nil {
			return nil, fmt.Errorf("reading the list of commits: %w", err)
		}
		commits = append(commits, c)
	}
	return commits, nil
}

// parseTime reads seconds since 1970. A commit may claim any, also one that is no year that can be written.
func parseTime(text string) time.Time {
	const lastSecond = 253402300799 // of the year 9999
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// fieldsOf splits what ends each of its fields with a NUL.
func fieldsOf(answer []byte) ([]string, error) {
	if len(answer) == 0 {
		return nil, nil
	}
	whole, ended := bytes.CutSuffix(answer, []byte{0})
	if !ended {
		return nil, fmt.Errorf("the last field is cut off")
	}
	return strings.Split(string(whole), "\x00"), nil
}

func checkHashes(hashes ...string) error {
	for _, hash := range hashes {
		if err := checkHash(hash); err != nil {
			return err
		}
	}
	return nil
}

// short is a hash as people write it.
func short(hash string) string {
	if hash == "" {
		return "the beginning"
	}
	return hash[:min(12, len(hash))]
}
