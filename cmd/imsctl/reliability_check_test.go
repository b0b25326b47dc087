package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// patience is how long what was told to end may take to do so.
const patience = 30 * time.Second

// eventually waits until a description of what is left is empty.
func (s *site) eventually(what string, left func() string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		found := left()
		if found == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("after %s there is still %s: %s", patience, what, found)
			return
		}
	}
}

// copies are the ids of the artifacts that restore, by destination.
type copies map[string][]string

// check holds what is there against what is promised, and returns what restores. The faults must be over.
func (s *site) check(before copies) copies {
	s.t.Helper()
	document, err := s.backend().Read(s.t.Context())
	if err != nil {
		s.t.Fatalf("the state cannot be read: %v", err)
	}
	loaded, world, registry := s.open("calm.hcl")
	now := make(copies)
	for _, address := range loaded.Backups[0].To {
		now[address] = s.restoreAll(address, world.Destinations[address], registry)
		if address != s.lost && len(before[address]) > 0 && len(now[address]) == 0 {
			s.t.Errorf("%s had %q and has no copy any more that restores", address, before[address])
		}
		s.reported(address, world.Destinations[address], document)
	}
	for _, artifact := range document.Artifacts {
		for _, replica := range artifact.Replicas {
			if replica.Destination != s.lost && !(replica.Destination == atDisk && s.damaged[artifact.Key]) && replica.Condition == state.Verified && !slices.Contains(now[replica.Destination], artifact.ID) && !isOpen(document, artifact.Key, replica.Destination) {
				s.t.Errorf("%s is recorded as verified at %s, where it does not restore", artifact.ID, replica.Destination)
			}
		}
	}
	s.nothingRuns()
	return now
}

// restoreAll restores every artifact that has a manifest at a destination.
func (s *site) restoreAll(address string, destination providers.Destination, registry *providers.Registry) (ids []string) {
	s.t.Helper()
	err := destination.List(s.t.Context(), "data/", func(object providers.Object) error {
		if !strings.HasSuffix(object.Key, state.ManifestSuffix) {
			return nil
		}
		id, err := s.restore(destination, registry, object.Key)
		if err != nil && address == atDisk && s.damaged[strings.TrimSuffix(object.Key, state.ManifestSuffix)] {
			return nil
		}
		if err != nil {
			s.t.Errorf("%s has a manifest at %s and does not restore: %v", object.Key, address, err)
		}
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		s.t.Errorf("%s: %v", address, err)
	}
	return ids
}

// restore reads one artifact as anybody could, with nothing but its manifest, and compares it with what the source gave.
func (s *site) restore(destination providers.Destination, registry *providers.Registry, manifestKey string) (string, error) {
	data, err := providers.ReadObject(s.t.Context(), destination, manifestKey, state.MaxManifestSize)
	if err != nil {
		return "", err
	}
	manifest, err := state.DecodeManifest(data)
	if err != nil {
		return "", err
	}
	reader, err := destination.Open(s.t.Context(), manifest.Key)
	if err != nil {
		return manifest.ID, err
	}
	defer reader.Close()
	codec, err := registry.Codec(manifest.Method, manifest.Level)
	if err != nil {
		return manifest.ID, err
	}
	decoded, err := codec.NewReader(reader)
	if err != nil {
		return manifest.ID, err
	}
	raw, err := io.ReadAll(decoded)
	if err != nil {
		return manifest.ID, err
	}
	sum := sha256.Sum256(raw)
	switch hash := hex.EncodeToString(sum[:]); {
	case hash != manifest.Raw.SHA256:
		return manifest.ID, errors.New("it is not what the manifest describes")
	case s.database == "" && !s.given[hash]:
		return manifest.ID, errors.New("it is nothing that the source ever was")
	case s.database != "" && !bytes.Contains(raw[max(0, len(raw)-1024):], []byte("-- PostgreSQL database dump complete")):
		return manifest.ID, errors.New("it is not a whole dump")
	}
	return manifest.ID, nil
}

// isOpen reports whether an unfinished action on a key at a destination is recorded.
func isOpen(document *state.Document, key, address string) bool {
	return slices.ContainsFunc(document.Intents, func(intent *state.Intent) bool {
		return intent.Key == key && slices.Contains(intent.Destinations, address)
	})
}

// isRecorded reports whether a copy under a key is recorded at a destination, so that the next plan compares it with what is there.
func isRecorded(document *state.Document, key, address string) bool {
	return slices.ContainsFunc(document.Artifacts, func(artifact *state.Artifact) bool {
		_, known := artifact.Replica(address)
		return known && artifact.Key == key
	})
}

// reported checks that whatever is unfinished at a destination is recorded, so that the next plan shows it.
func (s *site) reported(address string, destination providers.Destination, document *state.Document) {
	s.t.Helper()
	sealed, bytes := make(map[string]bool), []string{}
	err := destination.List(s.t.Context(), "data/", func(object providers.Object) error {
		if key, isManifest := strings.CutSuffix(object.Key, state.ManifestSuffix); isManifest {
			sealed[key] = true
		} else {
			bytes = append(bytes, object.Key)
		}
		return nil
	})
	if err != nil {
		s.t.Errorf("%s: %v", address, err)
	}
	remnants, err := destination.Remnants(s.t.Context(), "data/")
	if err != nil {
		s.t.Errorf("%s: %v", address, err)
	}
	for _, remnant := range remnants {
		bytes = append(bytes, strings.TrimSuffix(remnant.Key, state.ManifestSuffix))
	}
	for _, key := range bytes {
		if !sealed[key] && !isOpen(document, key, address) && !isRecorded(document, key, address) {
			s.t.Errorf("%s lies unfinished at %s, and nothing tells of it", key, address)
		}
	}
}

// ours are the functions whose goroutines must have ended.
var ours = regexp.MustCompile(`github\.com/castrolanda/imsctl/(executor|planner|providers|state|spec|internal/clock)`)

// nothingRuns checks that nothing goes on: no goroutine, process, temporary file, or session of the database.
func (s *site) nothingRuns() {
	s.t.Helper()
	s.eventually("a goroutine", func() string {
		stacks := make([]byte, 4<<20)
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if ours.MatchString(stack) && !strings.Contains(stack, "cmd/imsctl.(*site).nothingRuns") {
				return stack
			}
		}
		return ""
	})
	s.eventually("a process", s.processes)
	if entries, err := os.ReadDir(filepath.Join(s.folder, "tmp")); err != nil || len(entries) > 0 {
		s.t.Errorf("left behind: temporary files %v, %v", entries, err)
	}
	if s.database == "" {
		return
	}
	s.eventually("a session of the database", s.sessions)
}

// processes are the command lines of what this site has started and still runs.
func (s *site) processes() string {
	var found []string
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environment, []byte("IMSCTL_SITE="+s.folder+"\x00")) || filepath.Base(filepath.Dir(path)) == fmt.Sprint(os.Getpid()) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
	}
	return strings.Join(found, "; ")
}

// sessions are those that imsctl has with the database's server.
func (s *site) sessions() string {
	return s.query(`select coalesce(string_agg(application_name || ': ' || query, '; '), '') from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
}

// terminateSessions ends those sessions, as an administrator can.
func (s *site) terminateSessions() {
	s.query(`select count(pg_terminate_backend(pid))::text from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
}

// forbid lets imsctl connect as somebody who may not read.
func (s *site) forbid() {
	s.query(`create role reader login password 'secret'; select ''`)
	address, err := url.Parse(s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	address.User = url.UserPassword("reader", "secret")
	s.t.Setenv("DATABASE_URL", address.String())
}

// query asks the database something, as its administrator. What goes wrong is an answer too.
func (s *site) query(sql string) (answer string) {
	connection, err := pgx.Connect(s.t.Context(), s.database)
	if err != nil {
		return err.Error()
	}
	defer connection.Close(context.WithoutCancel(s.t.Context()))
	results, err := connection.PgConn().Exec(s.t.Context(), sql).ReadAll()
	if err != nil {
		return err.Error()
	}
	for _, row := range results[len(results)-1].Rows {
		answer = string(row[0])
	}
	return answer
}

// restoreDatabase restores the newest dump into a database of its own and compares the two.
func (s *site) restoreDatabase() {
	s.t.Helper()
	address, err := url.Parse(s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	address.Path += "_restored"
	if said, err := exec.Command("imsctl", "restore", "-to-postgres", address.String(), "latest", filepath.Join(s.folder, "calm.hcl")).CombinedOutput(); err != nil {
		s.t.Fatalf("restoring: %v\n%s", err, said)
	}
	want, err := testenv.Fingerprint(s.t.Context(), s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := testenv.Fingerprint(s.t.Context(), address.String())
	if err != nil {
		s.t.Fatal(err)
	}
	if difference := cmp.Diff(want, got); difference != "" {
		s.t.Errorf("the restored database differs: %s", difference)
	}
}

// awaitManifests waits until so many manifests are at each of some destinations.
func (s *site) awaitManifests(count int, addresses ...string) {
	_, world, _ := s.open("calm.hcl")
	for _, address := range addresses {
		s.eventually("too few manifests at "+address, func() string {
			found := 0
			err := world.Destinations[address].List(s.t.Context(), "data/", func(object providers.Object) error {
				if strings.HasSuffix(object.Key, state.ManifestSuffix) {
					found++
				}
				return nil
			})
			if err != nil || found < count {
				return fmt.Sprint(found, err)
			}
			return ""
		})
	}
}

// kinds are what a plan does, without deletions and what is only told: "backup", "replicate", each once, in order.
func kinds(plan *planner.Plan) []string {
	var found []string
	for _, action := range plan.Actions {
		switch kind := string(action.Kind()); action.Kind() {
		case planner.KindPrune, planner.KindBlocked:
		default:
			if !slices.Contains(found, kind) {
				found = append(found, kind)
			}
		}
	}
	slices.Sort(found)
	return found
}

// mend applies until there is nothing left to do. What comes of the first plan is known: it is applied with its file.
func (s *site) mend(file string) {
	s.t.Helper()
	s.lost = ""
	s.healthy(file)
	for range 3 {
		plan := s.plan("calm.hcl")
		if !plan.HasChanges() {
			document, err := s.backend().Read(s.t.Context())
			if err != nil || len(document.Intents) > 0 {
				s.t.Errorf("unfinished although there are no changes: %+v, %v", document.Intents, err)
			}
			return
		}
		s.healthy("calm.hcl")
	}
	for _, action := range s.plan("calm.hcl").Actions {
		s.t.Errorf("three applies later there is still to %s: %s: %s", action.Kind(), action.Common().Address, action.Common().Reason)
	}
}
