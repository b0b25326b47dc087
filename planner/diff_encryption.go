package planner

import (
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/units"
)

// recipients are those that the backup is to be encrypted for; none when it is not to be encrypted.
func (s *survey) recipients() []string {
	if s.backup.Encryption == nil {
		return nil
	}
	return s.backup.Encryption.Recipients()
}

// noteEncryption tells of artifacts that are encrypted otherwise than the specification asks for: nothing is done about
// them, but whoever changed it should know who can read them.
func (t *task) noteEncryption() {
	wanted := slices.Sorted(slices.Values(t.recipients()))
	clear, others, unasked := 0, 0, 0
	for _, held := range t.holdings {
		encryption := held.artifact.Encryption
		switch {
		case !held.live():
		case encryption == nil && len(wanted) > 0:
			clear++
		case encryption != nil && len(wanted) == 0:
			unasked++
		case encryption != nil && !slices.Equal(slices.Sorted(slices.Values(encryption.Recipients)), wanted):
			others++
		}
	}
	for _, kind := range []struct {
		count int
		what  string
	}{
		{clear, "not encrypted, as encrypt_to asks for by now: they stay as they are until retention removes them"},
		{others, "encrypted to other recipients than encrypt_to lists by now: those can read them until retention removes them"},
		{unasked, "encrypted, and encrypt_to lists nobody any more: their identities are still needed to restore them"},
	} {
		if kind.count > 0 {
			t.note(t.backup.Address, fmt.Sprintf("%s of %s %s %s",
				units.Counted(kind.count, "artifact", "artifacts"), t.backup.Address, isOrAre(kind.count), kind.what))
		}
	}
}

// encryptedTo says for how many people a backup is encrypted; empty when it is not.
func (b *Backup) encryptedTo() string {
	if len(b.Recipients) == 0 {
		return ""
	}
	return "encrypted to " + units.Counted(len(b.Recipients), "recipient", "recipients")
}
