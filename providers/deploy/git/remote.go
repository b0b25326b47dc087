package git

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// patience is how long a remote may take to say what it has.
	patience = 30 * time.Second
	// Without a byte for a minute a connection is given up.
	sshOptions = " -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
)

// stalled ends transfers over HTTP that have become slower than 1 byte/s for a minute.
var stalled = []string{"-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"}

// RemoteHead is what a branch at a remote is.
type RemoteHead struct {
	// Commit is a whole hash.
	Commit string
	// Took is how long the remote took to answer.
	Took time.Duration
}

// RemoteHead asks a remote, a URL or the name of one that is configured, for what a branch there is. It waits for 30 seconds at
// most. Errors: providers.ErrTemporary when the remote cannot be reached or does not answer, ErrRefused when it does not let us
// in, ErrNoRepository when there is none, ErrUnknown, with the nearest branches, when it has no such branch. Nothing is fetched.
func (r *Repository) RemoteHead(ctx context.Context, url, branch string) (RemoteHead, error) {
	if err := CheckBranch(branch); err != nil {
		return RemoteHead{}, err
	}
	remote, err := parseRemote(url)
	if err != nil {
		return RemoteHead{}, err
	}
	start, ref := r.clock.Now(), "refs/heads/"+branch
	heads, err := r.listRemote(ctx, remote, ref)
	if err != nil {
		return RemoteHead{}, err
	}
	head := RemoteHead{Took: r.clock.Now().Sub(start)}
	if commit, ok := heads[ref]; ok {
		head.Commit = commit
		return head, nil
	}
	if heads, err = r.listRemote(ctx, remote, "refs/heads/*"); err != nil {
		return RemoteHead{}, err
	}
	var known []string
	for name := range heads {
		known = append(known, strings.TrimPrefix(name, "refs/heads/"))
	}
	return RemoteHead{}, unknown("branch", branch, remote.shown, known)
}

// Ask asks a remote, a URL, for its head, from a machine that has git and needs no repository, and says how long it took to answer. It
// waits no longer than patience. Errors are those of RemoteHead.
func Ask(ctx context.Context, runner providers.Runner, clock clock.Clock, url string, patience time.Duration) (time.Duration, error) {
	remote, err := parseRemote(url)
	if err != nil {
		return 0, err
	}
	r := &Repository{runner: runner, clock: clock, directory: "/", patience: patience}
	start := clock.Now()
	_, err = r.listRemote(ctx, remote, "HEAD")
	return clock.Now().Sub(start), err
}

// listRemote asks a remote for the references that match a pattern: their hashes by name.
func (r *Repository) listRemote(ctx context.Context, remote remote, pattern string) (map[string]string, error) {
	limited, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	call, err := r.remoteCall(limited, remote, "ls-remote", "--end-of-options", remote.argument, pattern)
	if err == nil {
		var answer []byte
		if answer, err = r.answer(limited, call, largestAnswer); err == nil {
			return parseReferences(answer)
		}
	}
	if ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("%w: asking %s for its branches: no answer in %s", providers.ErrTemporary, remote.shown, r.patience)
	}
	return nil, remoteError("asking for the branches of", remote, err)
}

// parseReferences reads what git ls-remote writes: "HASH<tab>NAME" in each line.
func parseReferences(answer []byte) (map[string]string, error) {
	references := map[string]string{}
	for line := range strings.Lines(string(answer)) {
		hash, name, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !found || !isHash(hash) || isNull(hash) || name == "" {
			return nil, fmt.Errorf("reading the branches of the remote: %q has another form", line)
		}
		references[name] = hash
	}
	return references, nil
}

// remote is where another repository is.
type remote struct {
	// argument is what git is given: without a password.
	argument string
	// shown is what people are shown.
	shown string
	// user and password are for HTTP; both are secret, since tokens are given as either.
	user, password string
}

// parseRemote reads a URL, HOST:PATH, a path, or the name of a remote that is configured.
func parseRemote(text string) (remote, error) {
	switch {
	case text == "":
		return remote{}, errors.New("the address of the remote is empty")
	case strings.HasPrefix(text, "-"):
		return remote{}, errors.New("the address of the remote begins with a dash")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return remote{}, errors.New("the address of the remote has a control character")
	case !strings.Contains(text, "://"):
		// What stands before "::" would be run as a program.
		if helper, _, found := strings.Cut(text, "::"); found && !strings.ContainsAny(helper, "/[") {
			return remote{}, fmt.Errorf("the address of the remote asks for the helper %q: write an address of https, ssh, git or file", helper)
		}
		return remote{argument: text, shown: text}, nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		// The error of the package repeats the address, with its password.
		return remote{}, errors.New("the address of the remote is no URL: characters such as @, / and # in a user or password are written as %40, %2F and %23")
	}
	switch parsed.Scheme {
	case "http", "https", "ssh", "git+ssh", "ssh+git", "git", "file":
	default:
		return remote{}, fmt.Errorf("the address of the remote has the scheme %q: write an address of https, ssh, git or file", parsed.Scheme)
	}
	if strings.HasPrefix(parsed.Host, "-") || strings.HasPrefix(parsed.User.Username(), "-") {
		return remote{}, errors.New("the host or the user in the address of the remote begins with a dash")
	}
	var r remote
	if user := parsed.User; user != nil {
		password, _ := user.Password()
		if strings.HasPrefix(parsed.Scheme, "http") {
			r.user, r.password, parsed.User = user.Username(), password, nil
		} else {
			// ssh takes no password from an address; the name is none.
			parsed.User = url.User(user.Username())
		}
	}
	r.argument = parsed.String()
	parsed.RawQuery, parsed.Fragment = "", ""
	r.shown = parsed.String()
	return r, nil
}

// secrets are what is never to be shown.
func (r remote) secrets() []string {
	var list []string
	for _, secret := range []string{r.password, r.user} {
		if secret != "" {
			list = append(list, secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword(secret, "").String())
		}
	}
	return list
}

// answerer is a credential helper (gitcredentials(7)) that answers from the environment: what is in the arguments of a command can
// be read by everybody on that machine.
const answerer = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$IMSCTL_GIT_USER" "$IMSCTL_GIT_PASSWORD"; }; f`

// remoteCall is a command that works with a remote.
func (r *Repository) remoteCall(ctx context.Context, remote remote, arguments ...string) (call, error) {
	ssh, err := r.sshCommand(ctx)
	if err != nil {
		return call{}, err
	}
	c := call{arguments: arguments, settings: stalled, environment: []string{"GIT_SSH_COMMAND=" + ssh, "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh"}, secrets: remote.secrets()}
	if remote.user != "" || remote.password != "" {
		c.settings = append(append([]string{}, stalled...), "-c", "credential.helper=", "-c", "credential.helper="+answerer)
		c.environment = append(c.environment, "IMSCTL_GIT_USER="+remote.user, "IMSCTL_GIT_PASSWORD="+remote.password)
	}
	return c, nil
}

// sshCommand is what git runs for ssh there: as it is set up, except that it asks nobody anything.
func (r *Repository) sshCommand(ctx context.Context) (string, error) {
	// A line with what the environment has, one with what git is configured to.
	const script = `printf '%s\n' "${GIT_SSH_COMMAND:-${GIT_SSH:+\"$GIT_SSH\"}}"; git config --get core.sshCommand || :`
	var output strings.Builder
	err := r.runner.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", script}, Directory: r.directory, Stdout: &output})
	if err != nil {
		return "", fmt.Errorf("asking how git on %s runs ssh: %w", r.runner.Name(), err)
	}
	for line := range strings.Lines(output.String()) {
		if line = strings.TrimSpace(line); line != "" {
			return line + sshOptions, nil
		}
	}
	return "ssh" + sshOptions, nil
}
