package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Restorer reads artifacts back. Whatever it gives out as complete has been proven equal to what was backed up.
type Restorer struct {
	Spec     *spec.Spec
	World    *planner.World
	Registry *providers.Registry
	// Environment is what restoring providers may use.
	Environment providers.Environment
	// Decryption reads encrypted artifacts; nil when there are no identities.
	Decryption providers.Decryption
	// Progress may be nil.
	Progress pipeline.Progress
}

// Request names an artifact to restore.
type Request struct {
	Artifact *state.Artifact
	// From is the address of the destination to read; empty for the first that holds a verified copy and can be read.
	From string
}

// ToFile restores the uncompressed artifact to a new file. The file appears under its name only when it is complete.
func (r *Restorer) ToFile(ctx context.Context, request Request, path string) (from string, err error) {
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s exists already: name a file that does not, or remove it first", path)
	}
	return r.each(ctx, request, func(reader io.Reader) error { return writeFile(path, reader) })
}

// ToWriter restores the uncompressed artifact to a writer. Bytes that were written before damage was found cannot be
// taken back: only a nil error says that what was written is the artifact, and another copy is not tried.
func (r *Restorer) ToWriter(ctx context.Context, request Request, w io.Writer) (from string, err error) {
	sources, err := r.origins(request)
	if err != nil {
		return "", err
	}
	return sources[0], r.read(ctx, request.Artifact, sources[0], func(reader io.Reader) error {
		_, err := io.Copy(w, reader)
		return err
	})
}

// ToTarget restores the artifact with the provider of its source type: into a folder, into a database.
// The row counts of the artifact's manifest are held against what is restored.
func (r *Restorer) ToTarget(ctx context.Context, request Request, target providers.Target) (from string, restored providers.Restored, err error) {
	restorer, err := r.prepare(ctx, request, target)
	if err != nil {
		return "", providers.Restored{}, err
	}
	from, err = r.each(ctx, request, func(reader io.Reader) error {
		var err error
		restored, err = restorer.Restore(ctx, reader)
		return err
	})
	return from, restored, err
}

// Check reports what would keep ToTarget from beginning: an *providers.OccupiedError, for one, where something is in the way.
// It changes nothing.
func (r *Restorer) Check(ctx context.Context, request Request, target providers.Target) error {
	_, err := r.prepare(ctx, request, target)
	return err
}

// prepare makes what puts an artifact back, and has it look at the target.
func (r *Restorer) prepare(ctx context.Context, request Request, target providers.Target) (providers.Restorer, error) {
	provider, ok := r.Registry.Lookup(providers.KindSource, request.Artifact.SourceType)
	if !ok {
		return nil, fmt.Errorf("artifact %s was made by source type %q, which this imsctl does not have", request.Artifact.ID, request.Artifact.SourceType)
	}
	if provider.Restore == nil {
		return nil, fmt.Errorf("an artifact of source type %q can be restored to a file or to standard output only", request.Artifact.SourceType)
	}
	environment := r.Environment
	environment.Hosts = r.World.Resolver(environment.Hosts)
	target.RowCounts, target.Needs = request.Artifact.RowCounts, (*providers.Needs)(request.Artifact.Needs)
	restorer, err := provider.Restore(environment, target)
	if err != nil {
		return nil, err
	}
	if err := checkIdentity(request.Artifact, r.Decryption); err != nil {
		return nil, err
	}
	return restorer, restorer.Prepare(ctx)
}

// each tries the copies in turn until one can be restored. Only trouble with a copy leads to the next; trouble with the
// target would come back with any of them.
func (r *Restorer) each(ctx context.Context, request Request, put func(io.Reader) error) (string, error) {
	origins, err := r.origins(request)
	if err != nil {
		return "", err
	}
	var problems []error
	for _, origin := range origins {
		var reader trackingReader
		err := r.read(ctx, request.Artifact, origin, func(source io.Reader) error {
			reader.source = source
			return put(&reader)
		})
		if err == nil {
			return origin, nil
		}
		problems = append(problems, fmt.Errorf("from %s: %w", origin, err))
		opened := reader.source != nil
		if ctx.Err() != nil || opened && reader.err == nil {
			break
		}
	}
	return "", errors.Join(problems...)
}

// origins lists where to read from, best first: in the order of the backup's destinations.
func (r *Restorer) origins(request Request) ([]string, error) {
	artifact := request.Artifact
	if err := checkIdentity(artifact, r.Decryption); err != nil {
		return nil, err
	}
	if request.From != "" {
		if _, ok := artifact.Replica(request.From); !ok {
			return nil, fmt.Errorf("%s has no copy of %s", request.From, artifact.ID)
		}
		if _, ok := r.World.Destinations[request.From]; !ok {
			return nil, fmt.Errorf("%s is not in the specification", request.From)
		}
		return []string{request.From}, nil
	}
	var origins []string
	for _, address := range artifact.Restorable() {
		if _, ok := r.World.Destinations[address]; ok {
			origins = append(origins, address)
		}
	}
	if len(origins) == 0 {
		return nil, fmt.Errorf("artifact %s has no good copy at a destination of this specification", artifact.ID)
	}
	return r.preferred(artifact.Backup, origins), nil
}

// preferred puts destinations into the order in which the backup lists them.
func (r *Restorer) preferred(backup string, origins []string) []string {
	var ordered []string
	if declared := r.Spec.Backup(backup); declared != nil {
		for _, address := range declared.To {
			if i := slices.Index(origins, address); i >= 0 {
				ordered = append(ordered, address)
				origins = slices.Delete(slices.Clone(origins), i, i+1)
			}
		}
	}
	return append(ordered, origins...)
}

// read opens one copy as a proven stream and hands it over.
func (r *Restorer) read(ctx context.Context, artifact *state.Artifact, origin string, put func(io.Reader) error) (err error) {
	codec, err := r.Registry.Codec(artifact.Method, artifact.Level)
	if err != nil {
		return fmt.Errorf("artifact %s: %w", artifact.ID, err)
	}
	reader, err := pipeline.Open(ctx, pipeline.VerifyJob{
		From: pipeline.Branch{Name: origin, Destination: r.World.Destinations[origin]}, Key: artifact.Key, Codec: codec,
		Encrypted: artifact.Encryption != nil, Decryption: r.Decryption,
		Stored: artifact.Stored, Raw: artifact.Raw, Progress: r.Progress,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	return put(reader)
}

// trackingReader remembers whether reading failed, to tell trouble with the copy from trouble with the target.
type trackingReader struct {
	source io.Reader
	err    error
}

// Read implements io.Reader.
func (t *trackingReader) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// writeFile writes a new file beside its final name and renames it when all of it is there and durable.
func writeFile(path string, reader io.Reader) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	if _, err := io.Copy(file, reader); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	// Link refuses to replace a file that appeared meanwhile, which Rename would not.
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
