package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identities are the keys that a machine is offered, and what is wrong with those that it is not.
type identities struct {
	signers  []ssh.Signer
	problems []error
	agent    net.Conn
}

// close ends the conversation with the agent.
func (i *identities) close() {
	if i.agent != nil {
		i.agent.Close() // nothing was written that could be lost
	}
}

// problem notes why a key is not offered.
func (i *identities) problem(format string, arguments ...any) {
	i.problems = append(i.problems, fmt.Errorf(format, arguments...))
}

// findIdentities collects the keys for a machine: first those that the agent has of the files, then the files, then what
// else the agent has. The caller closes them once the machine has let it in.
func findIdentities(e endpoint) (*identities, error) {
	found := &identities{}
	held := found.ask(e)
	used := make([]bool, len(held))
	for _, name := range e.identities {
		public, signer, err := readKey(name)
		if errors.Is(err, fs.ErrNotExist) && !e.chosen {
			continue
		}
		var locked *ssh.PassphraseMissingError
		if err != nil && (!errors.As(err, &locked) || public == nil) {
			found.problem("%w", err)
			continue
		}
		at := holder(held, public)
		switch {
		case at >= 0:
			used[at] = true
			found.signers = append(found.signers, held[at])
		case signer != nil:
			found.signers = append(found.signers, signer)
		default:
			found.problem("%s has a passphrase, and the agent does not hold it: run ssh-add %s", name, name)
		}
	}
	for at, signer := range held {
		if !used[at] && !e.only {
			found.signers = append(found.signers, signer)
		}
	}
	if len(found.signers) == 0 {
		found.close()
		if len(found.problems) == 0 {
			whose := "there is no agent (SSH_AUTH_SOCK)"
			if e.agent != "" {
				whose = "the agent holds none"
			}
			found.problem("%s, and none of %s is there", whose, strings.Join(e.identities, ", "))
		}
		return nil, fmt.Errorf("no key can be offered: %w", errors.Join(found.problems...))
	}
	return found, nil
}

// ask asks the agent for the keys that it holds.
func (i *identities) ask(e endpoint) []ssh.Signer {
	if e.agent == "" {
		return nil
	}
	connection, err := net.Dial("unix", e.agent)
	if err != nil {
		i.problem("the agent does not answer: %w", err)
		return nil
	}
	i.agent = connection
	held, err := agent.NewClient(connection).Signers()
	if err != nil {
		i.problem("the agent %s does not say what it holds: %w", e.agent, err)
	}
	return held
}

// holder returns the number of the signer for a key, -1 when there is none.
func holder(signers []ssh.Signer, key ssh.PublicKey) int {
	for at, signer := range signers {
		if key != nil && bytes.Equal(signer.PublicKey().Marshal(), key.Marshal()) {
			return at
		}
	}
	return -1
}

// readKey reads the file of a private key. Of one with a passphrase it returns the public key alone, where that is told,
// and the error is a *ssh.PassphraseMissingError.
func readKey(name string) (ssh.PublicKey, ssh.Signer, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key: %w", err)
	}
	if err := checkMode(name); err != nil {
		return nil, nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err == nil {
		return signer.PublicKey(), signer, nil
	}
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return nil, nil, fmt.Errorf("%s is not the file of a private key that can be read: %w", name, err)
	}
	public := locked.PublicKey
	if public == nil {
		// The old form of these files does not tell; its companion does.
		if line, err := os.ReadFile(name + ".pub"); err == nil {
			public, _, _, _, _ = ssh.ParseAuthorizedKey(line)
		}
	}
	if public == nil {
		return nil, nil, fmt.Errorf("%s has a passphrase: let the agent hold it (ssh-add %s) and have %s.pub beside it, or leave it out", name, name, name)
	}
	return public, nil, err
}

// checkMode refuses the key of this user that others can read, as ssh does.
func checkMode(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("looking at the key: %w", err)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if known && int(owner.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others can read the key %s, whose mode is %04o: run chmod 600 %s", name, info.Mode().Perm(), name)
	}
	return nil
}
