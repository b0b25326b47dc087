package paths

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

func TestProbe(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.sh", "#!/bin/sh\ncd /srv/old\n")
	write("deep/er/b.sh", "cd /srv/old/x\ncd /srv/new\ncd /srv/old\n")
	write("deep/c.sh", "cd /srv/old-er\n")
	write("deep/d.txt", "cd /srv/old\n")
	write("binary.sh", "cd /srv/old\n\x00")
	if err := os.Symlink(filepath.Join(folder, "a.sh"), filepath.Join(folder, "link.sh")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder, filepath.Join(folder, "deep", "loop")); err != nil {
		t.Fatal(err)
	}
	probe := func(config Config) providers.Finding {
		t.Helper()
		if problems := config.Validate(); len(problems) > 0 {
			t.Fatal(problems)
		}
		check, err := config.Check(providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return hostlocal.New(), nil }})
		if err != nil {
			t.Fatal(err)
		}
		finding, err := check.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return finding
	}
	old := []string{"/srv/old"}

	finding := probe(Config{Files: []string{folder + "/**/*.sh"}, Forbid: old, Instead: "/srv/new"})
	want := []string{
		folder + "/a.sh:2: cd /srv/old (write /srv/new)",
		folder + "/deep/er/b.sh:1: cd /srv/old/x (write /srv/new)",
		folder + "/deep/er/b.sh:3: cd /srv/old (write /srv/new)",
	}
	if finding.Verdict != providers.Failed || finding.Summary != "3 mentions in 2 files of 4" || !slices.Equal(finding.Details, want) {
		t.Errorf("got %+v", finding)
	}
	if finding := probe(Config{Files: []string{folder + "/*.sh", folder + "/a.sh"}, Forbid: old}); finding.Summary != "1 mention in 1 file of 2" {
		t.Errorf("one level: got %+v", finding)
	}
	if finding := probe(Config{Files: []string{folder + "/deep/c.sh"}, Forbid: old}); finding.Verdict != providers.Passed {
		t.Errorf("a longer name: got %+v", finding)
	}
	if finding := probe(Config{Files: []string{folder + "/none/**"}, Forbid: old}); finding.Verdict != providers.Warned || !strings.Contains(finding.Summary, "no file matches") {
		t.Errorf("nothing to read: got %+v", finding)
	}
	if finding := probe(Config{Files: []string{folder + "/**"}, Forbid: []string{"/srv/nowhere"}}); finding.Verdict != providers.Passed {
		t.Errorf("not mentioned: got %+v", finding)
	}
}

func TestManyMentions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.sh")
	if err := os.WriteFile(file, []byte(strings.Repeat("cd /srv/old "+strings.Repeat("x", 500)+"\n", 300)), 0o644); err != nil {
		t.Fatal(err)
	}
	check := &check{config: Config{Files: []string{file}, Forbid: []string{"/srv/old"}}, files: hostlocal.New().Files()}
	finding, err := check.Probe(t.Context())
	if err != nil || len(finding.Details) != mentionLimit+1 || finding.Details[mentionLimit] != "and 200 more" || len(finding.Details[0]) > 300 {
		t.Errorf("%v, got %d lines, %q", err, len(finding.Details), finding.Details[len(finding.Details)-1])
	}
}

func TestValidate(t *testing.T) {
	for attribute, config := range map[string]Config{
		"files":  {Files: []string{"relative/*.sh"}, Forbid: []string{"/srv"}},
		"forbid": {Files: []string{"/srv/*.sh"}, Forbid: []string{"/"}},
	} {
		if problems := config.Validate(); len(problems) != 1 || problems[0].Attribute != attribute {
			t.Errorf("%s: got %v", attribute, problems)
		}
	}
	if problems := (&Config{}).Validate(); len(problems) != 2 {
		t.Errorf("nothing: got %v", problems)
	}
}
