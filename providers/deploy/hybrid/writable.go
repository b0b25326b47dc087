package hybrid

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// everything stands for all paths of a release.
const everything = "."

// configScript has compose read the file $2 in the folder $1.
const configScript = `cd "$1" || exit
set -- --project-directory "$1" --file "$1/$2" config --format json
docker compose "$@" 2>/dev/null || docker-compose "$@"`

// ownScript gives the folder $1 of a release files of its own below the paths that follow, in the place of those that it has in common with
// another one.
const ownScript = `cd "$1" || exit
shift
for name; do
	[ -e "./$name" ] || continue
	find -H "./$name" -type f -links +1 -exec sh -c 'for f; do cp -p "$f" "$f.own" && mv -f "$f.own" "$f" || exit; done' sh {} + || exit
done`

// writable are the paths of a release that containers can write to, since they mount them: their files must not be those of another
// release at the same time. Where that cannot be known it is everything.
func (s *sender) writable(ctx context.Context, folder string) []string {
	var said bytes.Buffer
	where := path.Join(folder, path.Dir(s.compose))
	command := providers.Command{Arguments: []string{"sh", "-c", configScript, "config", where, path.Base(s.compose)}, Stdout: &said}
	if s.host.Run(ctx, command) != nil {
		return []string{everything} // what is wrong with the compose file is found when the release is sealed
	}
	list, err := writableIn(said.Bytes(), folder)
	if err != nil {
		return []string{everything}
	}
	for _, name := range list {
		// Behind a link are other paths than those that are written there.
		for ; name != everything; name = path.Dir(name) {
			if e, ok := s.wanted[name]; ok && e.header.Typeflag == tar.TypeSymlink {
				return []string{everything}
			}
		}
	}
	return list
}

// writableIn reads what compose understood of a compose file.
func writableIn(text []byte, folder string) ([]string, error) {
	var config struct {
		Services map[string]struct {
			Volumes []struct {
				Type     string `json:"type"`
				Source   string `json:"source"`
				ReadOnly bool   `json:"read_only"`
			} `json:"volumes"`
		} `json:"services"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("reading what docker compose understood of the compose file: %w", err)
	}
	var list []string
	for _, service := range config.Services {
		for _, volume := range service.Volumes {
			if volume.Type != "bind" || volume.ReadOnly {
				continue
			}
			source := path.Clean(volume.Source)
			below, inside := strings.CutPrefix(source, folder+"/")
			switch {
			case inside:
				list = append(list, below)
			case source == folder || source == "/" || strings.HasPrefix(folder, source+"/"):
				return []string{everything}, nil
			}
		}
	}
	return list, nil
}

// own makes sure that nothing that the containers of the new release can write to is a file of another release as well.
func (s *sender) own(ctx context.Context, folder string) error {
	list := s.writable(ctx, folder)
	if len(list) == 0 {
		return nil
	}
	err := s.host.Run(ctx, providers.Command{Arguments: append([]string{"sh", "-c", ownScript, "own", folder}, list...)})
	if err != nil {
		return fmt.Errorf("giving the release on %s files of its own: %w", s.host.Name(), err)
	}
	return nil
}
