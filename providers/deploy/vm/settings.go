package vm

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// quote makes one word of a text for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// settings is what the script is told of its release: assignments and functions of the shell. The secrets for the remote are apart from it, empty
// where there are none.
func settings(target providers.DeployTarget, release providers.Release) (text, credentials string, err error) {
	remote, credentials, err := splitRemote(target.Repository)
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	for _, pair := range [][2]string{
		{"path", target.Path}, {"id", release.ID}, {"commit", release.Commit}, {"previous", release.Previous}, {"url", remote}, {"branch", target.Branch},
		{"compose", target.Compose}, {"project", target.Project}, {"usual", usualProject(target)},
	} {
		fmt.Fprintf(&b, "%s=%s\n", pair[0], quote(pair[1]))
	}
	fmt.Fprintf(&b, "least=%d\n", int(max(release.WaitTimeout, time.Minute).Seconds()))
	b.WriteString("share_all() {\n\t:\n")
	for _, shared := range target.Shared {
		up := strings.Count(shared, "/")
		inRelease, inPlain := strings.Repeat("../", up+2)+"shared/"+shared, strings.Repeat("../", up)+"shared/"+shared
		fmt.Fprintf(&b, "\tshare %s %s %s || return\n", quote(shared), quote(inRelease), quote(inPlain))
	}
	b.WriteString("}\nmigrate() {\n\t:\n")
	for _, hook := range target.Hooks {
		if hook.Moment != providers.Migrate {
			continue
		}
		fmt.Fprintf(&b, "\t%s || return\n", hookCommand(hook))
	}
	b.WriteString("}\n")
	return b.String(), credentials, nil
}

// hookCommand is how the script runs a hook.
func hookCommand(hook providers.Hook) string {
	words := []string{"on_host", fmt.Sprint(int(hook.Timeout.Seconds()))}
	if hook.Service != "" {
		words[0] = "in_service"
		words = append(words, quote(hook.Service))
	}
	for _, word := range hook.Command {
		words = append(words, quote(word))
	}
	return strings.Join(words, " ")
}

// splitRemote takes the secrets out of an address: arguments of programs can be read by all on a machine.
func splitRemote(address string) (remote, credentials string, err error) {
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		if helper, _, found := strings.Cut(address, "::"); found && !strings.ContainsAny(helper, "/[") {
			return "", "", fmt.Errorf("the address of the remote asks for the helper %q: write an address of https, ssh, git or file", helper)
		}
		return address, "", nil
	}
	parsed, err := url.Parse(address)
	if err != nil {
		// The error of the package repeats the address, with its password.
		return "", "", errors.New("the address of the remote is no URL: characters such as @, / and # in a user or password are written as %40, %2F and %23")
	}
	if parsed.User == nil {
		return address, "", nil
	}
	password, _ := parsed.User.Password()
	credentials = fmt.Sprintf("export IMSCTL_GIT_USER=%s IMSCTL_GIT_PASSWORD=%s\n", quote(parsed.User.Username()), quote(password))
	parsed.User = nil
	return parsed.String(), credentials, nil
}

// usualProject is what compose makes of the folder of a plain project.
func usualProject(target providers.DeployTarget) string {
	if target.Project != "" {
		return target.Project
	}
	name := strings.ToLower(path.Base(path.Dir(path.Join(target.Path, target.Compose))))
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, name)
	return strings.TrimLeft(kept, "-_")
}
