package encryption

import (
	"fmt"
	"strings"
	"unicode"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// maxRecipients keeps the header of a file below what age reads, whatever the recipients are.
	maxRecipients = 500
	// maxRecipient is how long a recipient may be in bytes: an SSH key of 16384 bits fits.
	maxRecipient = 8 << 10
	// nativeLength is how many characters an age recipient has.
	nativeLength = 62
	// quoted is how many characters of a recipient a message shows.
	quoted = 12
)

// recipient is someone who can read a file.
type recipient struct {
	key age.Recipient
	// text is the public key in its usual form, with its comment; id is the same without.
	text, id string
	// stanza is the type of its entry in a header.
	stanza string
}

// add reads a list of recipients and says what is wrong with it.
func (e *encryption) add(texts []string) []providers.RecipientProblem {
	var problems []providers.RecipientProblem
	seen := make(map[string]int)
	for i, text := range texts {
		read, wrong := parseRecipient(text)
		if wrong != nil {
			wrong.Index = i
			problems = append(problems, *wrong)
			continue
		}
		if first, twice := seen[read.id]; twice {
			problems = append(problems, providers.RecipientProblem{Index: i, Summary: "Recipient listed twice",
				Detail: fmt.Sprintf("%s is element %d already; once is enough.", beginning(read.text), first+1)})
			continue
		}
		seen[read.id] = i
		e.recipients = append(e.recipients, read)
	}
	if len(texts) > maxRecipients {
		problems = append(problems, providers.RecipientProblem{Index: -1, Summary: "Too many recipients",
			Detail: fmt.Sprintf("There are %d recipients; at most %d can be listed.", len(texts), maxRecipients)})
	}
	return problems
}

// parseRecipient reads one public key.
func parseRecipient(text string) (recipient, *providers.RecipientProblem) {
	text = strings.TrimSpace(text)
	upper := strings.ToUpper(text)
	switch {
	case text == "":
		return recipient{}, &providers.RecipientProblem{Summary: "Empty recipient",
			Detail: "This is empty. Leave it out, or write a recipient: age1…, ssh-ed25519 … or ssh-rsa …."}
	case strings.Contains(upper, "AGE-SECRET-KEY-") || strings.Contains(upper, "AGE-PLUGIN-") || strings.Contains(upper, "PRIVATE KEY-----"):
		return recipient{}, &providers.RecipientProblem{Summary: "Private key as a recipient",
			Detail: "This is an identity: a private key, with which every copy can be read, and it must not be in a specification. " +
				"List its recipient, the public key, which \"age-keygen -y FILE\" or \"ssh-keygen -y -f FILE\" prints. Make a new key if others have seen this one."}
	case strings.ContainsAny(text, "\r\n"):
		return recipient{}, &providers.RecipientProblem{Summary: "Several lines in a recipient",
			Detail: `A recipient is one line. To take the lines of a file, write encrypt_to = split("\n", trimspace(file("recipients.txt"))).`}
	case len(text) > maxRecipient:
		return recipient{}, &providers.RecipientProblem{Summary: "Invalid recipient",
			Detail: fmt.Sprintf("This has %d bytes, more than any recipient.", len(text))}
	case strings.HasPrefix(text, "age1"):
		return parseNative(text)
	case isSSH(text):
		return parseSSH(text)
	}
	return recipient{}, &providers.RecipientProblem{Summary: "Invalid recipient",
		Detail: "This is no recipient. A recipient is a public key: age1…, which \"age-keygen\" makes, or an SSH key, ssh-ed25519 … or ssh-rsa …."}
}

// parseNative reads an age recipient.
func parseNative(text string) (recipient, *providers.RecipientProblem) {
	// The characters of a key have no 1 among them: a second one ends the name of another type.
	if kind, _, found := strings.Cut(strings.TrimPrefix(text, "age1"), "1"); found {
		what := "the plugin " + fmt.Sprintf("%q", printable(kind))
		if strings.HasPrefix(text, "age1pq1") {
			what = "post-quantum keys"
		}
		return recipient{}, &providers.RecipientProblem{Summary: "Unsupported recipient",
			Detail: fmt.Sprintf("%s is a recipient of %s, to which imsctl does not encrypt. List an X25519 recipient (age1…, as \"age-keygen\" prints it) or an SSH key.",
				beginning(text), what)}
	}
	key, err := age.ParseX25519Recipient(text)
	if err != nil {
		wrong := "one or more of its characters are wrong"
		if len(text) != nativeLength {
			wrong = fmt.Sprintf("it has %d characters, a whole one has %d", len(text), nativeLength)
		}
		return recipient{}, &providers.RecipientProblem{Summary: "Invalid recipient",
			Detail: fmt.Sprintf("%s is not an age recipient: %s.", beginning(text), wrong)}
	}
	return recipient{key: key, text: key.String(), id: key.String(), stanza: "X25519"}, nil
}

// isSSH reports whether text begins as an SSH public key does, of whatever type.
func isSSH(text string) bool {
	kind, _, _ := strings.Cut(text, " ")
	return strings.HasPrefix(kind, "ssh-") || strings.HasPrefix(kind, "ecdsa-") || strings.HasPrefix(kind, "sk-")
}

// parseSSH reads an SSH public key, as it stands in a file .pub.
func parseSSH(text string) (recipient, *providers.RecipientProblem) {
	kind, _, _ := strings.Cut(text, " ")
	if kind != ssh.KeyAlgoED25519 && kind != ssh.KeyAlgoRSA {
		return recipient{}, &providers.RecipientProblem{Summary: "Unsupported recipient",
			Detail: fmt.Sprintf("age cannot encrypt to SSH keys of type %q, only to ssh-ed25519 and ssh-rsa.", printable(kind))}
	}
	public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || public.Type() != kind {
		return recipient{}, &providers.RecipientProblem{Summary: "Invalid recipient",
			Detail: fmt.Sprintf("What follows %s is not a whole SSH public key: a character is wrong or missing.", kind)}
	}
	key, err := agessh.ParseRecipient(text)
	if err != nil {
		return recipient{}, &providers.RecipientProblem{Summary: "Invalid recipient",
			Detail: fmt.Sprintf("age does not encrypt to this %s key; a key of RSA needs at least 2048 bits.", kind)}
	}
	id := sshID(public)
	return recipient{key: key, text: strings.TrimSpace(id + " " + printable(comment)), id: id, stanza: kind}, nil
}

// sshID is an SSH public key without its comment.
func sshID(public ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

// idOf takes the comment off a recipient as it is recorded.
func idOf(text string) string {
	if fields := strings.Fields(text); isSSH(text) && len(fields) > 1 {
		return fields[0] + " " + fields[1]
	}
	return strings.TrimSpace(text)
}

// beginning is as much of a recipient as tells which one it is.
func beginning(text string) string {
	text = printable(text)
	if characters := []rune(text); len(characters) > quoted {
		return string(characters[:quoted]) + "…"
	}
	return text
}

// printable leaves out what does not belong into a line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}
