package dockerlogs

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// source implements providers.Continuing.
type source struct {
	host       string
	containers providers.Containers
	patterns   []string
	after      position
}

// tarBlock is the size of a block of an archive, in bytes.
const tarBlock = 512

// Format is a tar archive, which ends with two blocks of zeros.
func (*source) Format() providers.Format {
	return providers.Format{Extension: ".tar", Headers: [][]byte{[]byte("ustar")}, Trailer: make([]byte, 2*tarBlock)}
}

// After returns the source as it goes on after a reading.
func (s *source) After(text string) (providers.Source, error) {
	after, err := parsePosition(text)
	if err != nil {
		return nil, err
	}
	return &source{s.host, s.containers, s.patterns, after}, nil
}

// Inspect finds the containers. How much they have said cannot be known without reading it.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	_, err := s.find(ctx)
	return providers.Inspection{}, err
}

// find finds the containers. A name and a pattern that nothing fits are errors.
func (s *source) find(ctx context.Context) ([]providers.Container, error) {
	for _, pattern := range s.patterns {
		if !strings.ContainsAny(pattern, `*?[\`) {
			if _, err := s.containers.Container(ctx, pattern); err != nil {
				return nil, err
			}
			continue
		}
		found, err := s.containers.Find(ctx, pattern)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no container on %s has a name like %q%s", s.host, pattern, s.others(ctx))
		}
	}
	return s.containers.Find(ctx, s.patterns...)
}

// others names a few of the containers that there are.
func (s *source) others(ctx context.Context) string {
	all, err := s.containers.Find(ctx, "*")
	if err != nil || len(all) == 0 {
		return ""
	}
	const shown = 5
	var names []string
	for _, one := range all[:min(shown, len(all))] {
		names = append(names, one.Name)
	}
	if len(all) > shown {
		names = append(names, fmt.Sprintf("%d more", len(all)-shown))
	}
	return ": there is " + strings.Join(names, ", ")
}

// Read writes the archive.
func (s *source) Read(ctx context.Context, _ string, w io.Writer) (providers.Reading, error) {
	found, err := s.find(ctx)
	if err != nil {
		return providers.Reading{}, err
	}
	a := &archive{source: s, tar: tar.NewWriter(w), position: newPosition()}
	if err := a.folder("./", time.Unix(0, 0)); err != nil {
		return providers.Reading{}, err
	}
	for _, container := range found {
		if err := a.add(ctx, container); err != nil {
			return providers.Reading{}, err
		}
	}
	if err := a.tar.Close(); err != nil {
		return providers.Reading{}, fmt.Errorf("ending the archive: %w", err)
	}
	return providers.Reading{Position: a.position.String(), Warnings: a.warnings}, nil
}

// archive is one tar being written.
type archive struct {
	*source
	tar      *tar.Writer
	position position
	warnings []string
}

// folder writes the entry of a folder.
func (a *archive) folder(name string, modified time.Time) error {
	header := &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: modified.Truncate(time.Second)}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

// file writes a file.
func (a *archive) file(name string, content []byte, modified time.Time) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: modified.Truncate(time.Second)}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if _, err := a.tar.Write(content); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

// add writes what a container has said since the reading before.
func (a *archive) add(ctx context.Context, container providers.Container) error {
	folder := "./" + path.Base(container.Name) + "/"
	if err := a.folder(folder, container.Created); err != nil {
		return err
	}
	after := a.after.Containers[container.ID]
	if old, again := a.after.before(container.Name, container.ID); again {
		a.warn("%s was made again: what its predecessor said after %s is gone with it, unless it was removed before that", container.Name, said(old.last()))
	}
	stdout := a.stream(folder+"stdout", after.Stdout)
	stderr := a.stream(folder+"stderr", after.Stderr)
	err := a.containers.Logs(ctx, container.ID, after.earliest(), time.Time{}, stdout, stderr)
	if errors.Is(err, providers.ErrNoContainer) {
		a.warn("%s was removed while it was read, and its log with it", container.Name)
		return nil
	}
	if err != nil {
		return err
	}
	now := marks{Name: container.Name}
	var lostOut, lostErr bool
	if now.Stdout, lostOut, err = stdout.end(); err != nil {
		return err
	}
	if now.Stderr, lostErr, err = stderr.end(); err != nil {
		return err
	}
	a.missed(container.Name, "standard output", lostOut, stdout.after, lostErr, stderr.after)
	a.missed(container.Name, "standard error", lostErr, stderr.after, lostOut, stdout.after)
	after.Name = container.Name
	a.position.Containers[container.ID], a.position.Began[container.ID] = now, after
	return nil
}

// missed warns when the log has lost what was last read of a stream. Where what was last read of the other one is still there and
// is later, all that came before that was read, and nothing is missing.
func (a *archive) missed(container, stream string, lost bool, after mark, otherLost bool, other mark) {
	if !lost || !otherLost && other.Lines > 0 && !other.At.Before(after.At) {
		return
	}
	a.warn("the log of %s has lost what was last read of its %s, at %s: it was rotated or emptied, and there may be a gap", container, stream, said(after.At))
}

// said is a time in a sentence.
func said(at time.Time) string {
	if at.IsZero() {
		return "the last reading"
	}
	return at.Format(time.RFC3339)
}

func (a *archive) warn(format string, arguments ...any) {
	a.warnings = append(a.warnings, fmt.Sprintf(format, arguments...))
}

// stream takes the messages of a stream and writes them to files: NAME.log, NAME.2.log and so on.
func (a *archive) stream(name string, after mark) *stream {
	parts := 0
	return &stream{after: after, emit: func(part []byte, modified time.Time) error {
		parts++
		if parts == 1 {
			return a.file(name+".log", part, modified)
		}
		return a.file(fmt.Sprintf("%s.%d.log", name, parts), part, modified)
	}}
}
