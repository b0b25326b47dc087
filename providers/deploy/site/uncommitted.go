package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
)

// largest is up to which size what is in a file that is not committed counts, in bytes; of a larger one its time does.
const largest = 64 << 20

// uncommitted says what is not committed beside the commit that should run, in a working copy that has it checked out; of one that has
// another, how much there is.
func (r *revisions) uncommitted(ctx context.Context, view *providers.RevisionsView) error {
	head, err := r.repository.Head(ctx)
	if errors.Is(err, git.ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	changes, err := r.repository.Uncommitted(ctx)
	if err != nil || len(changes) == 0 {
		return err
	}
	if head.Commit != view.Wanted {
		view.LeftOut, view.CheckedOut = len(changes), head.Commit
		return nil
	}
	sum := sha256.New()
	for _, change := range changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		view.Uncommitted = append(view.Uncommitted, change.Path)
		fmt.Fprintf(sum, "%q %s ", change.Path, change.Kind)
		if err := addContent(sum, r.machine.Files(), path.Join(r.repository.Directory(), change.Path)); err != nil {
			return fmt.Errorf("reading what is not committed: %w", err)
		}
	}
	view.Digest = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// addContent adds what is under a name to a hash: nothing, when it is gone.
func addContent(sum hash.Hash, files providers.FileSystem, name string) error {
	info, err := files.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(sum, "gone")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%s %d ", info.Mode&(fs.ModeType|0o111), info.Size)
	switch {
	case info.Mode&fs.ModeSymlink != 0:
		to, err := files.Readlink(name)
		fmt.Fprintf(sum, "%q\n", to)
		return err
	case !info.Mode.IsRegular(), info.Size > largest:
		fmt.Fprintln(sum, info.Modified.UTC())
		return nil
	}
	file, err := files.Open(name)
	if err != nil {
		return err
	}
	content := sha256.New()
	_, err = io.Copy(content, file)
	fmt.Fprintf(sum, "%x\n", content.Sum(nil))
	return errors.Join(err, file.Close())
}
