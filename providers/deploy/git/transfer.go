package git

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// fetched is the reference that keeps what was fetched last from being cleared away.
const fetched = "refs/imsctl/fetched"

// Fetch gets one commit with its history from a remote, where a branch has it, and makes sure that it is that one. Branches and
// tags stay as they are; the reference refs/imsctl/fetched is set to it. A branch that has moved on, or back, since makes no
// difference as long as the remote still gives the commit out. A commit that is here already, with its history, is not asked for.
// Errors as those of RemoteHead; ErrUnknown when the remote does not have the commit.
func (r *Repository) Fetch(ctx context.Context, url, branch, commit string) error {
	if err := errors.Join(checkHash(commit), CheckBranch(branch)); err != nil {
		return err
	}
	remote, err := parseRemote(url)
	if err != nil {
		return err
	}
	err = r.fetch(ctx, remote, "+"+commit+":"+fetched)
	if err != nil && notGivenOut(said(err)) {
		// Some servers give out what a name stands for and nothing else.
		err = r.fetch(ctx, remote, "+refs/heads/"+branch+":"+fetched)
		if err == nil {
			return r.adopt(ctx, remote, branch, commit)
		}
		if strings.Contains(said(err), "couldn't find remote ref") {
			return fmt.Errorf("%w: %s has neither commit %s nor a branch %q", ErrUnknown, remote.shown, short(commit), branch)
		}
	}
	if err != nil {
		return remoteError("fetching "+short(commit)+" from", remote, err)
	}
	return r.verify(ctx, commit)
}

func (r *Repository) fetch(ctx context.Context, remote remote, refspec string) error {
	call, err := r.remoteCall(ctx, remote, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--end-of-options", remote.argument, refspec)
	if err != nil {
		return err
	}
	return r.run(ctx, call)
}

// notGivenOut reports whether a server said that it does not give out a commit.
func notGivenOut(said string) bool {
	return strings.Contains(said, "not our ref") || strings.Contains(said, "unadvertised object") || strings.Contains(said, "remote error: upload-pack")
}

// adopt makes a commit the one that was fetched, after the branch that should have it was.
func (r *Repository) adopt(ctx context.Context, remote remote, branch, commit string) error {
	has, err := r.Has(ctx, commit)
	if err != nil {
		return err
	}
	if !has {
		return fmt.Errorf("%w: the branch %s of %s has no commit %s: it was never pushed there, or the branch was pushed by force since", ErrUnknown, branch, remote.shown, short(commit))
	}
	if _, err := r.bytes(ctx, "update-ref", fetched, commit); err != nil {
		return fmt.Errorf("keeping %s: %w", short(commit), err)
	}
	return r.verify(ctx, commit)
}

// verify makes sure that what was fetched is a commit with that hash, which git computes from what it received.
func (r *Repository) verify(ctx context.Context, commit string) error {
	answer, err := r.text(ctx, "rev-parse", "--verify", "--end-of-options", fetched+"^{commit}")
	if err != nil {
		return fmt.Errorf("checking what was fetched: %w", err)
	}
	if got := strings.TrimSuffix(answer, "\n"); got != commit {
		return fmt.Errorf("checking what was fetched: it is %s, wanted was %s", got, commit)
	}
	return nil
}

// Push makes a branch at a remote the given commit, which must descend from what the branch is there; never by force. It
// reports whether anything changed. Errors as those of RemoteHead, and where it is temporary the push may have been carried out; ErrOtherHistory when the branch has commits that this
// one has not, ErrRefused also when a rule or a hook of the remote refuses it.
func (r *Repository) Push(ctx context.Context, url, commit, branch string) (changed bool, err error) {
	if err := errors.Join(checkHash(commit), CheckBranch(branch)); err != nil {
		return false, err
	}
	remote, err := parseRemote(url)
	if err != nil {
		return false, err
	}
	c, err := r.remoteCall(ctx, remote, "push", "--porcelain", "--no-follow-tags", "--end-of-options", remote.argument, commit+":refs/heads/"+branch)
	if err != nil {
		return false, err
	}
	output := &bounded{limit: largestAnswer}
	c.stdout = output
	err = r.run(ctx, c)
	status, summary := parsePush(output.String())
	switch {
	case err == nil && status == '=':
		return false, nil
	case err == nil:
		return true, nil
	case status == '!' && (strings.Contains(summary, "fetch first") || strings.Contains(summary, "non-fast-forward")):
		return false, fmt.Errorf("pushing %s to %s of %s: %w: the branch has commits there that this one has not; fetch and merge them first, it is never pushed by force",
			short(commit), branch, remote.shown, ErrOtherHistory)
	case status == '!' && unsettled(summary):
		// It broke off, or somebody else pushes at the same moment. What is there already is no error the next time.
		return false, fmt.Errorf("%w: pushing %s to %s of %s: %s: %w", providers.ErrTemporary, short(commit), branch, remote.shown, summary, err)
	case status == '!':
		return false, fmt.Errorf("pushing %s to %s of %s: %w: %s: %w", short(commit), branch, remote.shown, ErrRefused, summary, err)
	}
	return false, remoteError("pushing "+short(commit)+" to", remote, err)
}

// unsettled reports whether a remote said that a push failed for a reason that passes.
func unsettled(summary string) bool {
	for _, words := range []string{"[remote failure]", "failed to update ref", "cannot lock ref", "failed to lock", "unable to lock"} {
		if strings.Contains(summary, words) {
			return true
		}
	}
	return false
}

// parsePush reads what git push --porcelain says of one reference: "FLAG<tab>FROM:TO<tab>SUMMARY".
func parsePush(answer string) (flag byte, summary string) {
	for line := range strings.Lines(answer) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(parts) == 3 && len(parts[0]) == 1 && strings.Contains(parts[1], ":") {
			return parts[0][0], parts[2]
		}
	}
	return 0, ""
}
