package git

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// What callers tell apart. A remote that could not be reached is providers.ErrTemporary.
var (
	// ErrNoRepository: there is no git repository.
	ErrNoRepository = errors.New("not a git repository")
	// ErrUnknown: no branch, tag or commit has that name.
	ErrUnknown = errors.New("unknown revision")
	// ErrRefused: the remote does not let us in, or does not take what it was sent.
	ErrRefused = errors.New("refused by the remote")
	// ErrOtherHistory: neither of two revisions descends from the other, as after a forced push.
	ErrOtherHistory = errors.New("another history")

	errTooLarge = errors.New("larger than the limit")
)

// tail keeps what git said last.
type tail = output.Tail

// failure is the end of a git command that was no success.
type failure struct {
	command string
	code    int
	signal  string
	said    string
}

// Error says what git said, in one line.
func (f *failure) Error() string {
	said := lastWords(f.said)
	switch {
	case f.signal != "":
		return fmt.Sprintf("git %s was killed by %s", f.command, f.signal)
	case said == "":
		return fmt.Sprintf("git %s: exit status %d", f.command, f.code)
	}
	return fmt.Sprintf("git %s: %s", f.command, said)
}

// lastWords are the lines that say what went wrong: those that git, ssh or the remote marked so, or the last ones.
func lastWords(said string) string {
	var marked, all []string
	for _, line := range strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "hint:"), strings.HasPrefix(line, "warning: redirecting"):
		case strings.HasPrefix(line, "fatal:"), strings.HasPrefix(line, "error:"), strings.HasPrefix(line, "remote:"), strings.HasPrefix(line, "ssh:"):
			marked = append(marked, strings.TrimSpace(line))
			fallthrough
		default:
			all = append(all, line)
		}
	}
	if len(marked) > 0 {
		all = marked
	}
	return strings.Join(all[max(0, len(all)-3):], "; ")
}

// exited reports whether git ended with a status.
func exited(err error, code int) bool {
	var f *failure
	return errors.As(err, &f) && f.code == code
}

// said is what git said before it failed.
func said(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.said
	}
	return ""
}

// How git, ssh and curl say it in English. The first list that has a match decides.
var (
	unknownHostKey = []string{"Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"}
	noAccess       = []string{
		"Permission denied (", "Authentication failed", "could not read Username", "could not read Password", "terminal prompts disabled",
		"requested URL returned error: 401", "requested URL returned error: 403", "Invalid username or password", "access denied",
		"Too many authentication failures", "No supported authentication methods",
	}
	noRepository = []string{
		"does not appear to be a git repository", "Repository not found", "requested URL returned error: 404", "not valid: is this a git repository",
		"project you were looking for could not be found", "' does not exist", "' not found", "not a git repository",
	}
	unreachable = []string{
		"Could not resolve host", "Name or service not known", "Temporary failure in name resolution", "Connection refused", "Connection timed out",
		"Operation timed out", "Network is unreachable", "No route to host", "Connection reset", "Connection closed", "Failed to connect", "Couldn't connect",
		"unable to connect", "early EOF", "RPC failed", "hung up unexpectedly", "unexpected disconnect", "requested URL returned error: 5",
		"requested URL returned error: 429", "Operation too slow", "kex_exchange_identification", "Broken pipe", "Empty reply from server",
		"SSL_ERROR_SYSCALL", "gnutls_handshake", "Timeout, server", "Could not read from remote repository",
	}
)

// remoteError says what a failure to work with a remote means.
func remoteError(doing string, r remote, err error) error {
	text := said(err)
	has := func(list []string) bool {
		for _, words := range list {
			if strings.Contains(text, words) {
				return true
			}
		}
		return false
	}
	var f *failure
	switch {
	case !errors.As(err, &f):
		return fmt.Errorf("%s %s: %w", doing, r.shown, err)
	case has(unknownHostKey):
		return fmt.Errorf("%s %s: %w: its host key is not known, or another one than before: compare it, then add it to known_hosts: %w", doing, r.shown, ErrRefused, err)
	case has(noAccess):
		return fmt.Errorf("%s %s: %w: it does not let us in; check the key or the token, and what it may do: %w", doing, r.shown, ErrRefused, err)
	case has(noRepository):
		return fmt.Errorf("%s %s: %w there, or none that we may see: %w", doing, r.shown, ErrNoRepository, err)
	case has(unreachable):
		return fmt.Errorf("%w: %s %s: it cannot be reached: %w", providers.ErrTemporary, doing, r.shown, err)
	}
	return fmt.Errorf("%s %s: %w", doing, r.shown, err)
}

// userinfo is what stands before the host of a URL.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/\s'"]*)@`)

const hidden = "***"

// redact strikes out of a text what could be a secret: what stands before the host of a URL, unless it is the name of a user of
// ssh, and the given secrets.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= 3 {
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	return userinfo.ReplaceAllStringFunc(text, func(match string) string {
		parts := userinfo.FindStringSubmatch(match)
		name, _, password := strings.Cut(parts[2], ":")
		switch {
		case !strings.Contains(parts[1], "ssh"):
			return parts[1] + hidden + "@"
		case password:
			return parts[1] + name + ":" + hidden + "@"
		}
		return match
	})
}
