package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetDirectory {
		return nil, fmt.Errorf("an archive of files cannot be restored to a %s: restore it to a folder, a file or standard output", target.Kind)
	}
	if len(target.Tables)+len(target.Schemas) > 0 {
		return nil, errors.New("an archive of files has no tables and no schemas: name paths")
	}
	if target.Location == "" {
		return nil, errors.New("the folder to restore to has no name")
	}
	if _, err := rooted(target.Paths); err != nil {
		return nil, err
	}
	r := &restorer{target: target.Location, paths: target.Paths, overwrite: target.Overwrite, own: target.Own}
	if target.Host.IsZero() || strings.HasPrefix(target.Host.Address+".", "host.local.") {
		located, err := filepath.Abs(target.Location)
		if err != nil {
			return nil, fmt.Errorf("finding the folder to restore to: %w", err)
		}
		r.site, r.target = here{}, located
		return r, nil
	}
	if !path.IsAbs(target.Location) {
		return nil, fmt.Errorf("%q would start at a folder of this machine, which is not on %s: write an absolute path", target.Location, target.Host.Address)
	}
	host, err := environment.Hosts(target.Host)
	if err != nil {
		return nil, err
	}
	r.site, r.target = &there{host: host, files: host.Files()}, path.Clean(target.Location)
	return r, nil
}

// site is the machine that an archive is put on.
type site interface {
	// look describes what is at a path without following it; fs.ErrNotExist where there is nothing.
	look(path string) (fs.FileMode, error)
	// mounted reports whether another file system begins at a folder, as far as can be told.
	mounted(folder string) bool
	// list names what is in a folder; a limit of 0 is none.
	list(folder string, limit int) ([]string, error)
	// ready reports why nothing could be unpacked into a folder.
	ready(ctx context.Context, folder string) error
	// temporary makes a hidden folder in another one, with an empty folder "new" and an empty folder "old".
	temporary(ctx context.Context, folder string) (string, error)
	// unpack puts what is picked into an empty folder, and makes it durable.
	unpack(ctx context.Context, from *picker, folder string) error
	// exchange puts a folder in another's place, and that one where the first was; in one step where the system can.
	exchange(folder, other string) error
	// rename replaces nothing but an empty folder.
	rename(from, to string) error
	// alike gives a folder the owner, mode and time of another one.
	alike(ctx context.Context, folder, like string) error
	// discard removes a folder with all that is in it.
	discard(ctx context.Context, folder string) error
}

// restorer implements providers.Restorer.
type restorer struct {
	site           site
	target         string
	paths          []string
	overwrite, own bool
	// within is set by Prepare where what is restored is put into the folder that is there, entry by entry, for some of it is to stay
	// or a file system begins there; replaces where the folder as a whole gives way.
	within, replaces bool
}

// Prepare refuses a target that holds something, unless that may be replaced, or that nothing can be put at. It changes nothing.
func (r *restorer) Prepare(ctx context.Context) error {
	parent := path.Dir(r.target)
	above, err := r.site.look(parent + "/.")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s, in which %s would be made, does not exist", parent, path.Base(r.target))
	case err != nil:
		if below, statErr := r.site.look(parent); statErr == nil && !below.IsDir() {
			return fmt.Errorf("%s is not a folder", parent)
		}
		return fmt.Errorf("looking at the folder to restore into: %w", err)
	case !above.IsDir():
		return fmt.Errorf("%s is not a folder", parent)
	}
	target, err := r.site.look(r.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.writable(ctx, parent)
	case err != nil:
		return fmt.Errorf("looking at the folder to restore to: %w", err)
	case target&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: name the folder that it stands for", r.target)
	case target.IsRegular() && r.own && len(r.paths) == 0:
		if !r.overwrite {
			return &providers.OccupiedError{Target: r.target, Holds: []string{"a file"}, Advice: "restore to another folder"}
		}
		return r.writable(ctx, parent)
	case !target.IsDir():
		return fmt.Errorf("%s exists and is not a folder: nothing was changed; name a folder that does not exist, or an empty one", r.target)
	}
	r.within = r.site.mounted(r.target)
	if r.within {
		parent = r.target
	}
	if err := r.writable(ctx, parent); err != nil {
		return err
	}
	return r.free()
}

// writable reports why nothing could be unpacked into a folder.
func (r *restorer) writable(ctx context.Context, folder string) error {
	if err := r.site.ready(ctx, folder); err != nil {
		return fmt.Errorf("the folder %s, in which %s would be made, cannot be written to: %w", folder, path.Base(r.target), err)
	}
	return nil
}

// free reports what is in the way in a folder that is there.
func (r *restorer) free() error {
	names, err := r.site.list(r.target, 3)
	if err != nil {
		return fmt.Errorf("looking into the folder to restore to: %w", err)
	}
	if len(names) == 0 {
		return nil
	}
	if r.overwrite {
		r.replaces, r.within = len(r.paths) == 0, r.within || len(r.paths) > 0
		return nil
	}
	for _, name := range r.paths {
		if strings.ContainsAny(name, `*?[{\`) {
			return r.occupied(names)
		}
		if _, err := r.site.look(below(r.target, path.Clean(strings.TrimPrefix(name, "/")))); err == nil {
			return r.occupied([]string{name})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("looking into the folder to restore to: %w", err)
		}
	}
	if len(r.paths) == 0 {
		return r.occupied(names)
	}
	r.within = true
	return nil
}

func (r *restorer) occupied(names []string) error {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = printable(name)
	}
	return &providers.OccupiedError{Target: r.target, Holds: shown, Advice: "name a folder that does not exist, or an empty one"}
}

// Restore unpacks into a hidden folder beside the target, or in it where a file system begins there, and gives the result its place
// when all of it is there. Only a process that dies on the way leaves that folder, ".imsctl-restore-" and a number, behind, with what
// was replaced in its folder "old".
func (r *restorer) Restore(ctx context.Context, archive io.Reader) (restored providers.Restored, err error) {
	beside := path.Dir(r.target)
	if r.within && r.site.mounted(r.target) {
		beside = r.target
	}
	temporary, err := r.site.temporary(ctx, beside)
	if err != nil {
		return restored, fmt.Errorf("making a folder to unpack into: %w", err)
	}
	defer func() {
		if discardErr := r.site.discard(context.WithoutCancel(ctx), temporary); err != nil {
			err = errors.Join(err, discardErr)
		} else if discardErr != nil {
			restored.Warnings = append(restored.Warnings, fmt.Sprintf("%s could not be removed and can be by hand: %v", temporary, discardErr))
		}
	}()
	picked, err := newPicker(ctx, archive, r.paths)
	if err != nil {
		return restored, err
	}
	if err := r.site.unpack(ctx, picked, temporary+"/new"); err != nil {
		return restored, err
	}
	if err := ctx.Err(); err != nil {
		return restored, err
	}
	return restored, r.place(ctx, picked, temporary)
}

// place gives what was unpacked its place.
func (r *restorer) place(ctx context.Context, picked *picker, temporary string) error {
	unpacked := temporary + "/new"
	switch {
	case r.own && picked.single && len(picked.roots) == 1:
		return r.exchangeEntries(path.Dir(r.target), temporary, map[string]string{picked.roots[0]: path.Base(r.target)}, picked.roots)
	case r.within && r.replaces:
		return r.replaceEntries(ctx, temporary)
	case r.within:
		return r.exchangeEntries(r.target, temporary, nil, picked.roots)
	case r.replaces:
		if err := r.site.exchange(unpacked, r.target); err != nil {
			return fmt.Errorf("putting the restored folder in the place of %s: %w", r.target, err)
		}
		return nil
	}
	// The system replaces an empty folder in the same step and refuses anything else.
	if err := r.site.rename(unpacked, r.target); err != nil {
		return fmt.Errorf("giving the restored folder its name, %s, where there must be nothing or an empty folder: %w", r.target, err)
	}
	return nil
}
