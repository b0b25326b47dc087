package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Actionlint builds the linter of GitHub's workflows and returns its path. It has scripts read by shellcheck, where that is installed.
func Actionlint(t testing.TB) string {
	t.Helper()
	return linter(t, "linters", "github.com/rhysd/actionlint/cmd/actionlint", "actionlint")
}

// ManifestLinter builds a program that reads Kubernetes manifests on its standard input and judges them as an API server does, with
// the server's own code: it prints how many there are, or what is wrong with them and fails.
func ManifestLinter(t testing.TB) string {
	t.Helper()
	return linter(t, "manifests", ".", "manifests")
}

func linter(t testing.TB, module, name, called string) string {
	t.Helper()
	program, err := buildTool(t.Context(), module, name, called)
	if err != nil {
		Skip(t, err.Error())
	}
	return program
}

// GitlabLinter returns the program gitlab-ci-local, which checks the .gitlab-ci.yml of the git repository that it is run in
// against GitLab's own schema.
func GitlabLinter(t testing.TB) string {
	t.Helper()
	Need(t, "node")
	folder, err := testCache()
	program := filepath.Join(folder, "gitlab-ci-local", "node_modules", ".bin", "gitlab-ci-local")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		Skip(t, fmt.Sprintf("gitlab-ci-local is not installed, which scripts/test does: %v", err))
	}
	return program
}
