package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// cloudSpecification keeps encrypted copies in a bucket of an endpoint and in a folder.
const cloudSpecification = `
source "command" "notes" {
  command   = ["cat", "notes.txt"]
  extension = ".txt"
}
destination "gcs" "cloud" {
  bucket   = "copies"
  prefix   = "ims"
  endpoint = %q
}
destination "local" "disk" {
  path = "disk"
}
backup "notes" {
  source     = source.command.notes
  to         = [destination.gcs.cloud, destination.local.disk]
  every      = "24h"
  encrypt_to = ["age1rvwypkup526kpgpsm8x74hjmfmtvxs33v9m64929yt79syd40uhq9exmz2"]
}
`

// testIdentity belongs to the recipient. It is used by tests only.
const testIdentity = "AGE-SECRET-KEY-18NZZGCN8ZATKHYT3X97RXNKXX8TJRT7DAP4YJFTDPYPJ8QFEGUSQU73DF6"

// TestRebuildFromCloud loses the state of encrypted copies in a cloud and on a disk. The cloud's checksum proves the one
// without reading it; the other is proven by reading it back, and both without an identity.
func TestRebuildFromCloud(t *testing.T) {
	endpoint := testenv.GCS(t)
	if err := testenv.MakeBucket(t.Context(), endpoint, "copies"); err != nil {
		t.Fatal(err)
	}
	w := newWorkFolder(t, map[string]string{"main.hcl": fmt.Sprintf(cloudSpecification, endpoint), "notes.txt": "a note\n", "key.txt": testIdentity + "\n"})
	said := func(output []byte, wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if !strings.Contains(strings.Join(strings.Fields(string(output)), " "), want) {
				t.Fatalf("it does not say %q:\n%s", want, output)
			}
		}
	}
	said(w.run(exitDone, "apply", "-auto-approve"), "2 copies, encrypted to 1 recipient")
	if err := os.RemoveAll(filepath.Join(w.folder, ".imsctl")); err != nil {
		t.Fatal(err)
	}
	said(w.run(exitDone, "state", "rebuild", "-auto-approve"),
		"destination.gcs.cloud proven by the store's checksum", "destination.local.disk whole by its size, not read back yet")
	w.run(exitDone, "restore", "-identity", "key.txt", "-from", "destination.gcs.cloud", "-to-file", "restored", "backup.notes")
	if got := string(w.read("restored")); got != "a note\n" {
		t.Errorf("%q was restored", got)
	}
	said(w.run(exitChanges, "plan", "-detailed-exitcode"), "Plan: 1 to verify.")
	said(w.run(exitDone, "apply", "-auto-approve"), "stored bytes equal")
	said(w.run(exitDone, "plan", "-detailed-exitcode"), "No changes.")
	said(w.run(exitDone, "verify", "-identity", "key.txt"), "read back, decrypted, equal")
}

// TestRecoveryCommands runs what docs/recovery.md says first, where the state is lost. Questions are answered beforehand.
func TestRecoveryCommands(t *testing.T) {
	w := newWorkFolder(t, map[string]string{
		"main.hcl": strings.ReplaceAll(exitSpecification, `backup "notes"`, `backup "database"`), "notes.txt": "one\n",
	})
	w.run(exitDone, "apply", "-auto-approve")
	if err := os.RemoveAll(filepath.Join(w.folder, ".imsctl")); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(readText(t, filepath.Join(repository, "docs", "recovery.md")), "```sh\n")
	text, _, _ = strings.Cut(text, "```")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 4 {
		t.Fatalf("the commands are not what they were:\n%s", text)
	}
	for _, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		arguments := strings.Fields(line)[1:]
		if line = strings.TrimSpace(line); strings.HasSuffix(line, "rebuild") || strings.HasSuffix(line, "apply") {
			arguments = append(arguments, "-auto-approve")
		}
		w.run(exitDone, arguments...)
	}
	if got := string(w.read("db.sql")); got != "one\n" {
		t.Errorf("%q was restored", got)
	}
	w.run(exitDone, "plan", "-detailed-exitcode")
}
