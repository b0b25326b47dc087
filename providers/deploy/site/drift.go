package site

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// drift says how what runs differs from what is declared.
func (s *Site) drift(ctx context.Context, active active, view *providers.SiteView) error {
	hashes, err := s.configHashes(ctx, active.call)
	if err != nil {
		return err
	}
	images, err := s.meantImages(ctx, active)
	if err != nil {
		return err
	}
	drifted := make(map[string]bool)
	say := func(service, format string, values ...any) {
		drifted[service] = true
		view.Drift = append(view.Drift, fmt.Sprintf(format, values...))
	}
	for _, name := range active.loaded.names() {
		declared, there := active.loaded.Services[name], 0
		for _, one := range view.Containers {
			if one.Service != name {
				continue
			}
			there++
			if state, text := condition(declared, one); state != fine {
				say(name, "%s", text)
			}
			if meant := images[name]; meant != "" && one.ImageID != meant {
				say(name, "%s runs image %s, not %s", name, short(one.ImageID), short(meant))
			}
			if hash := hashes[name]; hash != "" && one.ConfigHash != "" && one.ConfigHash != hash {
				say(name, "%s was made from another configuration than that in %s", name, s.target.Compose)
			}
		}
		switch wanted := declared.replicas(); {
		case there == 0 && wanted > 0:
			say(name, "%s is not there", name)
		case there != wanted:
			say(name, "%s has %d containers, not %d", name, there, wanted)
		}
	}
	for _, one := range view.Containers {
		if _, declared := active.loaded.Services[one.Service]; !declared {
			say(one.Service, "%s runs in %s and is not declared any more", one.Service, one.Name)
		}
	}
	if active.id != "" {
		var changed *DirtyError
		if err := s.dirty(ctx, active.id); errors.As(err, &changed) {
			view.Drift = append(view.Drift, changed.Error())
		} else if err != nil {
			return err
		}
	}
	for service := range drifted {
		view.Drifted = append(view.Drifted, service)
	}
	slices.Sort(view.Drifted)
	return nil
}

// short is an identification of an image as people read it.
func short(id string) string {
	const shown = len("sha256:") + 12
	return id[:min(len(id), shown)]
}

// configHashes are compose's own hashes of the services as they are declared now.
func (s *Site) configHashes(ctx context.Context, c call) (map[string]string, error) {
	said, err := s.compose(ctx, c, "config", "--hash", "*")
	if err != nil {
		return nil, s.composeMistake(c.folder, err)
	}
	return parseHashes(string(said)), nil
}

// parseHashes reads a service and its hash from each line.
func parseHashes(said string) map[string]string {
	hashes := make(map[string]string)
	for line := range strings.Lines(said) {
		if fields := strings.Fields(line); len(fields) == 2 {
			hashes[fields[0]] = fields[1]
		}
	}
	return hashes
}

// meantImages are the identifications of the images that services should run: those of the release, or what the names in the
// compose file of a plain project mean now.
func (s *Site) meantImages(ctx context.Context, active active) (map[string]string, error) {
	meant := make(map[string]string)
	if len(active.sealed.Images) > 0 {
		for name, image := range active.sealed.Images {
			meant[name] = image.ID
		}
		return meant, nil
	}
	var names []string
	for _, name := range active.loaded.names() {
		names = append(names, active.loaded.image(active.call.project, name))
	}
	ids, err := s.imageIDs(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, name := range active.loaded.names() {
		meant[name] = ids[active.loaded.image(active.call.project, name)]
	}
	return meant, nil
}

// stale is an error where the containers of the project come from another folder: it is the wrong path that was written.
func (s *Site) stale(ctx context.Context, project string, found []providers.Container) error {
	var elsewhere []string
	for _, one := range found {
		if one.Folder == "" {
			continue
		}
		if _, ok := inside(one.Folder, s.target.Path); !ok {
			elsewhere = append(elsewhere, one.Folder)
		}
	}
	slices.Sort(elsewhere)
	elsewhere = slices.Compact(elsewhere)
	if len(elsewhere) == 0 {
		return nil
	}
	said, err := s.shell(ctx, withinScript, append([]string{s.target.Path}, elsewhere...)...)
	if err != nil {
		return fmt.Errorf("looking for the folders of the containers: %w", err)
	}
	for i, answer := range strings.Fields(string(said)) {
		if answer == "no" && i < len(elsewhere) {
			return fmt.Errorf("the containers of the compose project %s run from %s, not from %s: write path = %q, or another project",
				project, elsewhere[i], s.target.Path, s.rootOf(elsewhere[i]))
		}
	}
	return nil
}

// withinScript tells of each further folder whether it is, or lies in, the folder $1: a file system may be seen in several places, and links
// lead from one to the other.
const withinScript = `path=$1
shift
for folder; do
  answer=no
  while [ "$folder" != / ] && [ "$folder" != . ]; do
    if [ "$folder" -ef "$path" ]; then answer=yes; fi
    folder=$(dirname "$folder")
  done
  echo $answer
done`

// rootOf is what must be written as path for the project in a folder: that in which the compose file, whose own folder it is, has the
// path of the block, and above the folders of releases.
func (s *Site) rootOf(folder string) string {
	if below := path.Dir(s.target.Compose); below != "." {
		folder = strings.TrimSuffix(folder, "/"+below)
	}
	if path.Base(path.Dir(folder)) == "releases" {
		return path.Dir(path.Dir(folder))
	}
	if path.Base(folder) == "current" {
		return path.Dir(folder)
	}
	return folder
}
