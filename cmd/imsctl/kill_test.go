package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
)

// killSpec is always due, has three sources, one of them longer than what a compression is chosen by, two destinations and a retention that deletes something in every run. The
// second file declares the same with a schedule that is not due for a day.
const killSpec = `
source "files" "tree" {
  path = "tree"
}
source "command" "numbers" {
  command   = ["sh", "-c", "seq 1 60000; sleep 0.02; seq 1 60000"]
  extension = ".txt"
}
source "command" "picture" {
  command   = ["sh", "-c", "printf '\\211PNG\\r\\n\\032\\n'; seq 1 200000"]
  extension = ".png"
}
retention "few" {
  keep_last   = 2
}
destination "local" "one" {
  path      = "one"
  retention = retention.few
}
destination "local" "two" {
  path      = "two"
  retention = retention.few
}
backup "tree" {
  source     = source.files.tree
  to         = [destination.local.one, destination.local.two]
  min_copies = 2
  every      = "EVERY"
}
backup "numbers" {
  source      = source.command.numbers
  to          = [destination.local.one, destination.local.two]
  compression = compression.fast
  min_copies  = 2
  every       = "EVERY"
}
backup "picture" {
  source      = source.command.picture
  to          = [destination.local.one, destination.local.two]
  compression = compression.auto
  min_copies  = 2
  every       = "EVERY"
}
`

// kills is how often the test kills an apply.
const kills = 200

// TestKillAtRandomMoments kills an apply at random moments and holds what is left against what the program had said: no
// finished step is forgotten, no unfinished one counts, everything recorded restores, and the next apply mends the rest.
func TestKillAtRandomMoments(t *testing.T) {
	count := kills
	if testing.Short() {
		count = 20
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))

	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "tree", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		name := filepath.Join(folder, "tree", "sub", fmt.Sprintf("file%d", i))
		if err := os.WriteFile(name, bytes.Repeat([]byte{byte(i)}, 20_000), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	due := filepath.Join(folder, "due.hcl")
	calm := filepath.Join(folder, "calm.hcl")
	writeSpec(t, due, "1ms")
	writeSpec(t, calm, "24h")

	window := fullApply(t, due)
	fullApply(t, due)
	for i := range count {
		began := time.Now().UTC().Truncate(time.Millisecond)
		acknowledged := killedApply(t, due, time.Duration(random.Int64N(int64(window)+1)))
		document := readState(t, folder)
		for _, address := range acknowledged {
			if !hasArtifactSince(document, address, began) {
				t.Fatalf("kill %d: %s was reported as done and is not in the state", i, address)
			}
		}
		checkRecorded(t, folder, document)
		if i%10 == 9 {
			fullApply(t, due)
			checkRecorded(t, folder, readState(t, folder))
			if output, err := exec.Command("imsctl", "plan", "-detailed-exitcode", calm).CombinedOutput(); err != nil {
				t.Fatalf("kill %d: after a full apply the plan is not empty: %v\n%s", i, err, output)
			}
			checkNothingElse(t, folder, readState(t, folder))
		}
	}
}

func writeSpec(t *testing.T, path, every string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(killSpec, "EVERY", every)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fullApply applies until the end and returns how long that took. An interrupted past may need a second round: what the
// first one finds damaged or adopts, the second one completes.
func fullApply(t *testing.T, path string) time.Duration {
	t.Helper()
	began := time.Now()
	output, err := exec.Command("imsctl", "apply", "-auto-approve", path).CombinedOutput()
	if err != nil {
		t.Fatalf("apply: %v\n%s", err, output)
	}
	return time.Since(began)
}

// killedApply kills an apply after a while and returns the backups that it had reported as done by then.
func killedApply(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	command := exec.Command("imsctl", "apply", "-auto-approve", "-json", path)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	var done []string
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line struct {
			Type    string `json:"type"`
			Kind    string `json:"kind"`
			Address string `json:"address"`
		}
		if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Type == "apply_complete" && line.Kind == "backup" {
			done = append(done, line.Address)
		}
	}
	if err := command.Wait(); err != nil && command.ProcessState.ExitCode() > 0 {
		t.Fatalf("apply after an earlier kill: %v\n%s", err, stderr.Bytes())
	}
	return done
}

func readState(t *testing.T, folder string) *state.Document {
	t.Helper()
	backend := local.New(filepath.Join(folder, ".imsctl", "state.json"), clock.System{}, "test")
	document, err := backend.Read(context.Background())
	if err != nil {
		t.Fatalf("reading the state: %v", err)
	}
	return document
}

func hasArtifactSince(document *state.Document, backup string, began time.Time) bool {
	for _, artifact := range document.ByBackup()[backup] {
		if !artifact.StartedAt.Before(began) && len(artifact.VerifiedAt()) == 2 {
			return true
		}
	}
	return false
}

// checkRecorded proves every copy that the state calls verified, unless an open intent is just deleting it.
func checkRecorded(t *testing.T, folder string, document *state.Document) {
	t.Helper()
	deleting := make(map[string]bool)
	for _, intent := range document.Intents {
		if intent.Kind == "prune" {
			deleting[intent.Artifact] = true
		}
	}
	perBackup := make(map[string]int)
	for _, artifact := range document.Artifacts {
		for _, replica := range artifact.Replicas {
			if replica.Condition != state.Verified || deleting[artifact.ID] {
				continue
			}
			perBackup[artifact.Backup]++
			at := filepath.Join(folder, strings.TrimPrefix(replica.Destination, "destination.local."))
			if sum := fileSHA256(t, filepath.Join(at, artifact.Key)); sum != artifact.Stored.SHA256 {
				t.Fatalf("%s at %s has SHA-256 %s, recorded is %s", artifact.ID, replica.Destination, sum, artifact.Stored.SHA256)
			}
			if sum := fileSHA256(t, filepath.Join(at, state.ManifestKey(artifact.Key))); sum != artifact.ManifestSHA256 {
				t.Fatalf("manifest of %s at %s was altered", artifact.ID, replica.Destination)
			}
		}
	}
	for _, backup := range []string{"backup.tree", "backup.numbers"} {
		if perBackup[backup] == 0 {
			t.Fatalf("%s has no verified copy left", backup)
		}
	}
}

// checkNothingElse proves that the destinations hold what the state records and nothing more.
func checkNothingElse(t *testing.T, folder string, document *state.Document) {
	t.Helper()
	expected := make(map[string]bool)
	for _, artifact := range document.Artifacts {
		for _, replica := range artifact.Replicas {
			at := filepath.Join(folder, strings.TrimPrefix(replica.Destination, "destination.local."))
			expected[filepath.Join(at, artifact.Key)] = true
			expected[filepath.Join(at, state.ManifestKey(artifact.Key))] = true
		}
	}
	for _, name := range []string{"one", "two"} {
		err := filepath.WalkDir(filepath.Join(folder, name), func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !expected[path] {
				t.Errorf("left behind: %s", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(document.Intents) > 0 {
		t.Errorf("open intents after a full apply: %+v", document.Intents[0])
	}
}

func fileSHA256(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
