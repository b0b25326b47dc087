package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// seal is what is known of a release that is whole.
type seal struct {
	// Project is the name of the compose project.
	Project string `json:"project"`
	// Contents are hashes of what services see of the release's files through their mounts, by service. They become labels: so
	// compose itself makes those containers anew whose files are others, after whatever interruption, and no others.
	Contents map[string]string `json:"contents,omitempty"`
	// Images are what services run.
	Images map[string]image `json:"images,omitempty"`
}

// contentLabel is the label of containers that says which content they were made for.
const contentLabel = "imsctl.content"

// Begin gives the folder in which a strategy makes a release: releases/ID.staging, there and empty. sealed means that the release is
// whole already, in the folder that is returned then, and that there is nothing to do.
func (s *Site) Begin(ctx context.Context, release providers.Release) (folder string, sealed bool, err error) {
	if err := checkID(release.ID); err != nil {
		return "", false, err
	}
	if err := s.findProject(); err != nil {
		return "", false, err
	}
	if sealed, err = s.isSealed(release.ID); err != nil || sealed {
		return s.Folder(release.ID), sealed, err
	}
	files, folder := s.host.Files(), s.staging(release.ID)
	if err := s.removeAll(ctx, folder); err != nil {
		return "", false, err
	}
	if err := files.MkdirAll(folder, folderMode); err != nil {
		return "", false, fmt.Errorf("making the folder of the release: %w", err)
	}
	return folder, false, nil
}

// findProject is an error where the folder of the project is not there.
func (s *Site) findProject() error {
	// The dot follows a link, which the folder may be.
	info, err := s.host.Files().Lstat(s.target.Path + "/.")
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode.IsDir() {
		return fmt.Errorf("there is no folder %s on %s: make it, or write the folder of the project as path", s.target.Path, s.host.Name())
	}
	if err != nil {
		return fmt.Errorf("looking at %s: %w", s.target.Path, err)
	}
	return nil
}

// isSealed reports whether a release is whole. Its folder gets its name last.
func (s *Site) isSealed(id string) (bool, error) {
	if there, err := s.exists(s.Folder(id)); err != nil || !there {
		return false, err
	}
	return s.exists(s.remembered(id, "seal"))
}

// Seal makes a release of what a strategy has put into the folder of Begin: it links what is shared, has compose read the compose file,
// builds or pulls the images, makes everything durable and gives the folder its name. It can be repeated.
func (s *Site) Seal(ctx context.Context, release providers.Release) error {
	if err := checkID(release.ID); err != nil {
		return err
	}
	if sealed, err := s.isSealed(release.ID); err != nil || sealed {
		return err
	}
	if err := s.linkShared(ctx, release.ID); err != nil {
		return err
	}
	staging := s.staging(release.ID)
	loaded, err := s.load(ctx, call{project: s.target.Project, folder: staging})
	if err != nil {
		return err
	}
	project := s.target.Project
	if project == "" {
		project = s.projectFrom(loaded.Name, staging)
	}
	described, err := s.describe(ctx, staging)
	if err != nil {
		return err
	}
	made := seal{Project: project, Contents: make(map[string]string)}
	for _, name := range loaded.names() {
		mounts := loaded.mounts(name, staging)
		if err := s.checkMounts(staging, name, mounts, described); err != nil {
			return err
		}
		if len(mounts) > 0 {
			made.Contents[name] = described.content(mounts)
		}
	}
	if made.Images, err = s.prepareImages(ctx, call{project: project, folder: staging}, loaded, release.ID); err != nil {
		return err
	}
	return s.finish(ctx, release.ID, made, described)
}

// checkMounts refuses what containers would keep in the folder of a release, where the next release would not have it.
func (s *Site) checkMounts(staging, service string, mounts []string, described manifest) error {
	for _, mount := range mounts {
		if described.covers(mount) {
			continue
		}
		there, err := s.exists(path.Join(staging, mount))
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%s: the service %s mounts ./%s, which is not in the release: what must survive deploys belongs into shared (shared = [%q])",
				s.target.Compose, service, mount, mount)
		}
	}
	return nil
}

// finish writes down what a release is, makes its files durable and gives it its name.
func (s *Site) finish(ctx context.Context, id string, made seal, described manifest) error {
	if err := s.write(s.remembered(id, "files"), described.encode()); err != nil {
		return err
	}
	if err := s.writeSeal(id, made); err != nil {
		return err
	}
	// Not every sync can be asked for one file system only.
	if _, err := s.shell(ctx, `sync -f "$1" 2>/dev/null || sync`, s.staging(id)); err != nil {
		return fmt.Errorf("making the release durable: %w", err)
	}
	files := s.host.Files()
	if err := files.Rename(s.staging(id), s.Folder(id)); err != nil {
		return fmt.Errorf("naming the release: %w", err)
	}
	if err := files.SyncDir(path.Dir(s.Folder(id))); err != nil {
		return fmt.Errorf("making the release durable: %w", err)
	}
	return nil
}

// writeSeal writes what is known of a release, and the compose files that are put on top of its own.
func (s *Site) writeSeal(id string, made seal) error {
	labels, images := make(map[string]any), make(map[string]any)
	for name, content := range made.Contents {
		labels[name] = map[string]any{"labels": map[string]string{contentLabel: content}}
	}
	for name, image := range made.Images {
		images[name] = map[string]any{"image": image.Kept}
	}
	for what, services := range map[string]map[string]any{"labels.yaml": labels, "images.yaml": images} {
		// JSON is YAML as well.
		if err := s.writeJSON(s.remembered(id, what), map[string]any{"services": services}); err != nil {
			return err
		}
	}
	return s.writeJSON(s.remembered(id, "seal"), made)
}

// sealOf is what is known of a release.
func (s *Site) sealOf(id string) (seal, error) {
	if sealed, err := s.isSealed(id); err != nil {
		return seal{}, err
	} else if !sealed {
		return seal{}, fmt.Errorf("there is no release %s in %s%s", id, path.Dir(s.Folder(id)), s.others())
	}
	text, err := s.read(s.remembered(id, "seal"), longestRecord)
	if err != nil {
		return seal{}, err
	}
	return parseSeal(text)
}

// parseSeal reads a seal.
func parseSeal(text []byte) (seal, error) {
	var made seal
	if err := json.Unmarshal(text, &made); err != nil {
		return seal{}, fmt.Errorf("what is known of a release is damaged: %w", err)
	}
	return made, nil
}

// labels are the compose files that are put on top of a release's own wherever its services are brought up.
func (s *Site) labels(id string, made seal) []string {
	if len(made.Contents) == 0 {
		return nil
	}
	return []string{s.remembered(id, "labels.yaml")}
}

// others says which releases there are.
func (s *Site) others() string {
	ids, err := s.sealedIDs()
	if err != nil || len(ids) == 0 {
		return ""
	}
	text := "; there is "
	for i, id := range ids[max(0, len(ids)-3):] {
		if i > 0 {
			text += ", "
		}
		text += id
	}
	return text
}

// sealedIDs are the releases that are there, oldest first.
func (s *Site) sealedIDs() ([]string, error) {
	list, err := s.host.Files().ReadDir(path.Dir(s.Folder("x")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the releases: %w", err)
	}
	known := make(map[string]bool)
	for _, entry := range list {
		if !entry.Mode.IsDir() || !isID(entry.Name) {
			continue
		}
		sealed, err := s.isSealed(entry.Name)
		if err != nil {
			return nil, err
		}
		if sealed {
			known[entry.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(known)), nil
}
