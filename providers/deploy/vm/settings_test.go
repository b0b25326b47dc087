package vm

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// TestSettings has the shell read what is written for it.
func TestSettings(t *testing.T) {
	target := providers.DeployTarget{
		Path: "/srv/it's $HOME", Compose: "deploy/compose.yaml", Branch: "main; exit 9", Repository: "https://ana:s3cret@example.org/x.git?a=1",
		Shared: []string{"media", "a/b'c"},
		Hooks: []providers.Hook{
			{Moment: providers.Migrate, Command: []string{"echo", "`id` \"$x\"\nline"}, Timeout: time.Minute},
			{Moment: providers.AfterDeploy, Command: []string{"never"}},
			{Moment: providers.Migrate, Service: "web", Command: []string{"sh", "-c", "it's"}, Timeout: 10 * time.Second},
		},
	}
	text, credentials, err := settings(target, providers.Release{ID: "1", Commit: "abc", Previous: "0", WaitTimeout: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "s3cret") || !strings.Contains(credentials, "s3cret") {
		t.Errorf("the secret is among the settings: %s", text)
	}
	const rest = `
tell() { printf '%s|' "$@"; echo; }
share() { tell share "$@"; }
on_host() { tell on_host "$@"; }
in_service() { tell in_service "$@"; }
tell "$path" "$compose" "$branch" "$url" "$id" "$commit" "$previous" "$usual" "$least"
share_all && migrate
tell "$IMSCTL_GIT_USER" "$IMSCTL_GIT_PASSWORD"`
	output, err := exec.Command("sh", "-euc", text+credentials+rest).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	const want = "/srv/it's $HOME|deploy/compose.yaml|main; exit 9|https://example.org/x.git?a=1|1|abc|0|deploy|120|\n" +
		"share|media|../../shared/media|shared/media|\nshare|a/b'c|../../../shared/a/b'c|../shared/a/b'c|\n" +
		"on_host|60|echo|`id` \"$x\"\nline|\nin_service|10|web|sh|-c|it's|\nana|s3cret|\n"
	if string(output) != want {
		t.Errorf("the shell read\n%s\nnot\n%s", output, want)
	}
}

func TestRemotes(t *testing.T) {
	for _, address := range []string{"git@example.org:x.git", "ssh://git@example.org/x", "/srv/x.git", "https://example.org/x.git", "file:///srv/x.git"} {
		if remote, credentials, err := splitRemote(address); remote != address || credentials != "" || err != nil {
			t.Errorf("%s became %s, %q, %v", address, remote, credentials, err)
		}
	}
	for _, address := range []string{"ext::sh -c id", "https://ana:p@ss@[x"} {
		if _, _, err := splitRemote(address); err == nil || strings.Contains(err.Error(), "p@ss") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestReports(t *testing.T) {
	const good = "gone\nstatus 2\nT started\nT end returned web is unhealthy\nbefore 1\nweb 1 a\nafter 2\nweb 1 b\nworker 2 a\nevidence 1\nweb | x\noutput\nsaid\nmore"
	read, output, err := parseReport(good)
	if err != nil || output != "said\nmore" || read.alive {
		t.Fatalf("%+v, %q, %v", read, output, err)
	}
	end, ok := read.end()
	if done, err := read.activation(end); !ok || err == nil || strings.Join(done.Services, " ") != "web worker" || !strings.Contains(err.Error(), "web | x") {
		t.Errorf("%v, %v", done, err)
	}
	for _, bad := range []string{"", "alive", "alive\nstatus 2\nx\n", "alive\nstatus -1\n", "alive\nstatus 0\nbefore 0\nafter 0\nevidence 0\nbanner\n"} {
		if _, _, err := parseReport(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add("alive\nstatus 1\nT end promoted\nbefore 0\nafter 0\nevidence 0\noutput\n")
	f.Fuzz(func(t *testing.T, text string) {
		read, output, err := parseReport(text)
		if err != nil {
			return
		}
		if end, ok := read.end(); ok {
			_, _ = read.activation(end)
		}
		if len(output) > len(text) || read.phase() == "" && len(read.status) == 0 {
			t.Errorf("%+v, %q", read, output)
		}
	})
}
