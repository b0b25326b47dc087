package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// manifest is what the files of a release are: the SHA-256 of each file, and for links that of where they lead with a mark before
// it, by their path within the release.
type manifest map[string]string

// linkMark begins what is said of a link.
const linkMark = "link:"

// describeScript writes the hashes of the files of the folder $1 and where its links lead. What belongs to git is no part of it.
const describeScript = `cd "$1" || exit
find . -path ./.git -prune -o -type f -exec sha256sum {} + || exit
echo "$2"
find . -path ./.git -prune -o -type l -exec sh -c 'for l; do printf "%s\n" "$l"; readlink "$l" || exit; done' sh {} +`

// linksMark is the line between files and links. No line of sha256sum begins so.
const linksMark = "=links="

// describe hashes all files of a folder.
func (s *Site) describe(ctx context.Context, folder string) (manifest, error) {
	said, err := s.shell(ctx, describeScript, folder, linksMark)
	if err != nil {
		return nil, fmt.Errorf("hashing the files of %s: %w", folder, err)
	}
	described, err := parseDescription(said)
	if err != nil {
		return nil, fmt.Errorf("hashing the files of %s: %w", folder, err)
	}
	return described, nil
}

// parseDescription reads what the script writes.
func parseDescription(said []byte) (manifest, error) {
	described := make(manifest)
	lines := strings.Split(strings.TrimSuffix(string(said), "\n"), "\n")
	middle := slices.Index(lines, linksMark)
	if middle < 0 {
		return nil, errors.New("the list of files has no end")
	}
	for _, line := range lines[:middle] {
		hash, name, err := parseSum(line)
		if err != nil {
			return nil, err
		}
		described[name] = hash
	}
	links := lines[middle+1:]
	if len(links)%2 != 0 {
		return nil, errors.New("the list of links has no end")
	}
	for i := 0; i < len(links); i += 2 {
		name, ok := strings.CutPrefix(links[i], "./")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is no link of the folder: no name may have a line break", links[i])
		}
		sum := sha256.Sum256([]byte(links[i+1]))
		described[name] = linkMark + hex.EncodeToString(sum[:])
	}
	return described, nil
}

// parseSum reads a line of sha256sum, in which a backslash before the hash says that there are others in the name.
func parseSum(line string) (hash, name string, err error) {
	line, escaped := strings.CutPrefix(line, `\`)
	hash, name, ok := strings.Cut(line, " ")
	if raw, hexErr := hex.DecodeString(hash); !ok || hexErr != nil || len(raw) != sha256.Size || len(name) < 4 || name[1:3] != "./" {
		return "", "", fmt.Errorf("%q is no hash of a file: no name may have a line break", line)
	}
	name = name[3:]
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	return hash, name, nil
}

// encode writes a manifest, sorted by path: hash, a space, and the path with its line breaks and backslashes escaped.
func (m manifest) encode() []byte {
	var text bytes.Buffer
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&text, "%s %s\n", m[name], escape.Replace(name))
	}
	return text.Bytes()
}

// parseManifest reads what encode wrote.
func parseManifest(text []byte) (manifest, error) {
	m := make(manifest)
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n")
	for line := range strings.Lines(string(text)) {
		hash, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || name == "" || hash == "" || !strings.HasSuffix(line, "\n") {
			return nil, fmt.Errorf("the list of files of a release is damaged at %q", line)
		}
		m[unescape.Replace(name)] = hash
	}
	return m, nil
}

// changed are the files that are not what they were sealed as, sorted. What came along since does not count: containers leave
// files beside those that they were given.
func (m manifest) changed(now manifest) []string {
	var list []string
	for name, hash := range m {
		if now[name] != hash {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// covers reports whether a path is a file, or has files below it, or lies behind a link.
func (m manifest) covers(name string) bool {
	if name == "." {
		return true
	}
	for above := name; above != "."; above = path.Dir(above) {
		if hash, ok := m[above]; ok && (above == name || strings.HasPrefix(hash, linkMark)) {
			return true
		}
	}
	for other := range m {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

// content is a hash of all that lies at or below some paths, and of the links that lead there.
func (m manifest) content(paths []string) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if slices.ContainsFunc(paths, func(root string) bool { return touches(name, m[name], root) }) {
			fmt.Fprintf(sum, "%s %q\n", m[name], name)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// touches reports whether a file is a part of what is seen at a path.
func touches(name, hash, root string) bool {
	if root == "." || name == root || strings.HasPrefix(name, root+"/") {
		return true
	}
	return strings.HasPrefix(hash, linkMark) && strings.HasPrefix(root, name+"/")
}

// dirty is an error where files of a sealed release are not what they were.
func (s *Site) dirty(ctx context.Context, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if _, err := s.sealOf(id); err != nil {
		return err
	}
	sealed, err := s.manifest(id)
	if err != nil {
		return err
	}
	now, err := s.describe(ctx, s.Folder(id))
	if err != nil {
		return err
	}
	if changed := sealed.changed(now); len(changed) > 0 {
		return &DirtyError{Release: id, Folder: s.Folder(id), Files: changed}
	}
	return nil
}

// Clean is a *DirtyError where files of a sealed release were changed since: it is not what its commit says, and so nothing to compare with.
func (s *Site) Clean(ctx context.Context, id string) error { return s.dirty(ctx, id) }

// manifest is what the files of a release were when it was sealed.
func (s *Site) manifest(id string) (manifest, error) {
	text, err := s.read(s.remembered(id, "files"), longestManifest)
	if err != nil {
		return nil, fmt.Errorf("what the files of release %s were: %w", id, err)
	}
	return parseManifest(text)
}

// DirtyError says that files of a release were changed after it was sealed.
type DirtyError struct {
	Release, Folder string
	// Files are those that were changed or removed, sorted.
	Files []string
}

// Error names the first of them.
func (e *DirtyError) Error() string {
	more := ""
	if len(e.Files) > 1 {
		more = fmt.Sprintf(" and %d more", len(e.Files)-1)
	}
	return fmt.Sprintf("release %s is dirty: %s%s was changed after it was made; what is changed belongs into a new release: deploy one, or put the files back in %s",
		e.Release, e.Files[0], more, e.Folder)
}
