package site

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// image is what a service of a release runs.
type image struct {
	// Name is what the compose file calls it, ID which one was meant by that when the release was made.
	Name string `json:"name"`
	ID   string `json:"id"`
	// Kept is a name of its own that the release gives it, so that it is there for the way back.
	Kept string `json:"kept"`
	// Built says that it is built of the release's files.
	Built bool `json:"built,omitzero"`
}

// prepareImages builds the images of a release and pulls those that are missing, and gives each a name of the release. What the names
// of the compose file meant before, they mean afterwards: they belong to what runs.
func (s *Site) prepareImages(ctx context.Context, c call, loaded *config, id string) (map[string]image, error) {
	images := make(map[string]image)
	for _, name := range loaded.names() {
		images[name] = image{
			Name: loaded.image(c.project, name), Built: loaded.Services[name].Build != nil,
			Kept: fmt.Sprintf("%s:%s.%s", keptRepository(c.project), id, name),
		}
	}
	return images, s.obtain(ctx, c, loaded.names(), images)
}

// keptRepository is the repository of the names that the releases of a project give their images.
func keptRepository(project string) string { return providers.ReleaseRepository(project) }

// obtain builds or pulls the images of services, and notes and keeps what came of it.
func (s *Site) obtain(ctx context.Context, c call, services []string, images map[string]image) error {
	var builds, names []string
	for _, name := range services {
		names = append(names, images[name].Name)
		if images[name].Built {
			builds = append(builds, name)
		}
	}
	before, err := s.imageIDs(ctx, names)
	if err != nil {
		return err
	}
	var pulls []string
	for _, name := range services {
		if !images[name].Built && before[images[name].Name] == "" {
			pulls = append(pulls, name)
		}
	}
	if len(pulls) > 0 {
		if _, err := s.compose(ctx, c, append([]string{"pull", "--quiet"}, pulls...)...); err != nil {
			return fmt.Errorf("pulling the images of %s: %w", strings.Join(pulls, ", "), err)
		}
	}
	if len(builds) > 0 {
		if _, err := s.compose(ctx, c, append([]string{"build"}, builds...)...); err != nil {
			return fmt.Errorf("building the images of %s: %w", strings.Join(builds, ", "), err)
		}
	}
	after, err := s.imageIDs(ctx, names)
	if err != nil {
		return err
	}
	var tags []string
	for _, name := range services {
		one := images[name]
		if one.ID = after[one.Name]; one.ID == "" {
			return fmt.Errorf("the image %s of the service %s is not there, although it was just made or pulled", one.Name, name)
		}
		images[name] = one
		tags = append(tags, one.ID, one.Kept)
		if old := before[one.Name]; old != "" && old != one.ID {
			tags = append(tags, old, one.Name)
		}
	}
	return s.tag(ctx, tags)
}

// imageIDs are the identifications of images by their names; those that are missing are left out.
func (s *Site) imageIDs(ctx context.Context, names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	format := `{{.Id}}{{range .RepoTags}} {{.}}{{end}}{{range .RepoDigests}} {{.}}{{end}}`
	said, err := s.output(ctx, "", append([]string{"docker", "image", "inspect", "--format", format}, names...)...)
	if err != nil && !onlyMissing(err) {
		return nil, fmt.Errorf("looking at images: %w", err)
	}
	return parseImages(string(said), names), nil
}

// onlyMissing reports whether all that docker had to complain of is that there are no such images.
func onlyMissing(err error) bool {
	var exit *providers.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	missing := false
	for line := range strings.Lines(exit.Stderr) {
		switch lower := strings.ToLower(line); {
		case strings.Contains(lower, "no such image"):
			missing = true
		case strings.Contains(lower, "error"):
			return false
		}
	}
	return missing
}

// parseImages reads a line for each image: its identification and all of its names.
func parseImages(said string, names []string) map[string]string {
	known := make(map[string]string)
	for line := range strings.Lines(said) {
		fields := strings.Fields(line)
		for _, name := range fields {
			known[name] = fields[0]
		}
	}
	ids := make(map[string]string)
	for _, name := range names {
		if id := known[familiar(name)]; id != "" {
			ids[name] = id
		}
	}
	return ids
}

// familiar is the name of an image as docker shows it.
func familiar(name string) string {
	if strings.HasPrefix(name, "sha256:") {
		return name
	}
	for _, registry := range []string{"docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/"} {
		if short, ok := strings.CutPrefix(name, registry); ok {
			name = short
			break
		}
	}
	if base := name[strings.LastIndex(name, "/")+1:]; !strings.ContainsAny(base, ":@") {
		name += ":latest"
	}
	if tagged, digest, ok := strings.Cut(name, "@"); ok {
		// Beside a digest the tag means nothing, and is not shown.
		slash := strings.LastIndex(tagged, "/")
		if colon := strings.LastIndex(tagged, ":"); colon > slash {
			tagged = tagged[:colon]
		}
		return tagged + "@" + digest
	}
	return name
}

// tag gives images names: pairs of an identification and a name. A name with a digest means one image for ever.
func (s *Site) tag(ctx context.Context, pairs []string) error {
	var list []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(pairs[i+1], "@") {
			list = append(list, pairs[i], pairs[i+1])
		}
	}
	if len(list) == 0 {
		return nil
	}
	if _, err := s.shell(ctx, `while [ $# -gt 1 ]; do docker tag "$1" "$2" || exit; shift 2; done`, list...); err != nil {
		return fmt.Errorf("naming images: %w", err)
	}
	return nil
}

// useImages makes the names of the compose file mean what they meant when a release was made. Images that are gone are made again,
// of the same files.
func (s *Site) useImages(ctx context.Context, id string, made seal) (seal, error) {
	var names, gone []string
	for _, image := range made.Images {
		names = append(names, image.Name, image.ID)
	}
	ids, err := s.imageIDs(ctx, names)
	if err != nil {
		return made, err
	}
	var tags []string
	for name, image := range made.Images {
		switch {
		case ids[image.ID] == "":
			gone = append(gone, name)
		case ids[image.Name] != image.ID:
			tags = append(tags, image.ID, image.Name)
		}
	}
	if len(gone) > 0 {
		if err := s.obtain(ctx, call{project: made.Project, folder: s.Folder(id)}, gone, made.Images); err != nil {
			return made, err
		}
		for _, name := range gone {
			tags = append(tags, made.Images[name].ID, made.Images[name].Name)
		}
		if err := s.writeSeal(id, made); err != nil {
			return made, err
		}
	}
	return made, s.tag(ctx, tags)
}
