package strategy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClassify(t *testing.T) {
	for kind, paths := range map[FileKind]string{
		Code:          "manage.py app/views.py app/migrations/__init__.py templates/base.html src/App.tsx cmd/main.go scripts/run.sh Makefile Procfile app/settings.py locale/pt_BR/LC_MESSAGES/django.po queries/report.sql",
		Migration:     "inventory/migrations/0042_add_field.py db/migrate/20261123_add.rb alembic/versions/ab12_add.py migrations/V2__add.sql sql/V12__add.sql R__views.sql prisma/migrations/20260101_init/migration.sql inventory/migrations/0005_test_results.py migrations/002-orders migrations/20260101_init/up.sh",
		Dependencies:  "requirements.txt requirements/production.txt requirements-dev.txt pyproject.toml poetry.lock package.json frontend/package-lock.json go.mod go.sum Pipfile.lock uv.lock Gemfile",
		Dockerfile:    "Dockerfile Dockerfile.production docker/django.Dockerfile Containerfile .dockerignore",
		Compose:       "compose.yaml docker-compose.yml docker-compose.production.fixed.yml deploy/compose.override.yaml",
		Configuration: "nginx/nginx.conf .env .env.example config/settings.toml .github/workflows/ci.yml redis.conf app.service prometheus.yml production.env tsconfig.json",
		Static:        "static/js/app.js app/static/site.css assets/logo.png public/index.html fonts/x.woff2 manual.pdf",
		Documentation: "README.md docs/index.rst docs/conf.py LICENSE CHANGELOG.md app/README doc/notes.txt migrations/README",
		Tests:         "tests/test_views.py app/tests.d/x/test_a.py conftest.py pkg/main_test.go src/App.test.tsx src/__tests__/x.js e2e/login.spec.ts tests/migrations/0001_initial.py tests/Dockerfile",
		Other:         "data/model.pkl notebook.ipynb bin/tool x",
	} {
		for _, name := range strings.Fields(paths) {
			if got := Classify(name); got != kind {
				t.Errorf("%s: %s, want %s", name, got, kind)
			}
		}
	}
}

func TestPatternsAreWellFormed(t *testing.T) {
	for _, list := range [][]string{testNames, dockerNames, composeNames, moduleNames, proseNames, assetNames, settingNames, codeNames, scriptNames, flywayNames} {
		for _, pattern := range list {
			if pattern != strings.ToLower(pattern) {
				t.Errorf("%q is not in small letters", pattern)
			}
			// A pattern that is none matches nothing, not even what it is made from.
			if !matches([]string{pattern}, strings.NewReplacer("*", "x", "[0-9]", "1").Replace(pattern)) {
				t.Errorf("%q matches nothing", pattern)
			}
		}
	}
}

func TestParseCommit(t *testing.T) {
	for subject, want := range map[string]Commit{
		"feat: x":                     {Type: "feat", Description: "x"},
		"feat(api)!: x: y":            {Type: "feat", Scope: "api", Description: "x: y", Breaking: true},
		"Fix( orders ):  spaces ":     {Type: "fix", Scope: "orders", Description: "spaces"},
		"fix!: x":                     {Type: "fix", Description: "x", Breaking: true},
		"feat (api): x":               {Description: "feat (api): x"},
		"feat:x":                      {Description: "feat:x"},
		"feat: ":                      {Description: "feat:"},
		"Merge branch 'main'":         {Description: "Merge branch 'main'"},
		`Revert "feat: x"`:            {Type: "revert", Description: "feat: x"},
		"http://example.com: is down": {Description: "http://example.com: is down"},
		"":                            {},
		"build(deps): bump x":         {Type: "build", Scope: "deps", Description: "bump x"},
	} {
		if difference := cmp.Diff(want, ParseCommit(subject, "a body\nthat says BREAKING CHANGE: in a line")); difference != "" {
			t.Errorf("%q: %s", subject, difference)
		}
	}
	for body, breaking := range map[string]bool{
		"BREAKING CHANGE: all": true, "text\n\nBREAKING-CHANGE: all": true, "text\r\n\r\nBREAKING CHANGE: all\r\n": true, "Refs: #1\nBREAKING CHANGE #2": true,
		"breaking change: all": false, "no BREAKING CHANGE: here": false, "BREAKING CHANGE": false, "": false,
	} {
		for _, subject := range []string{"feat: x", "whatever", `Revert "x"`} {
			if got := ParseCommit(subject, body).Breaking; got != breaking {
				t.Errorf("%q, %q: %v", subject, body, got)
			}
		}
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add("feat(api)!: x", "BREAKING CHANGE: y")
	f.Add(`Revert "x"`, "\r\n")
	f.Add("\xff(: ", "")
	f.Fuzz(func(t *testing.T, subject, body string) {
		c := ParseCommit(subject, body)
		if !strings.Contains(subject, c.Description) || c.Type != strings.ToLower(c.Type) || strings.ContainsAny(c.Type, " \n\x1b") || c.Scope != "" && c.Type == "" {
			t.Errorf("%q: %+v", subject, c)
		}
	})
}

func FuzzClassify(f *testing.F) {
	f.Add("app/migrations/0001_x.py")
	f.Add("../\xff//")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		if kind := Classify(name); !slices.Contains(FileKinds(), kind) {
			t.Errorf("%q: %q", name, kind)
		}
	})
}
