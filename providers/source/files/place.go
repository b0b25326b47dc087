package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// movement is a renaming that has been done.
type movement struct{ from, to string }

// undo takes movements back, the last first.
func (r *restorer) undo(done []movement, err error) error {
	for _, moved := range slices.Backward(done) {
		if undoErr := r.site.rename(moved.to, moved.from); undoErr != nil {
			return fmt.Errorf("%w; and putting back what was there failed: %w; it is at %s", err, undoErr, moved.to)
		}
	}
	return err
}

// exchangeEntries puts entries of what was unpacked into a folder and what was in their places into the folder "old". Where a folder
// above one is missing, that is put there. names are those of entries that get another name.
func (r *restorer) exchangeEntries(folder, temporary string, names map[string]string, roots []string) error {
	var done []movement
	for i, root := range roots {
		name := root
		if names[root] != "" {
			name = names[root]
		}
		for above := path.Dir(root); above != "."; above = path.Dir(above) {
			mode, err := r.site.look(below(folder, above))
			switch {
			case isGone(err):
				root, name = above, above
			case err != nil:
				return r.undo(done, fmt.Errorf("looking at %s: %w", below(folder, above), err))
			case !mode.IsDir():
				return r.undo(done, fmt.Errorf("%s is not a folder, and %s would be in it", below(folder, above), root))
			}
		}
		from, to := temporary+"/new/"+root, below(folder, name)
		if _, err := r.site.look(from); errors.Is(err, fs.ErrNotExist) {
			continue // has gone with a folder above it
		}
		moved, err := r.exchangeEntry(from, to, temporary+"/old/"+strconv.Itoa(i))
		if done = append(done, moved...); err != nil {
			return r.undo(done, err)
		}
	}
	return nil
}

// exchangeEntry puts one entry in its place.
func (r *restorer) exchangeEntry(from, to, old string) (done []movement, err error) {
	_, err = r.site.look(to)
	switch {
	case err == nil && !r.overwrite:
		return nil, &providers.OccupiedError{Target: path.Dir(to), Holds: []string{printable(path.Base(to))}, Advice: "name a folder that does not exist, or an empty one"}
	case err == nil:
		if err := r.site.rename(to, old); err != nil {
			return nil, fmt.Errorf("moving %s out of the way: %w", to, err)
		}
		done = append(done, movement{to, old})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("looking at %s: %w", to, err)
	}
	if err := r.site.rename(from, to); err != nil {
		return done, fmt.Errorf("putting %s in place: %w", to, err)
	}
	return append(done, movement{from, to}), nil
}

// replaceEntries puts everything that was unpacked into the target, which is a file system of its own, and everything that was there
// into the folder "old".
func (r *restorer) replaceEntries(ctx context.Context, temporary string) error {
	var done []movement
	for _, step := range []movement{{r.target, temporary + "/old"}, {temporary + "/new", r.target}} {
		names, err := r.site.list(step.from, 0)
		if err != nil {
			return r.undo(done, fmt.Errorf("looking into %s: %w", step.from, err))
		}
		for _, name := range names {
			// The folder of the root of a file system belongs to it.
			if step.from == r.target && (name == path.Base(temporary) || name == "lost+found") {
				continue
			}
			moved := movement{step.from + "/" + name, strings.TrimSuffix(step.to, "/") + "/" + name}
			if err := r.site.rename(moved.from, moved.to); err != nil {
				return r.undo(done, fmt.Errorf("moving %s: %w", moved.from, err))
			}
			done = append(done, moved)
		}
	}
	if err := r.site.alike(ctx, r.target, temporary+"/new"); err != nil {
		return r.undo(done, fmt.Errorf("giving %s its owner, mode and time: %w", r.target, err))
	}
	return nil
}
