package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
)

// Head is what is checked out.
type Head struct {
	// Commit is a whole hash.
	Commit string
	// Branch is its short name, empty when none is checked out.
	Branch string
}

// Head tells what is checked out. ErrUnknown in a repository without a commit.
func (r *Repository) Head(ctx context.Context) (Head, error) {
	branch, err := r.text(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil && !exited(err, 1) {
		return Head{}, fmt.Errorf("asking for the branch that is checked out at %s: %w", r.directory, err)
	}
	head := Head{Branch: strings.TrimSuffix(branch, "\n")}
	commit, err := r.text(ctx, "rev-parse", "--verify", "--end-of-options", "HEAD^{commit}")
	if err != nil {
		if exited(err, 128) {
			return Head{}, fmt.Errorf("%w: there is no commit at %s yet", ErrUnknown, r.directory)
		}
		return Head{}, fmt.Errorf("asking for what is checked out at %s: %w", r.directory, err)
	}
	head.Commit = strings.TrimSuffix(commit, "\n")
	return head, checkHash(head.Commit)
}

// Resolve finds the commit that a branch, a tag, or a hash, also a short one, stands for, and returns its whole hash. ErrUnknown,
// with the nearest branches and tags, when there is none. A name that stands for several is an error.
func (r *Repository) Resolve(ctx context.Context, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	output, said := &bounded{limit: largestAnswer}, ""
	err := r.run(ctx, call{arguments: []string{"rev-parse", "--verify", "--end-of-options", name + "^{commit}"}, stdout: output, heard: &said})
	switch {
	case err == nil && !strings.Contains(said, "is ambiguous"):
		commit := strings.TrimSuffix(output.String(), "\n")
		return commit, checkHash(commit)
	case strings.Contains(said, "ambiguous"):
		return "", fmt.Errorf("%q stands for more than one revision in %s: write refs/heads/%s for the branch, refs/tags/%s for the tag, or the whole hash of the commit", name, r.directory, name, name)
	case !exited(err, 128):
		return "", fmt.Errorf("looking for %q in %s: %w", name, r.directory, err)
	case isHash(name):
		return "", fmt.Errorf("%w: no commit %s in %s", ErrUnknown, name, r.directory)
	}
	known, err := r.names(ctx)
	if err != nil {
		return "", err
	}
	return "", unknown("branch, tag or commit", name, r.directory, known)
}

// names are the short ones of all branches and, behind them, of all tags.
func (r *Repository) names(ctx context.Context) ([]string, error) {
	answer, err := r.text(ctx, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags")
	if err != nil {
		return nil, fmt.Errorf("listing the branches of %s: %w", r.directory, err)
	}
	var names []string
	for line := range strings.Lines(answer) {
		name := strings.TrimSuffix(line, "\n")
		for _, prefix := range []string{"refs/heads/", "refs/remotes/", "refs/tags/"} {
			name = strings.TrimPrefix(name, prefix)
		}
		names = append(names, name)
	}
	return names, nil
}

// unknown is the error for a name that nothing has: it names the nearest of those that are there.
func unknown(what, name, where string, known []string) error {
	return fmt.Errorf("%w: no %s %q in %s%s", ErrUnknown, what, name, where, near(name, known))
}

// near says which of the known names could have been meant, or which there are, in their order.
func near(given string, known []string) string {
	known = unique(known)
	close := spelling.Near(given, known, func(name string) bool { return strings.HasSuffix(name, "/"+given) })
	switch {
	case len(close) > 0:
		return "; did you mean " + strings.Join(close[:min(3, len(close))], ", ") + "?"
	case len(known) == 0:
		return ": it has none at all"
	case len(known) <= 10:
		return "; it has " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; it has %d, of which the first are %s", len(known), strings.Join(known[:5], ", "))
}

// unique leaves out the names that came before.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	var list []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// checkName refuses what is no name of a revision: options, ranges, paths and searches.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the revision has no name")
	case strings.HasPrefix(name, "-"):
		return fmt.Errorf("%q is no name of a revision: it begins with a dash", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`:?*[\`, r) }),
		strings.Contains(name, ".."), strings.Contains(name, "@{"), strings.Contains(name, "^{"), strings.HasPrefix(name, "^"):
		return fmt.Errorf("%q is no name of a revision: write a branch, a tag or the hash of a commit", name)
	}
	return nil
}

// CheckBranch refuses what git would not take as the name of a branch; git-check-ref-format(1) has the rules.
func CheckBranch(name string) error {
	wrong := func(why string) error { return fmt.Errorf("%q is no name of a branch: %s", name, why) }
	switch {
	case name == "":
		return errors.New("the branch has no name")
	case strings.HasPrefix(name, "-"):
		return wrong("it begins with a dash")
	case name == "HEAD" || name == "@":
		return wrong("git uses it for something else")
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) }):
		return wrong(`it has a space, a control character or one of ~ ^ : ? * [ \`)
	case strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, "."):
		return wrong(`it has "..", "@{" or a dot at its end`)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return wrong(`a part between slashes is empty, begins with a dot or ends with ".lock"`)
		}
	}
	return nil
}

// isHash reports whether a text is a whole hash, SHA-1 or SHA-256, in small letters.
func isHash(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}

// checkHash refuses what is no whole hash.
func checkHash(text string) error {
	if !isHash(text) {
		return fmt.Errorf("%q is no whole hash of a commit: names are resolved first", text)
	}
	return nil
}

// isNull reports whether a hash stands for nothing.
func isNull(hash string) bool { return strings.Trim(hash, "0") == "" }
