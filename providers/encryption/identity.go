package encryption

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/castrolanda/imsctl/providers"
)

// MaxIdentities is how long a file of identities may be, in bytes.
const MaxIdentities = 1 << 20

// Source is a text with identities: what "age-keygen" writes, the same encrypted with a passphrase, or an SSH private key.
type Source struct {
	// Name is what messages call it: a file, a variable of the environment.
	Name    string
	Content []byte
}

// Ask asks a person for the passphrase of a source by its name.
type Ask func(name string) ([]byte, error)

// Open reads the identities of all sources. Where one is protected by a passphrase, ask is called once; it may be nil when
// nobody can be asked, which is an error then. No error has anything of a source's content in it.
func Open(sources []Source, ask Ask) (providers.Decryption, error) {
	var all identities
	for _, source := range sources {
		if err := all.read(source, ask); err != nil {
			return nil, fmt.Errorf("%s: %w", source.Name, err)
		}
	}
	if len(all.list) == 0 {
		return nil, errors.New("there are no identities")
	}
	return &all, nil
}

// identities is a providers.Decryption.
type identities struct {
	list []age.Identity
	// ids are the public keys that belong to them.
	ids []string
}

// Fits implements providers.Decryption.
func (i *identities) Fits(recipients []string) bool {
	return slices.ContainsFunc(recipients, func(text string) bool { return slices.Contains(i.ids, idOf(text)) })
}

// NewReader implements providers.Decryption.
func (i *identities) NewReader(r io.Reader) (io.Reader, error) { return decrypt(r, i.list...) }

func (i *identities) add(identity age.Identity, id string) {
	i.list, i.ids = append(i.list, identity), append(i.ids, id)
}

// read adds the identities of a source, whatever its form.
func (i *identities) read(source Source, ask Ask) error {
	content := bytes.TrimSpace(source.Content)
	switch {
	case len(source.Content) > MaxIdentities:
		return fmt.Errorf("it is longer than %d bytes: that is no file of identities", MaxIdentities)
	case len(content) == 0:
		return errors.New("it is empty")
	case bytes.HasPrefix(content, []byte(armor.Header)):
		return i.readProtected(armor.NewReader(bytes.NewReader(content)), source.Name, ask)
	case bytes.HasPrefix(source.Content, []byte("age-encryption.org/")):
		return i.readProtected(bytes.NewReader(source.Content), source.Name, ask)
	case bytes.HasPrefix(content, []byte("-----BEGIN")):
		return i.readSSH(append(bytes.Clone(content), '\n'), source.Name, ask)
	}
	return i.readLines(string(content))
}

// readLines adds what "age-keygen" wrote.
func (i *identities) readLines(content string) error {
	number, before := 0, len(i.list)
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		// What is wrong with a key says something about it: only the line is named.
		switch {
		case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
			identity, err := age.ParseHybridIdentity(line)
			if err != nil {
				return fmt.Errorf("line %d is not a whole identity: a character is wrong or missing", number)
			}
			i.add(identity, identity.Recipient().String())
		case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
			identity, err := age.ParseX25519Identity(line)
			if err != nil {
				return fmt.Errorf("line %d is not a whole identity: a character is wrong or missing", number)
			}
			i.add(identity, identity.Recipient().String())
		case strings.HasPrefix(line, "AGE-PLUGIN-"):
			return fmt.Errorf("line %d is the identity of a plugin, which imsctl does not run: decrypt with the age program", number)
		case strings.HasPrefix(line, "age1"), isSSH(line):
			return fmt.Errorf("line %d is a recipient, a public key: the identity that belongs to it is wanted, the private one", number)
		default:
			return fmt.Errorf("line %d is no identity: give what \"age-keygen\" wrote, or an SSH private key", number)
		}
	}
	if len(i.list) == before {
		return errors.New("it has no identity in it, only comments")
	}
	return nil
}

// errPassphrase is the error of a passphrase that opens nothing.
var errPassphrase = errors.New("the passphrase is not right")

// passphrase asks for one.
func passphrase(name string, ask Ask) ([]byte, error) {
	if ask == nil {
		return nil, errors.New("it is protected by a passphrase, and there is no terminal to ask for it on: " +
			"run this on one, or give an identity without a passphrase in IMS_AGE_IDENTITY")
	}
	return ask(name)
}

// readProtected adds the identities of an age file that is encrypted with a passphrase.
func (i *identities) readProtected(r io.Reader, name string, ask Ask) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return errors.New("it is a damaged age file")
	}
	secret, err := passphrase(name, ask)
	if err != nil {
		return err
	}
	identity, err := age.NewScryptIdentity(string(secret))
	if err != nil {
		return errPassphrase
	}
	plain, err := age.Decrypt(bytes.NewReader(content), identity)
	if err != nil {
		if mismatch := new(age.NoIdentityMatchError); errors.As(err, &mismatch) && !slices.Contains(mismatch.StanzaTypes, "scrypt") {
			return errors.New("it is an age file for recipients, not one with a passphrase: decrypt it first")
		}
		return errPassphrase
	}
	lines, err := io.ReadAll(io.LimitReader(plain, MaxIdentities))
	if err != nil {
		return errors.New("it is a damaged age file")
	}
	return i.readLines(string(lines))
}

// readSSH adds an SSH private key.
func (i *identities) readSSH(content []byte, name string, ask Ask) error {
	key, err := ssh.ParseRawPrivateKey(content)
	if missing := new(ssh.PassphraseMissingError); errors.As(err, &missing) {
		secret, askErr := passphrase(name, ask)
		if askErr != nil {
			return askErr
		}
		if key, err = ssh.ParseRawPrivateKeyWithPassphrase(content, secret); errors.Is(err, x509.IncorrectPasswordError) {
			return errPassphrase
		}
	}
	if err != nil {
		return errors.New("it is not an SSH private key that can be read: a part is missing, or the form is not known")
	}
	identity, public, err := sshIdentity(key)
	if err != nil {
		return err
	}
	i.add(identity, sshID(public))
	return nil
}

// sshIdentity makes an identity of a private key, which comes as a value or as a pointer, after its form.
func sshIdentity(key any) (age.Identity, ssh.PublicKey, error) {
	if pointer, ok := key.(*ed25519.PrivateKey); ok {
		key = *pointer
	}
	var identity age.Identity
	var public ssh.PublicKey
	var err, publicErr error
	switch key := key.(type) {
	case ed25519.PrivateKey:
		identity, err = agessh.NewEd25519Identity(key)
		public, publicErr = ssh.NewPublicKey(key.Public())
	case *rsa.PrivateKey:
		identity, err = agessh.NewRSAIdentity(key)
		public, publicErr = ssh.NewPublicKey(key.Public())
	default:
		return nil, nil, errors.New("it is an SSH key of a type that age does not use: ssh-ed25519 and ssh-rsa are")
	}
	if err != nil || publicErr != nil {
		return nil, nil, errors.New("it is an SSH key that age cannot use")
	}
	return identity, public, nil
}
