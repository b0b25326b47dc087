package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/encryption"
)

// The variables of the environment that hold identities, and the name of a file with some.
const (
	identityVariable     = "IMS_AGE_IDENTITY"
	identityFileVariable = "IMS_AGE_IDENTITY_FILE"
)

// identityFlags name the private keys that encrypted artifacts are read with.
type identityFlags struct{ files []string }

func (i *identityFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&i.files, "identity", nil,
		"decrypt with the identities of a `file`: age's, or an SSH private key; may be repeated")
}

// decryption reads the identities of the flags and of the environment, and asks for their passphrases where that is needed.
// It is nil where there are none, and where nothing that they are needed for is done.
func (c *cli) decryption(given identityFlags, needed, input bool) (providers.Decryption, error) {
	var sources []encryption.Source
	files := given.files
	if name, _ := c.getenv(identityFileVariable); name != "" {
		files = append(files[:len(files):len(files)], name)
	}
	for _, name := range files {
		content, err := readIdentity(name)
		if err != nil {
			return nil, fmt.Errorf("reading the identity: %w", err)
		}
		sources = append(sources, encryption.Source{Name: name, Content: content})
	}
	if content, _ := c.getenv(identityVariable); content != "" {
		sources = append(sources, encryption.Source{Name: identityVariable, Content: []byte(content)})
	}
	if len(sources) == 0 || !needed {
		return nil, nil
	}
	return encryption.Open(sources, c.passphraseAsker(input))
}

// readIdentity reads a file, but no more of it than shows that it is too long.
func readIdentity(name string) (content []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	content, err = io.ReadAll(io.LimitReader(file, encryption.MaxIdentities+1))
	if closing := file.Close(); err == nil {
		err = closing
	}
	return content, err
}

// passphraseAsker asks a person for a passphrase, without showing it. It is nil where nobody can be asked.
func (c *cli) passphraseAsker(input bool) encryption.Ask {
	file := c.terminalInput(input)
	if file == nil {
		return nil
	}
	return func(name string) ([]byte, error) {
		fmt.Fprintf(c.stderr, "Passphrase of %s: ", name)
		answer, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(c.stderr)
		if err != nil {
			return nil, fmt.Errorf("reading the passphrase: %w", err)
		}
		return answer, nil
	}
}

// readsBack reports whether a plan reads copies whose content an identity may be needed for.
func readsBack(plan *planner.Plan) bool {
	return slices.ContainsFunc(plan.Actions, func(action planner.Action) bool {
		switch action := action.(type) {
		case *planner.Verify:
			return !action.Checksum
		case *planner.Adopt, *planner.Drill:
			return true
		}
		return false
	})
}
