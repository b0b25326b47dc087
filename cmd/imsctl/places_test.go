package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
)

// placesSpecification has a backup at a bucket that keeps a week, and in a folder.
const placesSpecification = `
variable "endpoint" {
  type = string
}
variable "bucket" {
  type    = string
  default = "ims-bucket"
}
variable "keep" {
  type    = string
  default = "7d"
}
source "command" "notes" {
  command   = ["cat", "notes.txt"]
  extension = ".txt"
}
retention "cloud" {
  keep_within = var.keep
}
destination "gcs" "cloud" {
  bucket    = var.bucket
  prefix    = "ims"
  endpoint  = var.endpoint
  retention = retention.cloud
}
destination "local" "disk" {
  path = "disk"
}
backup "notes" {
  source = source.command.notes
  to     = [destination.local.disk, destination.gcs.cloud]
  every  = "24h"
}
`

// places is a folder with that specification, a bucket whose server is as strict as the cloud, and the time that both have.
type places struct {
	*workFolder
	cloud *bucket.GCS
	// clock is the store's; ours is away from it by skew.
	clock *clock.Manual
	skew  time.Duration
}

func newPlaces(t *testing.T, specification string) *places {
	p := &places{clock: clock.NewManual(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))}
	p.cloud = bucket.ServeGCS(t, bucket.New(p.clock), "ims-bucket")
	p.workFolder = newWorkFolder(t, map[string]string{"main.hcl": specification, "notes.txt": "something\n"})
	return p
}

// do runs imsctl at the time that it is, and returns what it printed, in one line.
func (p *places) do(code int, arguments ...string) string {
	p.t.Helper()
	p.environment = []string{"IMSCTL_TEST_NOW=" + p.clock.Now().Add(p.skew).Format(time.RFC3339), "IMS_VAR_endpoint=" + p.cloud.URL}
	return strings.Join(strings.Fields(string(p.run(code, arguments...))), " ")
}

// says holds an output against texts, those that begin with "!" must not be in it.
func (p *places) says(output string, texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		unwanted, not := strings.CutPrefix(text, "!")
		if not && strings.Contains(output, unwanted) || !not && !strings.Contains(output, text) {
			p.t.Errorf("want %q in:\n%s", text, output)
		}
	}
}

// objects are the names of the bucket's objects that are no manifests.
func (p *places) objects() []string {
	return slices.DeleteFunc(p.cloud.Names(), func(name string) bool { return strings.HasSuffix(name, ".manifest.json") })
}

func TestKeptByPolicyIsNoError(t *testing.T) {
	p := newPlaces(t, placesSpecification)
	p.do(exitDone, "apply", "-auto-approve")
	first := p.objects()[0]
	p.cloud.Change(first, func(o *bucket.Object) { o.TemporaryHold = true })
	p.clock.Advance(8 * 24 * time.Hour)

	// The plan shows it, the apply records it, and it is neither an error nor done again.
	p.says(p.do(exitDone, "plan"), "# backup.notes@destination.gcs.cloud#notes-20261101T120000Z", "but kept by policy: a temporary hold", "1 kept by policy.")
	p.says(p.do(exitDone, "plan", "-format=markdown"), "kept by policy: a temporary hold")
	p.says(p.do(exitDone, "plan", "-json"), `"kind":"keep"`, `"kept_by":"a temporary hold"`, `"keep":1`)
	p.says(p.do(exitDone, "apply", "-auto-approve"), "/kept: kept by policy: a temporary hold", "Apply complete")
	p.says(p.do(exitDone, "plan", "-detailed-exitcode"), "1 copy of backup.notes at destination.gcs.cloud that retention would delete is kept by policy: a temporary hold", "No changes.")
	p.says(p.do(exitDone, "plan", "-json"), `"code":"kept_by_policy"`, `"artifacts":["notes-20261101T120000Z`)
	p.says(p.do(exitDone, "status"), "1 kept by policy")
	p.says(p.do(exitDone, "status", "-json"), `"kept_by_policy": 1`)
	p.do(exitDone, "verify")

	// Once it is released it goes.
	p.cloud.Change(first, func(o *bucket.Object) { o.TemporaryHold = false })
	p.says(p.do(exitChanges, "plan", "-detailed-exitcode"), "- backup.notes@destination.gcs.cloud#notes-20261101T120000Z")
	p.do(exitDone, "apply", "-auto-approve")
	if slices.Contains(p.objects(), first) {
		t.Error("it was not deleted")
	}
	p.says(p.do(exitDone, "status"), "!kept by policy")
}

func TestRulesThatContradictAreNoted(t *testing.T) {
	p := newPlaces(t, placesSpecification)
	p.do(exitDone, "apply", "-auto-approve")
	p.cloud.SetRules(map[string]any{
		"retentionPolicy":  map[string]any{"retentionPeriod": "864000", "effectiveTime": "2026-01-01T00:00:00Z"},
		"softDeletePolicy": map[string]any{"retentionDurationSeconds": "604800"},
		"lifecycle": map[string]any{"rule": []any{
			map[string]any{"action": map[string]any{"type": "Delete"}, "condition": map[string]any{"age": 3}},
		}},
	})
	p.says(p.do(exitDone, "plan", "-detailed-exitcode"), "deletes objects by a rule of its own when they are 3d old", "keeps objects for 10d by a rule of its own",
		"can give deleted copies back for 7d", "No changes.")
	p.says(p.do(exitDone, "plan", "-json"), `"code":"store_deletes","found":"3d","declared":"7d"`, `"code":"store_keeps","found":"10d","declared":"7d"`, `"code":"soft_delete","found":"7d"`)
}

func TestClockThatIsTenMinutesOff(t *testing.T) {
	for _, skew := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		p := newPlaces(t, placesSpecification)
		p.do(exitDone, "apply", "-auto-approve")
		p.clock.Advance(8 * 24 * time.Hour)
		p.skew = skew
		p.says(p.do(exitError, "plan"), "clock of destination.gcs.cloud differs by 10m: nothing is deleted", "+ backup.notes", "!- backup.notes@destination.gcs.cloud")
		p.do(exitError, "apply", "-auto-approve")
		if objects := p.objects(); len(objects) != 2 {
			t.Errorf("in the bucket are %q", objects)
		}
		// With the right time it goes: it is too old by both clocks.
		p.skew = 0
		p.clock.Advance(time.Hour)
		p.says(p.do(exitDone, "plan"), "- backup.notes@destination.gcs.cloud#notes-20261101T120000Z")
	}
}

func TestBucketThatIsMissing(t *testing.T) {
	p := newPlaces(t, placesSpecification)
	p.says(p.do(exitError, "plan", "-var=bucket=another-bucket"), "destination.gcs.cloud cannot be used", "there is no bucket another-bucket: correct the name, or create it", "+ backup.notes")
	p.says(p.do(exitDegraded, "apply", "-auto-approve", "-var=bucket=another-bucket"), "Apply degraded")
	p.says(p.do(exitUntrue, "status", "-var=bucket=another-bucket"), "1 missing")
	p.says(p.do(exitChanges, "plan", "-detailed-exitcode"), "missing on destination.gcs.cloud; copied from destination.local.disk")
	p.do(exitDone, "apply", "-auto-approve")
	p.do(exitDone, "status")
}

// TestSomethingElseUnderOurKey: nothing is overwritten, and the plan says what to do.
func TestSomethingElseUnderOurKey(t *testing.T) {
	p := newPlaces(t, strings.Replace(placesSpecification, "[destination.local.disk, destination.gcs.cloud]", "[destination.local.disk]", 1))
	p.do(exitDone, "apply", "-auto-approve")
	key := "ims/notes/" + filepath.Base(p.find("disk/notes/*.txt.gz"))
	if _, err := p.cloud.Put(key, []byte("somebody else's"), nil, bucket.Conditions{}); err != nil {
		t.Fatal(err)
	}
	p.write("main.hcl", placesSpecification)
	p.says(p.do(exitError, "plan"), "missing on destination.gcs.cloud, where an object without a manifest lies under its key: nothing is overwritten; remove it there")
	p.do(exitDegraded, "apply", "-auto-approve")
	if object, err := p.cloud.Get(key); err != nil || string(object.Data) != "somebody else's" {
		t.Errorf("%q, %v", object.Data, err)
	}
	if _, err := p.cloud.Put(key+".manifest.json", []byte("{}"), nil, bucket.Conditions{}); err != nil {
		t.Fatal(err)
	}
	p.says(p.do(exitError, "plan"), "where something else lies under its key: nothing is overwritten; remove it there")
}

// TestChecksumThatDiffersIsSeenWithoutReading: what the store says is enough.
func TestChecksumThatDiffersIsSeenWithoutReading(t *testing.T) {
	p := newPlaces(t, placesSpecification)
	p.do(exitDone, "apply", "-auto-approve")
	p.says(p.do(exitDone, "status", "-json"), `"compared_at": "2026-11-01T12:00:00Z"`)
	p.clock.Advance(time.Hour)
	p.says(p.do(exitDone, "verify", "-checksums"), "the store's checksum is equal", "the store keeps no checksum: size and manifest equal")
	p.says(p.do(exitDone, "status", "-json"), `"compared_at": "2026-11-01T13:00:00Z"`)
	p.cloud.Change(p.objects()[0], func(o *bucket.Object) {
		o.Data = bytes.Clone(o.Data)
		o.Data[0] ^= 1
		o.CRC32C = crc32.Checksum(o.Data, crc32.MakeTable(crc32.Castagnoli))
	})
	p.says(p.do(exitChanges, "plan", "-detailed-exitcode"), "~ backup.notes@destination.gcs.cloud", "the store's checksum is", "copied again from destination.local.disk")
	p.do(exitError, "verify", "-checksums")
	p.do(exitUntrue, "status")
	p.do(exitDone, "apply", "-auto-approve")
	p.do(exitDone, "verify")
}

// TestStrangersInTheSameFolder works beside 10,000 files of others on disk, and 1,000 objects in the bucket.
func TestStrangersInTheSameFolder(t *testing.T) {
	p := newPlaces(t, placesSpecification)
	names := func(i int) string {
		return []string{"notes/notes-%05d.txt.gz", "notes/%05d", "notes/%05d.manifest.json", "other/%05d", "%05d"}[i%5]
	}
	strangers := make(map[string]string)
	for i := range 10_000 {
		strangers[fmt.Sprintf("disk/"+names(i), i)] = fmt.Sprint("content ", i)
	}
	for name, content := range strangers {
		p.write(name, content)
	}
	for i := range 1000 {
		if _, err := p.cloud.Put(fmt.Sprintf("ims/"+names(i), i), []byte("x"), nil, bucket.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	foreign := p.cloud.Names()
	p.do(exitDone, "apply", "-auto-approve")
	p.clock.Advance(8 * 24 * time.Hour)
	p.do(exitDone, "apply", "-auto-approve")
	p.says(p.do(exitDone, "plan", "-detailed-exitcode"), "No changes.", "4000 objects without a manifest at destination.local.disk", "2000 manifests at destination.local.disk that cannot be read: not touched")
	var list struct{ Artifacts []struct{ ID string } }
	if err := json.Unmarshal(p.run(exitDone, "list", "-json"), &list); err != nil || len(list.Artifacts) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	p.says(p.do(exitDone, "status", "-json"), `"copies": 2`, `"copies": 1`)
	for name, content := range strangers {
		if data, err := os.ReadFile(filepath.Join(p.folder, name)); err != nil || string(data) != content {
			t.Fatalf("%s: %q, %v", name, data, err)
		}
	}
	left := p.cloud.Names()
	for _, name := range foreign {
		if _, found := slices.BinarySearch(left, name); !found {
			t.Fatalf("%s is gone", name)
		}
	}
	if len(left) != len(foreign)+2 {
		t.Errorf("%d objects of others and %d in all", len(foreign), len(left))
	}
}

// TestFromCloudToCloud copies what a second bucket should have from the first one, without reading the source or a disk.
func TestFromCloudToCloud(t *testing.T) {
	p := newPlaces(t, strings.Replace(placesSpecification, "[destination.local.disk, destination.gcs.cloud]", "[destination.gcs.cloud]", 1))
	other := bucket.ServeGCS(t, bucket.New(p.clock), "other-bucket")
	for range 3 {
		p.do(exitDone, "apply", "-auto-approve")
		p.clock.Advance(25 * time.Hour)
	}
	p.clock.Advance(-2 * time.Hour)
	p.write("main.hcl", strings.NewReplacer("[destination.local.disk, destination.gcs.cloud]", "[destination.gcs.cloud, destination.gcs.other]\n  backfill = \"all\"").
		Replace(placesSpecification)+fmt.Sprintf("destination \"gcs\" \"other\" {\n  bucket = \"other-bucket\"\n  prefix = \"ims\"\n  endpoint = %q\n}\n", other.URL))
	if err := os.Remove(filepath.Join(p.folder, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	p.says(p.do(exitChanges, "plan", "-detailed-exitcode"), "Plan: 3 to replicate.", "copied from destination.gcs.cloud, no new backup")
	p.says(p.do(exitDone, "apply", "-auto-approve"), "Apply complete: 3 done")
	if !slices.Equal(p.cloud.Names(), other.Names()) || len(other.Names()) != 6 {
		t.Errorf("%q and %q", p.cloud.Names(), other.Names())
	}
	p.do(exitDone, "plan", "-detailed-exitcode")
	p.do(exitDone, "verify")
}
