package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// unpackScript puts the files of the commit $2 of the repository $1 into the folder $3. A shell tells only the status of the last command of
// a pipe, so each of the two says by itself that it failed.
const unpackScript = `set -u
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY
[ "$(git --git-dir="$1" cat-file -t "$2")" = commit ] || { echo "the repository has no commit $2" >&2; exit 1; }
failed=$({ { git --git-dir="$1" archive --format=tar "$2" || echo git >&3; } | { tar -xf - -C "$3" >&2 || echo tar >&3; }; } 3>&1)
[ -z "$failed" ]`

// unpack puts the files of a commit into the folder of a release.
func (d *deployer) unpack(ctx context.Context, commit, folder string) error {
	err := d.Host().Run(ctx, providers.Command{
		Arguments: []string{"sh", "-c", unpackScript, "unpack", d.Mirror(), commit, folder}, Environment: []string{"LC_ALL=C"},
	})
	if err != nil {
		return fmt.Errorf("unpacking %s on %s: %w", commit, d.Host().Name(), err)
	}
	return nil
}

// isLocked reports whether git could not go on because of a file that another git leaves only when it is killed.
func isLocked(err error) bool {
	return err != nil && strings.Contains(err.Error(), ".lock': File exists")
}

// unlock removes such files.
func (d *deployer) unlock(ctx context.Context) error {
	err := d.Host().Run(ctx, providers.Command{Arguments: []string{"find", d.Mirror(), "-name", "*.lock", "-exec", "rm", "-f", "{}", "+"}})
	if err != nil {
		return fmt.Errorf("removing what a killed git left in %s on %s: %w", d.Mirror(), d.Host().Name(), err)
	}
	return nil
}
