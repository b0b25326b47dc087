package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/retry"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	statelocal "github.com/castrolanda/imsctl/state/local"
)

// The destinations of a site.
const (
	atDisk   = "destination.local.disk"
	atGCS    = "destination.gcs.bucket"
	atAzure  = "destination.azblob.container"
	atStrict = "destination.gcs.strict"
)

// clouds are the servers that the sites of a test share, each behind a proxy.
type clouds struct {
	azurite            testenv.AzuriteServer
	gcs, azure, strict *testenv.Proxy
	// store is what is behind strict.
	store *bucket.GCS
}

const sharedBucket = "reliability"

func startClouds(t *testing.T) *clouds {
	t.Helper()
	endpoint := testenv.GCS(t)
	if err := testenv.MakeBucket(t.Context(), endpoint, sharedBucket); err != nil {
		t.Fatal(err)
	}
	azurite := testenv.Azurite(t)
	credential, err := container.NewSharedKeyCredential(azurite.Account, azurite.Key)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := container.NewClientWithSharedKeyCredential(azurite.Endpoint+"/"+sharedBucket, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	strict := bucket.ServeGCS(t, bucket.New(clock.System{}), sharedBucket)
	return &clouds{azurite, testenv.NewProxy(t, endpoint), testenv.NewProxy(t, azurite.Endpoint), testenv.NewProxy(t, strict.URL), strict}
}

// proxy is what stands in front of a destination; nil for the disk.
func (c *clouds) proxy(address string) *testenv.Proxy {
	return map[string]*testenv.Proxy{atGCS: c.gcs, atAzure: c.azure, atStrict: c.strict}[address]
}

func (c *clouds) heal() {
	for _, proxy := range []*testenv.Proxy{c.gcs, c.azure, c.strict} {
		proxy.Heal()
	}
}

// site is a specification with its state, its source and its destinations, in which things can be made to go wrong.
type site struct {
	t      *testing.T
	clouds *clouds
	folder string
	// prefix is that of the clouds.
	prefix string
	files  *faultyFiles
	// codec and session wrap what the executor works with, nil for nothing.
	codec   func(providers.Codec) providers.Codec
	session func(state.Session) state.Session
	clock   clock.Clock
	// stallLimit is the executor's, 0 for the usual one.
	stallLimit time.Duration
	// given are the hashes of everything that the source has ever given completely.
	given map[string]bool
	// newest is the hash of what it gives now.
	newest   string
	versions int
	// lost is a destination whose copy a test took away.
	lost string
	// damaged are the keys of copies at the disk that a test damaged. One that is not repaired is the last of its artifact: it is
	// kept, and told.
	damaged  map[string]bool
	database string
}

// siteSpec has the placeholders that newSite replaces. A file with a schedule that is always due and one that is not for a day
// are the same otherwise.
const siteSpec = `
compression "plain" {
  method = "none"
}
compression "zstd" {
  method = "zstd"
}
compression "bzip2" {
  method = "bzip2"
}
retention "newest" {
  keep_last = 1
}
destination "local" "disk" {
  path      = "disk"
  retention = retention.newest
}
destination "gcs" "bucket" {
  bucket    = "reliability"
  prefix    = "PREFIX"
  endpoint  = "GCS"
  retention = retention.newest
}
destination "gcs" "strict" {
  bucket    = "reliability"
  prefix    = "PREFIX"
  endpoint  = "STRICT"
  retention = retention.newest
}
destination "azblob" "container" {
  account     = "ACCOUNT"
  account_key = "KEY"
  container   = "reliability"
  prefix      = "PREFIX"
  endpoint    = "AZURE"
  retention   = retention.newest
}
SOURCE
backup "data" {
  source      = SOURCEADDRESS
  to          = [TO]
  compression = compression.METHOD
  every       = "EVERY"
}
`

const scriptSource = `
source "command" "script" {
  command    = ["sh", "source.sh"]
  extension  = ".txt"
  end_marker = "the end"
}
`

const databaseSource = `
source "postgres" "database" {
  url = env("DATABASE_URL")
}
`

// newSite makes a site whose backups go to some destinations. With a database's URL that is the source, else a script.
func newSite(t *testing.T, c *clouds, method, database string, to ...string) *site {
	t.Helper()
	s := &site{t: t, clouds: c, folder: t.TempDir(), clock: clock.System{}, given: make(map[string]bool), damaged: make(map[string]bool), database: database}
	s.files, s.prefix = &faultyFiles{}, filepath.Base(filepath.Dir(s.folder))+" ção"
	source, address := scriptSource, "source.command.script"
	if database != "" {
		source, address = databaseSource, "source.postgres.database"
	}
	replaced := strings.NewReplacer("SOURCEADDRESS", address, "SOURCE", source, "PREFIX", s.prefix,
		"GCS", c.gcs.URL, "STRICT", c.strict.URL, "AZURE", c.azure.URL+"/"+c.azurite.Account, "ACCOUNT", c.azurite.Account, "KEY", c.azurite.Key,
		"METHOD", method, "TO", strings.Join(to, ", ")).Replace(siteSpec)
	for name, every := range map[string]string{"due.hcl": "1ms", "calm.hcl": "24h"} {
		s.write(name, strings.ReplaceAll(replaced, "EVERY", every))
	}
	for _, folder := range []string{"tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(s.folder, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// What imsctl starts inherits both: they tell its processes and its temporary files from those of others.
	t.Setenv("TMPDIR", filepath.Join(s.folder, "tmp"))
	t.Setenv("IMSCTL_SITE", s.folder)
	t.Setenv("DATABASE_URL", database)
	s.writeScripts()
	s.change(20_000)
	return s
}

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// change gives the source something else to write, of about a size in bytes.
func (s *site) change(size int) {
	s.versions++
	var content bytes.Buffer
	for line := 0; content.Len() < size; line++ {
		fmt.Fprintf(&content, "%d %x\n", s.versions, sha256.Sum256([]byte(fmt.Sprint(s.versions, line))))
	}
	content.WriteString("the end\n")
	s.write("data", content.String())
	sum := sha256.Sum256(content.Bytes())
	s.newest = hex.EncodeToString(sum[:])
	s.given[s.newest] = true
}

// data is what the source gives now.
func (s *site) data() string {
	content, err := os.ReadFile(filepath.Join(s.folder, "data"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(content)
}

// open makes everything that a specification declares, with repetitions that do not wait, and with what is to go wrong.
func (s *site) open(file string) (*spec.Spec, *planner.World, *providers.Registry) {
	s.t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		s.t.Fatal(err)
	}
	loaded, diagnostics := spec.Load(filepath.Join(s.folder, file), spec.Options{Registry: registry, Profiles: profiles(), Version: "0.1.0", Getenv: os.LookupEnv})
	if diagnostics.HasErrors() {
		s.t.Fatal(diagnostics.List)
	}
	hosts := builtin.Hosts()
	environment := providers.Environment{Clock: s.clock, Directory: loaded.Directory, Hosts: func(reference providers.Reference) (providers.Host, error) {
		host, err := hosts(reference)
		return faultyHost{host, s.files, filepath.Join(s.folder, "bin")}, err
	}}
	world, err := planner.Open(loaded, environment)
	if err != nil {
		s.t.Fatal(err)
	}
	policy := retry.Default(clock.System{})
	policy.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, declared := range loaded.Destinations {
		destination, err := declared.Config.Destination(environment)
		if err != nil {
			s.t.Fatal(err)
		}
		world.Destinations[declared.Address] = retry.Destination(destination, declared.Address, policy)
	}
	if s.codec != nil {
		for _, backup := range loaded.Backups {
			backup.Codec = s.codec(backup.Codec)
		}
	}
	return loaded, world, registry
}

func (s *site) backend() state.Backend {
	return statelocal.New(filepath.Join(s.folder, ".imsctl", "state.json"), s.clock, "test")
}

// plan is what would be done.
func (s *site) plan(file string) *planner.Plan {
	s.t.Helper()
	loaded, world, _ := s.open(file)
	document, err := s.backend().Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.compare(s.t.Context(), loaded, world, document)
}

func (s *site) compare(ctx context.Context, loaded *spec.Spec, world *planner.World, document *state.Document) *planner.Plan {
	s.t.Helper()
	observed, err := planner.Observe(ctx, loaded, document, world, s.clock, planner.ObserveOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return planner.Diff(loaded, document, observed, s.clock.Now())
}

// apply plans and does it. The error is for what makes the whole impossible.
func (s *site) apply(ctx context.Context, file string) (report *executor.Report, err error) {
	s.t.Helper()
	loaded, world, registry := s.open(file)
	session, err := s.backend().Lock(ctx, state.LockInfo{ID: "test"}, 0)
	if err != nil {
		return nil, err
	}
	if s.session != nil {
		session = s.session(session)
	}
	plan := s.compare(ctx, loaded, world, session.Document())
	runner := &executor.Executor{Spec: loaded, World: world, Registry: registry, Session: session, Clock: s.clock, Version: "test", StallLimit: s.stallLimit}
	report, err = runner.Run(ctx, plan)
	if closeErr := session.Close(); err == nil {
		err = closeErr
	}
	return report, err
}

// healthy applies, and expects that all of it succeeds.
func (s *site) healthy(file string) {
	s.t.Helper()
	report, err := s.apply(s.t.Context(), file)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, entry := range report.Entries {
		if entry.Status != executor.Done {
			s.t.Errorf("%s without any fault: %s: %v", entry.Action.Common().Address, entry.Status, entry.Err)
		}
	}
}

// heal ends all faults.
func (s *site) heal() {
	s.clouds.heal()
	s.files.set(fileFaults{})
	s.codec, s.session, s.clock, s.stallLimit = nil, nil, clock.System{}, 0
	s.write("mode", "good")
	s.t.Setenv("DATABASE_URL", s.database)
}

// child is a process of imsctl that applies, and is to be killed.
func (s *site) child(file string) *exec.Cmd {
	command := exec.Command("imsctl", "apply", "-auto-approve", filepath.Join(s.folder, file))
	command.Env = append(os.Environ(), "PATH="+filepath.Join(s.folder, "bin")+":"+os.Getenv("PATH"))
	command.Stdout, command.Stderr = io.Discard, io.Discard
	return command
}
