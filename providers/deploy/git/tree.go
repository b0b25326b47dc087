package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// File is one entry of a revision.
type File struct {
	// Path is relative to the top level, with slashes, in whatever bytes it has there.
	Path string
	// Mode as in Change; a submodule has fs.ModeDir.
	Mode fs.FileMode
	// Hash is that of the content as git keeps it, of the commit for a submodule.
	Hash string
	// Size of the content in bytes, as git keeps it; 0 for a submodule.
	Size int64
}

// Files lists all files of a commit, sorted by the bytes of their paths.
func (r *Repository) Files(ctx context.Context, commit string) ([]File, error) {
	if err := checkHash(commit); err != nil {
		return nil, err
	}
	answer, err := r.bytes(ctx, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", short(commit), err)
	}
	return parseFiles(answer)
}

// parseFiles reads git ls-tree -r -z -l: "MODE TYPE HASH SIZE<tab>PATH".
func parseFiles(answer []byte) ([]File, error) {
	fields, err := fieldsOf(answer)
	if err != nil {
		return nil, fmt.Errorf("reading the list of files: %w", err)
	}
	files := make([]File, 0, len(fields))
	for _, field := range fields {
		head, name, found := strings.Cut(field, "\t")
		words := strings.Fields(head)
		if !found || len(words) != 4 {
			return nil, fmt.Errorf("reading the list of files: %q has another form", field)
		}
		file := File{Path: name, Hash: words[2]}
		if file.Mode, err = parseMode(words[0]); err != nil {
			return nil, fmt.Errorf("reading the list of files: %q: %w", field, err)
		}
		if words[3] != "-" {
			if file.Size, err = strconv.ParseInt(words[3], 10, 64); err != nil || file.Size < 0 {
				return nil, fmt.Errorf("reading the list of files: %q: %q is no size", field, words[3])
			}
		}
		if err := errors.Join(checkPath(name), checkHash(file.Hash)); err != nil {
			return nil, fmt.Errorf("reading the list of files: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// Archive writes the files of a commit as a tar, with the time of the commit. The attributes export-ignore, export-subst and
// those of line ends in the repository are obeyed. What was written before an error is worth nothing.
func (r *Repository) Archive(ctx context.Context, commit string, w io.Writer) error {
	if err := checkHash(commit); err != nil {
		return err
	}
	if err := r.run(ctx, call{arguments: []string{"archive", "--format=tar", commit}, stdout: w}); err != nil {
		return fmt.Errorf("archiving %s: %w", short(commit), err)
	}
	return nil
}

// ShowFile returns the content of one file of a commit as git keeps it; of a link, where it leads. fs.ErrNotExist when there is
// none, or it is a folder; an error when it has more than limit bytes.
func (r *Repository) ShowFile(ctx context.Context, commit, name string, limit int64) ([]byte, error) {
	if err := errors.Join(checkHash(commit), checkPath(name)); err != nil {
		return nil, err
	}
	answer, err := r.answer(ctx, call{arguments: []string{"cat-file", "blob", commit + ":" + name}}, limit)
	switch {
	case err == nil:
		return answer, nil
	case exited(err, 128) && missing(said(err)):
		return nil, fmt.Errorf("%s in %s: %w", name, short(commit), fs.ErrNotExist)
	}
	return nil, fmt.Errorf("reading %s in %s: %w", name, short(commit), err)
}

// missing reports whether git said that there is no such file.
func missing(said string) bool {
	return strings.Contains(said, "does not exist in") || strings.Contains(said, "exists on disk, but not in") ||
		strings.Contains(said, "bad file") || strings.Contains(said, "Not a valid object name")
}

// Export puts the files of a commit into a new folder, an absolute path whose parent is there: as a clone would have them,
// with the attributes of line ends and filters obeyed, without a .git folder and without submodules. It touches nothing of the
// repository. What is there after an error is not whole.
func (r *Repository) Export(ctx context.Context, commit, folder string) error {
	if err := checkHash(commit); err != nil {
		return err
	}
	if folder = path.Clean(folder); !path.IsAbs(folder) || folder == "/" {
		return fmt.Errorf("%q is no absolute path of a folder", folder)
	}
	if err := r.runner.Run(ctx, providers.Command{Arguments: []string{"mkdir", "--", folder}}); err != nil {
		return fmt.Errorf("making %s: %w", folder, err)
	}
	index := folder + ".index"
	within := *r
	within.directory = folder
	place := call{assign: []string{"GIT_DIR=" + r.folder, "GIT_WORK_TREE=" + folder, "GIT_INDEX_FILE=" + index}}
	place.arguments = []string{"read-tree", commit}
	err := within.run(ctx, place)
	if err == nil {
		place.arguments = []string{"checkout-index", "--all", "--quiet"}
		err = within.run(ctx, place)
	}
	// The index has done its work, also after an error.
	clean := providers.Command{Arguments: []string{"rm", "-f", "--", index, index + ".lock"}}
	if cleanErr := r.runner.Run(context.WithoutCancel(ctx), clean); cleanErr != nil {
		err = errors.Join(err, fmt.Errorf("removing %s: %w", index, cleanErr))
	}
	if err != nil {
		return fmt.Errorf("putting %s into %s: %w", short(commit), folder, err)
	}
	return nil
}
