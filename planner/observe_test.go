package planner

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/destination/local"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// environment is the world as the commands give it to Open.
func environment(t testing.TB) providers.Environment {
	return providers.Environment{
		Hosts:     func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil },
		Clock:     clock.NewManual(sceneNow),
		Directory: t.TempDir(),
	}
}

// store puts an object into a real destination.
func store(t testing.TB, destination providers.Destination, key string, data []byte) {
	t.Helper()
	upload, err := destination.Create(t.Context(), key, providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upload.Write(data); err != nil {
		t.Fatal(err)
	}
	sums := providers.Checksums{
		Size: int64(len(data)), SHA256: sha256.Sum256(data), MD5: md5.Sum(data),
		CRC32C: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)),
	}
	if _, err := upload.Commit(t.Context(), sums); err != nil {
		t.Fatal(err)
	}
}

// sealed returns an artifact and the bytes of its manifest.
func sealed(t testing.TB, s *scene, age time.Duration, data []byte, lineage string) (*state.Artifact, []byte) {
	t.Helper()
	artifact := s.make(age)
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	artifact.Raw = state.Sums{Size: int64(len(data)), SHA256: sum}
	artifact.Stored = state.Sums{
		Size: int64(len(data)), SHA256: sum, MD5: fmt.Sprintf("%x", md5.Sum(data)),
		CRC32C: fmt.Sprintf("%08x", crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))),
	}
	artifact.Method, artifact.Extension = "gzip", ".sql.gz"
	manifest, err := state.EncodeManifest(&state.Manifest{
		FormatVersion: state.ManifestVersion, Writer: "test", Lineage: lineage, Description: artifact.Description,
	})
	if err != nil {
		t.Fatal(err)
	}
	artifact.ManifestSize, artifact.ManifestSHA256 = int64(len(manifest)), fmt.Sprintf("%x", sha256.Sum256(manifest))
	return artifact, manifest
}

func TestObserveSeesWhatLiesInAFolder(t *testing.T) {
	s := newScene(t, placeA)
	s.spec.Destinations[0].Config = &local.Config{Path: "copies"}
	world, err := Open(s.spec, environment(t))
	if err != nil {
		t.Fatal(err)
	}
	source := &fakeSource{}
	world.Sources["source.command.database"] = source
	destination := world.Destinations[placeA]

	known, knownManifest := sealed(t, s, 30*hour, []byte("known"), sceneLineage)
	store(t, destination, known.Key, []byte("known"))
	store(t, destination, state.ManifestKey(known.Key), knownManifest)
	known.Replicas = []state.Replica{{Destination: placeA, Condition: state.Verified}}
	s.document.Artifacts = []*state.Artifact{known}
	unknown, unknownManifest := sealed(t, s, 20*hour, []byte("unknown"), sceneLineage)
	store(t, destination, unknown.Key, []byte("unknown"))
	store(t, destination, state.ManifestKey(unknown.Key), unknownManifest)
	store(t, destination, "database/broken.sql.manifest.json", unknownManifest[:len(unknownManifest)/2])
	store(t, destination, "other/not-ours.sql", []byte("x"))

	observed, err := Observe(t.Context(), s.spec, s.document, world, clock.NewManual(s.now), ObserveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	view := observed.Destinations[placeA]
	if view.Err != nil || view.Free <= 0 || view.Skew != 0 {
		t.Errorf("got error %v, %d free, skew %s", view.Err, view.Free, view.Skew)
	}
	if len(view.Objects) != 5 || view.Objects[known.Key].Size != 5 || view.Objects[known.Key].Version == "" {
		t.Errorf("got objects %v", view.Objects)
	}
	if len(view.Manifests) != 2 || view.Manifests["database/broken.sql.manifest.json"].Err == nil {
		t.Errorf("got manifests %v", view.Manifests)
	}
	found := view.Manifests[state.ManifestKey(unknown.Key)]
	if found.Err != nil || found.SHA256 != unknown.ManifestSHA256 {
		t.Fatalf("got manifest %+v", found)
	}
	if difference := cmp.Diff(unknown.Description, found.Manifest.Description); difference != "" {
		t.Errorf("manifest (-want +got):\n%s", difference)
	}
	if source.inspections.Load() != 0 {
		t.Error("the source of a backup that is not due was inspected")
	}
}

func TestObserveInspectsEachDueSourceOnce(t *testing.T) {
	s := newScene(t, placeA)
	s.spec.Destinations[0].Config = &local.Config{Path: "copies"}
	s.declare("second", placeA).Source = "source.command.database"
	s.declare("third", placeA)
	world, err := Open(s.spec, environment(t))
	if err != nil {
		t.Fatal(err)
	}
	source := &fakeSource{}
	world.Sources["source.command.database"] = source
	world.Sources["source.command.third"] = &fakeSource{err: errNoRoute}
	observed, err := Observe(t.Context(), s.spec, &state.Document{}, world, clock.NewManual(s.now), ObserveOptions{Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := source.inspections.Load(); n != 1 {
		t.Errorf("inspected %d times", n)
	}
	if view := observed.Sources["source.command.third"]; view == nil || !errors.Is(view.Err, errNoRoute) {
		t.Errorf("got %+v", view)
	}
}

func TestObservePutsTheErrorOfADestinationIntoItsView(t *testing.T) {
	for name, broken := range map[string]*fakeDestination{
		"status":   {statusErr: errNoRoute},
		"list":     {listErr: errNoRoute},
		"remnants": {remnantsErr: errNoRoute},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeA, placeB)
			for i := range 20 {
				s.declare(fmt.Sprint("more", i), placeA, placeB)
			}
			world := worldOf(s, map[string]providers.Destination{placeA: broken, placeB: &fakeDestination{keys: []string{"database/x"}}})
			observed, err := Observe(t.Context(), s.spec, s.document, world, clock.NewManual(s.now), ObserveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			view := observed.Destinations[placeA]
			if !errors.Is(view.Err, errNoRoute) || len(view.Objects) != 0 {
				t.Errorf("got %+v", view)
			}
			if view := observed.Destinations[placeB]; view.Err != nil || len(view.Objects) != 1 {
				t.Errorf("the other destination: %+v", view)
			}
		})
	}
}

func TestObserveGivesUpADestinationThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, placeA, placeB)
		for i := range 50 {
			s.declare(fmt.Sprint("more", i), placeA, placeB)
		}
		slow := &fakeDestination{hangInList: true}
		world := worldOf(s, map[string]providers.Destination{placeA: slow, placeB: &fakeDestination{keys: []string{"database/x"}}})
		begun := time.Now()
		observed, err := Observe(t.Context(), s.spec, s.document, world, clock.System{}, ObserveOptions{Parallelism: 4})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != DefaultCallTimeout {
			t.Errorf("took %s, want one time limit", took)
		}
		if view := observed.Destinations[placeA]; !errors.Is(view.Err, context.DeadlineExceeded) {
			t.Errorf("got %v", view.Err)
		}
		if view := observed.Destinations[placeB]; view.Err != nil || len(view.Objects) != 1 {
			t.Errorf("the other destination: %+v", view)
		}
	})
}

func TestObserveStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, placeA)
		world := worldOf(s, map[string]providers.Destination{placeA: &fakeDestination{hangInList: true}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		observed, err := Observe(ctx, s.spec, s.document, world, clock.System{}, ObserveOptions{})
		if observed != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("got %v, %v after %s", observed, err, time.Since(begun))
		}
	})
}

func TestObserveMeasuresTheStoresClock(t *testing.T) {
	s := newScene(t, placeA)
	world := worldOf(s, map[string]providers.Destination{placeA: &fakeDestination{time: s.now.Add(-7 * time.Minute)}})
	observed, err := Observe(t.Context(), s.spec, s.document, world, clock.NewManual(s.now), ObserveOptions{})
	if err != nil || observed.Destinations[placeA].Skew != -7*time.Minute {
		t.Errorf("got %+v, %v", observed, err)
	}
}

func TestObserveLeavesOutAManifestThatVanishes(t *testing.T) {
	s := newScene(t, placeA)
	world := worldOf(s, map[string]providers.Destination{placeA: &fakeDestination{keys: []string{"database/x.manifest.json"}, openErr: providers.ErrNotExist}})
	observed, err := Observe(t.Context(), s.spec, s.document, world, clock.NewManual(s.now), ObserveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if view := observed.Destinations[placeA]; len(view.Objects) != 0 || len(view.Manifests) != 0 {
		t.Errorf("got %+v", view)
	}
}

func TestObserveReadsNoManifestWithoutEnd(t *testing.T) {
	s := newScene(t, placeA)
	endless := &fakeDestination{keys: []string{"database/x.manifest.json"}}
	observed, err := Observe(t.Context(), s.spec, s.document, worldOf(s, map[string]providers.Destination{placeA: endless}), clock.NewManual(s.now), ObserveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if view := observed.Destinations[placeA].Manifests["database/x.manifest.json"]; view.Err == nil {
		t.Error("an endless manifest was accepted")
	}
	if read := endless.read.Load(); read > state.MaxManifestSize+1<<20 {
		t.Errorf("read %d bytes", read)
	}
}

func TestOpenReportsAllMistakes(t *testing.T) {
	s := newScene(t, placeA, placeB)
	s.spec.Destinations[0].Config = &local.Config{Path: "a", Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.x"}}
	s.spec.Destinations[1].Config = &local.Config{Path: "b", Host: providers.Reference{Kind: providers.KindHost, Address: "host.ssh.y"}}
	_, err := Open(s.spec, providers.Environment{})
	if err == nil {
		t.Fatal("hosts that are not there were found")
	}
	for _, want := range []string{placeA, "host.ssh.x", placeB, "host.ssh.y"} {
		if !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestOpenFindsDeclaredHostsFirst(t *testing.T) {
	s := newScene(t, placeA)
	s.spec.Hosts = []*spec.Host{{Address: "host.local", Config: &hostlocal.Config{}}}
	s.spec.Destinations[0].Config = &local.Config{Path: "a"}
	type wrapped struct{ providers.Host }
	world, err := Open(s.spec, providers.Environment{
		Directory: t.TempDir(), Decorate: func(host providers.Host) providers.Host { return wrapped{host} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := world.Hosts["host.local"].(wrapped); !ok {
		t.Errorf("the host is a %T, not what it was wrapped in", world.Hosts["host.local"])
	}
	if world.Destinations[placeA] == nil || world.Hosts["host.local"] == nil {
		t.Errorf("got %+v", world)
	}
}

// worldOf is a world of ready-made destinations, with a source for every backup.
func worldOf(s *scene, destinations map[string]providers.Destination) *World {
	world := &World{Sources: map[string]providers.Source{}, Destinations: destinations}
	for _, backup := range s.spec.Backups {
		world.Sources[backup.Source] = &fakeSource{}
	}
	return world
}

// fakeSource can be inspected and nothing else.
type fakeSource struct {
	providers.Source
	inspections atomic.Int64
	err         error
}

func (f *fakeSource) Inspect(context.Context) (providers.Inspection, error) {
	f.inspections.Add(1)
	return providers.Inspection{}, f.err
}

// fakeDestination fails where it is told to.
type fakeDestination struct {
	providers.Destination
	keys                                     []string
	time                                     time.Time
	statusErr, listErr, remnantsErr, openErr error
	hangInList                               bool
	read                                     atomic.Int64
}

func (f *fakeDestination) Status(context.Context) (providers.Status, error) {
	return providers.Status{Free: -1, Time: f.time}, f.statusErr
}

func (f *fakeDestination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	if f.hangInList {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, key := range f.keys {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			if err := yield(providers.Object{Key: key}); err != nil {
				return err
			}
		}
	}
	return f.listErr
}

func (f *fakeDestination) Remnants(context.Context, string) ([]providers.Remnant, error) {
	return nil, f.remnantsErr
}

func (f *fakeDestination) Open(context.Context, string) (io.ReadCloser, error) {
	if f.openErr != nil {
		return nil, f.openErr
	}
	return io.NopCloser(endless{&f.read}), nil
}

// endless is a file of spaces without an end.
type endless struct{ read *atomic.Int64 }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read.Add(int64(len(p)))
	return len(p), nil
}

// implemented is a codec that says by what it writes.
type implemented struct {
	fixedCodec
	by string
}

func (i implemented) Implementation() string { return i.by }

// TestObserveAsksByWhatIsCompressed: of the profiles of due backups that can be written in more than one way.
func TestObserveAsksByWhatIsCompressed(t *testing.T) {
	s := newScene(t, placeA)
	backup := s.spec.Backups[0]
	s.spec.Destinations[0].Config = &local.Config{Path: "copies"}
	world, err := Open(s.spec, environment(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		codec providers.Codec
		want  map[string]string
	}{
		{implemented{fixedCodec{method: "xz", level: 9}, "xz 5.4.1, 2 processes"}, map[string]string{backup.Compression: "xz 5.4.1, 2 processes"}},
		{implemented{fixedCodec{method: "gzip", level: 9}, "pure Go, 2 threads"}, map[string]string{}},
		{fixedCodec{method: "xz", level: 9}, map[string]string{}},
	} {
		backup.Codec = c.codec
		observed, err := Observe(t.Context(), s.spec, s.document, world, clock.NewManual(s.now), ObserveOptions{})
		if err != nil || !maps.Equal(observed.Compressors, c.want) {
			t.Errorf("%v: %v, %v", c.codec, observed, err)
		}
	}
}
