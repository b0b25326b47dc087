package spec_test

import (
	"testing"

	"github.com/castrolanda/imsctl/spec"
)

func TestMembers(t *testing.T) {
	for _, block := range []string{"backup.all", `backup.all["eu"]`, `backup.all["a\"b/c"]`} {
		for _, name := range []string{"ims", "With Upper", `quote"s]`, "a/b", "çãé"} {
			address := spec.MemberAddress(block, name)
			if got, ok := spec.MemberOf(address, block); !ok || got != name {
				t.Errorf("%s of %s is %q, %t", address, block, got, ok)
			}
			if got, ok := spec.MemberIn(block, spec.BackupName(address)); !ok || got != address {
				t.Errorf("%s has the name %s, which is that of %s, %t", address, spec.BackupName(address), got, ok)
			}
			if _, ok := spec.MemberOf(address, "backup.other"); ok {
				t.Errorf("%s is one of backup.other", address)
			}
		}
	}
	if _, ok := spec.MemberOf("backup.all", "backup.all"); ok {
		t.Error("a block is a member of itself")
	}
	for _, name := range []string{"all", "other.ims", "all.%", "all.%4", "all.%zz", "all.IMS", "all.%61"} {
		if got, ok := spec.MemberIn("backup.all", name); ok {
			t.Errorf("%s is that of %s", name, got)
		}
	}
	if a, b := spec.BackupName(`backup.all["ims"]`), spec.BackupName(`backup.all["IMS"]`); a != "all.ims" || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}
