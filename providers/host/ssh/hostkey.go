package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Errors of machines that are not who they should be. None of them goes away by trying again.
var (
	// errUnknownKey: no known_hosts file has a key of the machine.
	errUnknownKey = errors.New("its key is not known")
	// errChangedKey: the machine has another key than the one that is known.
	errChangedKey = errors.New("its key is not the one that is known")
)

// verifier holds the key that a machine shows against the known_hosts files.
type verifier struct {
	endpoint
	check ssh.HostKeyCallback
	// known are the plain keys of the machine, authorities the keys that may vouch for its own.
	known, authorities []knownhosts.KnownKey
	// refusal is why the key was not accepted.
	refusal error
}

// newVerifier reads the known_hosts files of a machine.
func newVerifier(e endpoint) (*verifier, error) {
	v := &verifier{endpoint: e}
	var files []string
	for _, name := range e.knownHosts {
		if _, err := os.Stat(name); err == nil {
			files = append(files, name)
		}
	}
	check, err := knownhosts.New(files...)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of known machines: %w", err)
	}
	v.check = check
	// No machine has this key, so that the answer is all of those that are known.
	var all *knownhosts.KeyError
	if err := check(v.name(), noAddress{}, noKey{}); errors.As(err, &all) {
		for _, key := range all.Want {
			if isAuthority(key) {
				v.authorities = append(v.authorities, key)
			} else {
				v.known = append(v.known, key)
			}
		}
	}
	return v, nil
}

// name is what the machine is called in known_hosts, as knownhosts wants it.
func (v *verifier) name() string {
	if v.knownAs != "" {
		return net.JoinHostPort(v.knownAs, "22")
	}
	return v.address()
}

// isAuthority reports whether the line of a known key begins with @cert-authority.
func isAuthority(key knownhosts.KnownKey) bool {
	text, err := os.ReadFile(key.Filename)
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return key.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[key.Line-1]), "@cert-authority")
}

// algorithms are the kinds of key that the machine is asked for: those that are known of it, for it may have others too.
// Nil asks for whatever it prefers.
func (v *verifier) algorithms() []string {
	var list []string
	if len(v.authorities) > 0 {
		list = append(list, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
			ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
	}
	for _, key := range v.known {
		kinds := []string{key.Key.Type()}
		if key.Key.Type() == ssh.KeyAlgoRSA {
			kinds = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		for _, kind := range kinds {
			if !slices.Contains(list, kind) {
				list = append(list, kind)
			}
		}
	}
	return list
}

// verify is the ssh.HostKeyCallback. It accepts nothing that is not known.
func (v *verifier) verify(_ string, _ net.Addr, key ssh.PublicKey) error {
	err := v.check(v.name(), noAddress{}, key)
	var mismatch *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &revoked):
		err = fmt.Errorf("its key %s was revoked by line %d of %s: do not use this machine before you know why",
			describe(key), revoked.Revoked.Line, revoked.Revoked.Filename)
	case errors.As(err, &mismatch) && len(v.known) == 0:
		err = v.unknown(key)
	case errors.As(err, &mismatch):
		err = v.changed(key)
	default:
		err = fmt.Errorf("its key %s is not accepted: %w", describe(key), err)
	}
	v.refusal = err
	return err
}

// unknown says how to make a key known.
func (v *verifier) unknown(key ssh.PublicKey) error {
	return fmt.Errorf("%w: it shows %s. Compare this with what \"ssh-keygen -lf %s\" prints on the machine itself, and when it is equal add this line to %s: %s",
		errUnknownKey, describe(key), keyFile(key), v.knownHosts[0], knownhosts.Line([]string{v.name()}, key))
}

// changed says which key there should be and what to do when the machine was given another one.
func (v *verifier) changed(key ssh.PublicKey) error {
	known := v.known[0]
	for _, other := range v.known {
		if other.Key.Type() == key.Type() {
			known = other
		}
	}
	return fmt.Errorf("%w: it shows %s, but line %d of %s has %s. Somebody may be listening in between. "+
		"Only if you know that it was given a new key, remove the old one with: ssh-keygen -f %s -R '%s'; then add the line: %s",
		errChangedKey, describe(key), known.Line, known.Filename, describe(known.Key),
		known.Filename, knownhosts.Normalize(v.name()), knownhosts.Line([]string{v.name()}, key))
}

// disagreement explains that the machine has no key of the kinds that are known of it.
func (v *verifier) disagreement(err *ssh.AlgorithmNegotiationError) error {
	if !strings.Contains(err.What, "host key") || len(v.known) == 0 {
		return err
	}
	return fmt.Errorf("%w: it has no %s, the kind of key that line %d of %s has. Only if you know that it was given new keys, remove the old ones with: ssh-keygen -f %s -R '%s'",
		errChangedKey, v.known[0].Key.Type(), v.known[0].Line, v.known[0].Filename, v.known[0].Filename, knownhosts.Normalize(v.name()))
}

// describe is a key for people: its kind and its fingerprint, as ssh-keygen -l prints it.
func describe(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// keyFile is where a machine usually has a key of its own.
func keyFile(key ssh.PublicKey) string {
	kind := "ed25519"
	switch key.Type() {
	case ssh.KeyAlgoRSA:
		kind = "rsa"
	case ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		kind = "ecdsa"
	}
	return "/etc/ssh/ssh_host_" + kind + "_key.pub"
}

// noAddress stands for the address of a machine that is looked up by its name alone.
type noAddress struct{}

// Network implements net.Addr.
func (noAddress) Network() string { return "tcp" }

// String implements net.Addr.
func (noAddress) String() string { return "0.0.0.0:" + strconv.Itoa(1) }

// noKey is a key that no machine has.
type noKey struct{}

// Type implements ssh.PublicKey.
func (noKey) Type() string { return "none" }

// Marshal implements ssh.PublicKey.
func (noKey) Marshal() []byte { return []byte("none") }

// Verify implements ssh.PublicKey.
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("this is no key") }
