package executor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/executor"
)

// publicKey is somebody's.
const publicKey = "age1rvwypkup526kpgpsm8x74hjmfmtvxs33v9m64929yt79syd40uhq9exmz2"

// encrypt makes the workbench's backup one that is encrypted.
func (b *workbench) encrypt() {
	b.t.Helper()
	encryption, problems := b.registry.Encryption([]string{publicKey})
	if len(problems) > 0 {
		b.t.Fatal(problems)
	}
	b.spec.Backups[0].Encryption = encryption
}

func TestEncryptedBackup(t *testing.T) {
	b := newWorkbench(t)
	b.encrypt()
	planned := b.plannedBackup()
	planned.Recipients = []string{publicKey}
	report := b.run(planned)
	if report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	if summary := report.Entries[0].Summary; !strings.Contains(summary, "encrypted to 1 recipient") {
		t.Error(summary)
	}
	artifact := b.session.Document().Artifacts[0]
	if artifact.Encryption == nil || artifact.Encryption.Format != "age" || artifact.Encryption.Recipients[0] != publicKey ||
		!strings.HasSuffix(artifact.Key, ".bin.gz.age") || artifact.Extension != ".bin.gz.age" {
		t.Errorf("%+v", artifact)
	}
	stored, err := os.ReadFile(filepath.Join(b.folder, "place", artifact.Key))
	if err != nil || !bytes.HasPrefix(stored, []byte("age-encryption.org/v1\n")) {
		t.Errorf("%q, %v", stored[:min(30, len(stored))], err)
	}
}

// A plan that showed other recipients, or none, is not carried out: nothing is taken in clear that was to be encrypted.
func TestBackupForOthersThanPlanned(t *testing.T) {
	for name, planned := range map[string][]string{"none": nil, "others": {"age1someone"}, "more": {publicKey, "age1someone"}} {
		b := newWorkbench(t)
		b.encrypt()
		action := b.plannedBackup()
		action.Recipients = planned
		report := b.run(action)
		if report.Count(executor.Failed) != 1 || !strings.Contains(report.Entries[0].Err.Error(), "make a new plan") {
			t.Errorf("%s: %v", name, report.Entries[0].Err)
		}
		if entries, err := os.ReadDir(filepath.Join(b.folder, "place")); err == nil && len(entries) > 0 {
			t.Errorf("%s: something was stored", name)
		}
	}
}
