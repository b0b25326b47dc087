package hybrid

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/deploy/git"
	"github.com/castrolanda/imsctl/providers/deploy/workingcopy"
)

// beginScript gives the folder $2 of a release what the project at $1 has already of it, and says what is not as it should be: "F NAME" for a file that
// is missing or has another content, "X NAME" for one that can be run. Its input is a list for sha256sum. Below the paths that follow files are copied; all
// others become second names of those that are there.
const beginScript = `set -u
export LC_ALL=C
command -v sha256sum >/dev/null || { echo "sha256sum is needed" >&2; exit 1; }
from=$(cd "$1/current" 2>/dev/null && pwd -P) || from=$1
folder=$2
shift 2
mkdir -p "$folder/.imsctl-sent" && cd "$folder" || exit
gzip -dc >.imsctl-sent/sums && cut -c67- .imsctl-sent/sums >.imsctl-sent/names && printf '%s\n' / "$@" >.imsctl-sent/copied || exit
awk 'NR == FNR { root[++count] = $0; next }
	{ name = substr($0, 3); for (i = 1; i <= count; i++) if (root[i] == "." || name == root[i] || index(name, root[i] "/") == 1) next; print }' \
	.imsctl-sent/copied .imsctl-sent/names >.imsctl-sent/linked || exit
# What is missing there is no mistake, and what is wrong is found below.
tr '\n' '\0' <.imsctl-sent/linked | (cd "$from" && xargs -0 cp -al --parents -t "$folder") 2>/dev/null
while IFS= read -r name; do [ -e "$name" ] || printf '%s\n' "$name"; done <.imsctl-sent/names >.imsctl-sent/left
tr '\n' '\0' <.imsctl-sent/left | (cd "$from" && xargs -0 sh -c 'tar -cf - "$@" | (cd "$0" && tar -xof -)' "$folder") 2>/dev/null
find . -type l -exec rm -f {} + # links are sent, and one with the content of a file is not that file
sha256sum -c .imsctl-sent/sums 2>/dev/null | grep -v ': OK$' >.imsctl-sent/failed
# There may be a folder where a file must be.
sed -e 's/: FAILED$//' -e 's/: FAILED open or read$//' .imsctl-sent/failed | tr '\n' '\0' | xargs -0 rm -rf || exit
sed 's/^/F /' .imsctl-sent/failed
find . -path ./.imsctl-sent -prune -o -type f -perm -100 -print | sed 's/^/X /'`

// endScript unpacks what was missing into the folder $1 of a release, and proves that it is as it should be. All else was found to be so.
const endScript = `set -u
export LC_ALL=C
cd "$1" || exit
tar -xzof - || exit
[ ! -s .imsctl-sent/again ] || sha256sum -c .imsctl-sent/again >.imsctl-sent/checked 2>&1 || { grep -v ': OK$' .imsctl-sent/checked >&2; exit 1; }
rm -rf .imsctl-sent`

// fill fills the folder of a release.
func (d *deployer) fill(ctx context.Context, working *workingcopy.Copy, release providers.Release, changes []git.Change, folder string) error {
	wanted, err := readTree(ctx, working, release.Commit)
	if err != nil {
		return fmt.Errorf("reading %s in %s: %w", release.Commit, working.Directory(), err)
	}
	left, err := wanted.overlay(working.Directory(), changes)
	if err != nil {
		return fmt.Errorf("reading what is not committed: %w", err)
	}
	for _, name := range left {
		d.warn(name + " is a repository of its own, and what is not committed there was not deployed")
	}
	there := &sender{host: d.Host(), working: working, commit: release.Commit, wanted: wanted, compose: d.Target().Compose, shared: d.Target().Shared}
	return there.fill(ctx, d.Target().Path, folder)
}

// sender brings a tree to a host.
type sender struct {
	host    providers.Host
	working archiver
	commit  string
	wanted  tree
	// compose is the path of the compose file.
	compose string
	// shared are the paths that the release does not keep to itself.
	shared []string
}

// fill makes a folder, which is empty, hold the wanted tree, with as much of the project as is there already.
func (s *sender) fill(ctx context.Context, project, folder string) error {
	missing, err := s.begin(ctx, project, folder)
	if err != nil {
		return fmt.Errorf("comparing %s with what is on %s: %w", s.commit, s.host.Name(), err)
	}
	if err := s.send(ctx, folder, missing); err != nil {
		return fmt.Errorf("sending %s to %s: %w", s.commit, s.host.Name(), err)
	}
	return s.own(ctx, folder)
}

// begin has the host use what it has, and returns the paths that must be sent.
func (s *sender) begin(ctx context.Context, project, folder string) (map[string]bool, error) {
	var sums, answer bytes.Buffer
	packed, _ := gzip.NewWriterLevel(&sums, gzip.BestSpeed) // the level is a valid one
	if err := s.wanted.writeSums(packed, func(string) bool { return true }); err != nil {
		return nil, err
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	arguments := append([]string{"sh", "-c", beginScript, "begin", project, folder}, s.copied(ctx, project)...)
	err := s.host.Run(ctx, providers.Command{Arguments: arguments, Stdin: &sums, Stdout: &answer})
	if err != nil {
		return nil, err
	}
	return s.missing(answer.String())
}

// copied are the paths of the release that runs whose files must not become files of another one as well: those that its containers can
// write to, those that it does not keep to itself, and of a project that was never released all.
func (s *sender) copied(ctx context.Context, project string) []string {
	current := path.Join(project, "current")
	if _, err := s.host.Files().Readlink(current); err != nil {
		return []string{everything}
	}
	return append(s.writable(ctx, current), s.shared...)
}

// missing reads the answer of beginScript.
func (s *sender) missing(answer string) (map[string]bool, error) {
	missing, executable := make(map[string]bool), make(map[string]bool)
	for line := range strings.Lines(answer) {
		line = strings.TrimSuffix(line, "\n")
		kind, name, _ := strings.Cut(line, " ./")
		switch {
		case kind == "F":
			if unread, ok := strings.CutSuffix(name, ": FAILED open or read"); ok {
				name = unread
			} else {
				name = strings.TrimSuffix(name, ": FAILED")
			}
			if _, ok := s.wanted[name]; !ok {
				return nil, fmt.Errorf("the answer %q names no file of the revision", line)
			}
			missing[name] = true
		case kind == "X":
			executable[name] = true
		default:
			return nil, fmt.Errorf("the answer %q was not understood", line)
		}
	}
	for name, e := range s.wanted {
		// What is no file is small. What is shared may have been read through a link.
		if e.header.Typeflag != tar.TypeReg || !isPlain(name) || executable[name] != e.executable() || s.isShared(name) {
			missing[name] = true
		}
	}
	return missing, nil
}

// isShared reports whether a path is below one that all releases have in common.
func (s *sender) isShared(name string) bool {
	return slices.ContainsFunc(s.shared, func(shared string) bool { return name == shared || strings.HasPrefix(name, shared+"/") })
}

// send sends paths as one archive, which the host unpacks while it comes.
func (s *sender) send(ctx context.Context, folder string, missing map[string]bool) error {
	reader, writer := io.Pipe()
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		writer.CloseWithError(s.write(ctx, writer, missing))
	}()
	err := s.host.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", endScript, "end", folder}, Stdin: reader})
	reader.CloseWithError(err)
	<-done
	return err
}

// write writes the archive.
func (s *sender) write(ctx context.Context, w io.Writer, missing map[string]bool) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	var again bytes.Buffer
	if err := s.wanted.writeSums(&again, func(name string) bool { return missing[name] }); err != nil {
		return err
	}
	header := tar.Header{Name: sentFolder + "/again", Typeflag: tar.TypeReg, Mode: plainMode, Size: int64(again.Len())}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	if _, err := again.WriteTo(archive); err != nil {
		return err
	}
	if err := s.writeCommitted(ctx, archive, missing); err != nil {
		return err
	}
	for _, name := range s.wanted.names() {
		if e := s.wanted[name]; missing[name] && e.local != "" {
			if err := writeLocal(archive, e); err != nil {
				return err
			}
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}

// writeCommitted writes what is committed; git is not asked where nothing of that is missing.
func (s *sender) writeCommitted(ctx context.Context, archive *tar.Writer, missing map[string]bool) error {
	committed := func(name string) bool {
		e, ok := s.wanted[name]
		return ok && missing[name] && e.local == ""
	}
	if !slices.ContainsFunc(s.wanted.names(), committed) {
		return nil
	}
	return eachEntry(ctx, s.working, s.commit, func(header *tar.Header, content io.Reader) error {
		if !committed(header.Name) {
			return nil
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.Copy(archive, content)
		return err
	})
}

// writeLocal writes a file or link of the working copy, which must still be what it was.
func writeLocal(archive *tar.Writer, e entry) error {
	if err := archive.WriteHeader(&e.header); err != nil {
		return err
	}
	if e.header.Typeflag != tar.TypeReg {
		return nil
	}
	file, err := os.Open(e.local)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(archive, hash), io.LimitReader(file, e.header.Size)); err != nil {
		return err
	}
	if [sha256.Size]byte(hash.Sum(nil)) != e.sum {
		return fmt.Errorf("%s changed while it was sent", path.Base(e.local))
	}
	return nil
}
