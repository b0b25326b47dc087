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

// beginScript copies what the project at $1 has already of a release into its folder $2, and says what is not as it should be: "F NAME" for a file that
// is missing or has another content, "X NAME" for one that can be run. Its input is a list for sha256sum.
const beginScript = `set -u
export LC_ALL=C
command -v sha256sum >/dev/null || { echo "sha256sum is needed" >&2; exit 1; }
mkdir -p "$2/.imsctl-sent" || exit
gzip -dc >"$2/.imsctl-sent/sums" || exit
cut -c67- "$2/.imsctl-sent/sums" >"$2/.imsctl-sent/names" || exit
from=$(cd "$1/current" 2>/dev/null && pwd -P) || from=$1
cd "$2" || exit
# What is missing there is no mistake, and what is wrong is found below.
tr '\n' '\0' <.imsctl-sent/names | (cd "$from" && xargs -0 sh -c 'tar -cf - "$@" | (cd "$0" && tar -xof -)' "$2") 2>/dev/null
while IFS= read -r name; do
	if [ -L "$name" ] || [ -d "$name" ]; then rm -rf "$name" || exit; fi
done <.imsctl-sent/names
sha256sum -c .imsctl-sent/sums 2>/dev/null | sed -n -e '/: OK$/d' -e 's/^/F /p'
find . -path ./.imsctl-sent -prune -o -type f -perm -100 -print | sed 's/^/X /'`

// endScript unpacks what was missing into the folder $1 of a release, and proves that all of it is as it should be.
const endScript = `set -u
export LC_ALL=C
cd "$1" || exit
tar -xzof - || exit
[ ! -s .imsctl-sent/sums ] || sha256sum -c .imsctl-sent/sums >.imsctl-sent/checked 2>&1 || { grep -v ': OK$' .imsctl-sent/checked >&2; exit 1; }
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
	there := &sender{host: d.Host(), working: working, commit: release.Commit, wanted: wanted, shared: d.Target().Shared}
	return there.fill(ctx, d.Target().Path, folder)
}

// sender brings a tree to a host.
type sender struct {
	host    providers.Host
	working archiver
	commit  string
	wanted  tree
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
	return nil
}

// begin has the host use what it has, and returns the paths that must be sent.
func (s *sender) begin(ctx context.Context, project, folder string) (map[string]bool, error) {
	var sums, answer bytes.Buffer
	packed, _ := gzip.NewWriterLevel(&sums, gzip.BestSpeed) // the level is a valid one
	if err := s.wanted.writeSums(packed); err != nil {
		return nil, err
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	err := s.host.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", beginScript, "begin", project, folder}, Stdin: &sums, Stdout: &answer})
	if err != nil {
		return nil, err
	}
	return s.missing(answer.String())
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
