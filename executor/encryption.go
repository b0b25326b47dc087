package executor

import (
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// recipientsOf are those that a backup is to be encrypted for; none when it is not to be encrypted.
func recipientsOf(declared *spec.Backup) []string {
	if declared.Encryption == nil {
		return nil
	}
	return declared.Encryption.Recipients()
}

// encryptionOf is how the artifacts of a backup are described; nil when they are not encrypted.
func encryptionOf(declared *spec.Backup) *state.Encryption {
	if declared.Encryption == nil {
		return nil
	}
	return &state.Encryption{Format: declared.Encryption.Format(), Recipients: declared.Encryption.Recipients()}
}

// sealedFor adds to a summary for how many people the artifact was encrypted.
func (t *taking) sealedFor() string {
	if t.declared.Encryption == nil {
		return ""
	}
	return ", encrypted to " + units.Counted(len(t.declared.Encryption.Recipients()), "recipient", "recipients")
}

// ageFormat is the only format of encryption there is.
const ageFormat = "age"

// IdentityError says that an encrypted artifact cannot be read with the identities at hand.
type IdentityError struct {
	// Recipients are the public keys that it was encrypted for.
	Recipients []string
	// Given is set when there were identities, and none of them is a recipient's.
	Given bool
}

// Error implements error.
func (e *IdentityError) Error() string {
	text := "no identity was given"
	if e.Given {
		text = "none of the identities that were given is that of a recipient"
	}
	return fmt.Sprintf("the artifact is encrypted, and %s. Give a recipient's with -identity FILE, IMS_AGE_IDENTITY or IMS_AGE_IDENTITY_FILE. The recipients are:\n\n  %s",
		text, strings.Join(e.Recipients, "\n  "))
}

// Unwrap makes it a providers.ErrNoIdentity.
func (e *IdentityError) Unwrap() error { return providers.ErrNoIdentity }

// checkIdentity refuses an artifact that these identities cannot read. Nothing is connected to for it.
func checkIdentity(artifact *state.Artifact, decryption providers.Decryption) error {
	encryption := artifact.Encryption
	switch {
	case encryption == nil:
		return nil
	case encryption.Format != ageFormat:
		return fmt.Errorf("artifact %s is encrypted with %q, which this imsctl does not know", artifact.ID, encryption.Format)
	case decryption == nil:
		return &IdentityError{Recipients: encryption.Recipients}
	case !decryption.Fits(encryption.Recipients):
		return &IdentityError{Recipients: encryption.Recipients, Given: true}
	}
	return nil
}

// proven says what reading a copy back has proven.
func (r *run) proven(artifact *state.Artifact) string {
	switch {
	case artifact.Encryption == nil:
		return " read back, equal"
	case r.Decryption == nil:
		return " read back, stored bytes equal (encrypted; not decrypted without an identity)"
	}
	return " read back, decrypted, equal"
}
