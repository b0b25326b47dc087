package schedule

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// linterOf makes what judges a format's first file, from the tools of those who run it.
var linterOf = map[string]func(t *testing.T) func(text string) error{
	"cron": crontabProgram, "github": actionlint, "gitlab": gitlabSchema, "kubernetes": apiServer,
}

// TestLinters holds what is written against the linters of those who run it, and the linters against a mistake.
func TestLinters(t *testing.T) {
	for format, broken := range map[string][2]string{
		"cron":       {"0 * * * *", "60 * * * *"},
		"github":     {"runs-on: ubuntu-latest", "runs-on: ubuntu-latest\n    needs: nobody"},
		"gitlab":     {"resource_group: imsctl", "resource_grup: imsctl"},
		"kubernetes": {"mountPath: /tmp", "mountPath: /work"},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			lint := linterOf[format](t)
			for name, specification := range map[string]Specification{"whole": whole(), "plain": plain()} {
				if err := lint(filesOf(t, format, specification)[0].Text); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			text := filesOf(t, format, plain())[0].Text
			mistaken := strings.Replace(text, broken[0], broken[1], 1)
			if mistaken == text {
				t.Fatalf("there is no %q to be mistaken about", broken[0])
			}
			if err := lint(mistaken); err == nil {
				t.Errorf("%q was let pass", broken[1])
			}
		})
	}
}

// run runs a linter in a folder and says what it said when it found something.
func run(folder, input, program string, arguments ...string) error {
	command := exec.Command(program, arguments...)
	command.Dir, command.Stdin = folder, strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, output)
	}
	return nil
}

// actionlint has it read by rhysd's actionlint, and the scripts in it by shellcheck, which takes a $ in single quotes for a slip.
func actionlint(t *testing.T) func(string) error {
	program, shellcheck := testenv.Actionlint(t), testenv.Need(t, "shellcheck")
	return func(text string) error {
		return run(t.TempDir(), text, program, "-shellcheck", shellcheck, "-ignore", "SC2016", "-stdin-filename", ".github/workflows/imsctl.yml", "-")
	}
}

// gitlabSchema holds it against GitLab's own schema, in a repository as GitLab needs one.
func gitlabSchema(t *testing.T) func(string) error {
	program, git := testenv.GitlabLinter(t), testenv.Need(t, "git")
	return func(text string) error {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, ".gitlab-ci.yml"), []byte(text), 0o600); err != nil {
			return err
		}
		for _, arguments := range [][]string{
			{"init", "--quiet"},
			{"remote", "add", "origin", "git@gitlab.example:ops/ims.git"},
			{"add", "--all"},
			{"-c", "user.name=ops", "-c", "user.email=ops@example.org", "commit", "--quiet", "--message", "Add the pipeline"},
		} {
			if err := run(folder, "", git, arguments...); err != nil {
				t.Fatal(err)
			}
		}
		return run(folder, "", program, "--list")
	}
}

// apiServer has it judged by the code of Kubernetes' API server.
func apiServer(t *testing.T) func(string) error {
	program := testenv.ManifestLinter(t)
	return func(text string) error { return run(t.TempDir(), text, program) }
}

// crontabProgram has it checked by the program that would install it, under the flag that it has for that in its version.
func crontabProgram(t *testing.T) func(string) error {
	program, flag := testenv.Need(t, "crontab"), "-n"
	if usage, _ := exec.Command(program, "-h").CombinedOutput(); !strings.Contains(string(usage), "-n") {
		flag = "-T"
	}
	return func(text string) error {
		path := filepath.Join(t.TempDir(), "imsctl.cron")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		return run(filepath.Dir(path), "", program, flag, path)
	}
}
