package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// load has compose read the files of a folder. Without a project, the name is the one that compose finds.
func (s *Site) load(ctx context.Context, c call) (*config, error) {
	if err := s.findComposeFile(c.folder); err != nil {
		return nil, err
	}
	text, err := s.compose(ctx, c, "config", "--format", "json")
	if err != nil {
		return nil, s.composeMistake(c.folder, err)
	}
	return parseConfig(text)
}

// findComposeFile is an error where the compose file is not there, and names one that could be meant.
func (s *Site) findComposeFile(folder string) error {
	name := path.Join(folder, s.target.Compose)
	_, err := s.host.Files().Lstat(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var there []string
	if list, listErr := s.host.Files().ReadDir(path.Dir(name)); listErr == nil {
		for _, entry := range list {
			ext := path.Ext(entry.Name)
			if strings.Contains(entry.Name, "compose") && (ext == ".yaml" || ext == ".yml") {
				there = append(there, path.Join(path.Dir(s.target.Compose), entry.Name))
			}
		}
	}
	hint := "write the path of the compose file within the project as compose"
	if len(there) > 0 {
		hint = "there is " + strings.Join(there, ", ") + ": " + hint
	}
	return fmt.Errorf("%s is missing on %s; %s", name, s.host.Name(), hint)
}

// projectOf is the name of the compose project when compose is called in a folder: the block's, that in the compose file, or what
// compose would make of the folder of the project.
func (s *Site) projectOf(ctx context.Context, folder string) (string, error) {
	if s.target.Project != "" {
		return s.target.Project, nil
	}
	loaded, err := s.load(ctx, call{folder: folder})
	if err != nil {
		return "", err
	}
	return s.projectFrom(loaded.Name, folder), nil
}

// projectFrom tells a name that compose made of a folder from one that is written somewhere.
func (s *Site) projectFrom(found, folder string) string {
	file := path.Join(folder, s.target.Compose)
	if found == "" || found == normalized(path.Base(path.Dir(file))) {
		return s.defaultProject()
	}
	return found
}

// defaultProject is what compose would make of the folder that the compose file of a plain project lies in.
func (s *Site) defaultProject() string {
	if s.target.Project != "" {
		return s.target.Project
	}
	return normalized(path.Base(path.Dir(path.Join(s.target.Path, s.target.Compose))))
}

// normalized is a name as compose makes project names of it: small letters, digits, dashes and underscores, of which the first
// is a letter or a digit.
func normalized(name string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, strings.ToLower(name))
	return strings.TrimLeft(kept, "-_")
}
