package strategy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
)

// FileKind is what a file is for a deploy.
type FileKind string

// The kinds of files.
const (
	Code          FileKind = "code"
	Migration     FileKind = "migration"
	Dependencies  FileKind = "dependencies"
	Dockerfile    FileKind = "dockerfile"
	Compose       FileKind = "compose"
	Configuration FileKind = "configuration"
	Static        FileKind = "static"
	Documentation FileKind = "documentation"
	Tests         FileKind = "tests"
	Other         FileKind = "other"
)

// FileKinds are all kinds, in the order in which they are shown.
func FileKinds() []FileKind {
	return []FileKind{Code, Migration, Dependencies, Dockerfile, Compose, Configuration, Static, Documentation, Tests, Other}
}

// counted prints a number of files of that kind.
func (k FileKind) counted(n int) string {
	switch k {
	case Migration:
		return units.Counted(n, "migration", "migrations")
	case Dependencies:
		return units.Counted(n, "dependency file", "dependency files")
	case Dockerfile:
		return units.Counted(n, "Dockerfile", "Dockerfiles")
	case Tests:
		return units.Counted(n, "test", "tests")
	}
	return fmt.Sprintf("%d %s", n, k)
}

// What names say, in small letters. Patterns are those of path.Match.
var (
	testFolders   = words("test tests __tests__ testing e2e testdata")
	testNames     = words("test_*.py *_test.py conftest.py pytest.ini tox.ini *_test.go *.test.js *.test.jsx *.test.ts *.test.tsx *.spec.js *.spec.ts *.spec.tsx *_spec.rb *test.java *tests.java *_test.exs jest.config.*")
	dockerNames   = words("dockerfile dockerfile.* dockerfile-* *.dockerfile containerfile containerfile.* .dockerignore *.dockerignore")
	composeNames  = words("compose.yaml compose.yml compose.*.yaml compose.*.yml docker-compose*.yaml docker-compose*.yml")
	moduleNames   = words("requirements*.txt constraints*.txt pyproject.toml pipfile pipfile.lock poetry.lock uv.lock pdm.lock setup.py setup.cfg environment.yml package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb go.mod go.sum go.work cargo.toml cargo.lock gemfile gemfile.lock *.gemspec composer.json composer.lock pom.xml build.gradle build.gradle.kts mix.exs mix.lock *.csproj")
	proseNames    = words("*.md *.rst *.adoc license license.* licence licence.* readme readme.* changelog changelog.* authors contributing notice codeowners")
	proseFolders  = words("docs doc")
	assetNames    = words("*.css *.scss *.sass *.less *.png *.jpg *.jpeg *.gif *.svg *.ico *.webp *.avif *.woff *.woff2 *.ttf *.otf *.eot *.mp3 *.mp4 *.webm *.pdf *.map")
	assetFolders  = words("static assets public media")
	settingNames  = words("*.yaml *.yml *.toml *.ini *.cfg *.conf *.json *.properties *.env .env .env.* *.env.* .editorconfig .gitignore .gitattributes *.service *.timer *.hcl *.tf crontab")
	codeNames     = words("*.py *.pyi *.go *.js *.jsx *.mjs *.cjs *.ts *.tsx *.vue *.svelte *.rb *.php *.java *.kt *.scala *.rs *.c *.h *.cc *.cpp *.hpp *.cs *.swift *.lua *.pl *.ex *.exs *.erl *.sh *.bash *.zsh *.sql *.html *.htm *.jinja *.jinja2 *.j2 *.tmpl *.po *.mo *.graphql *.proto makefile procfile *.mk")
	scriptNames   = words("*.py *.sql *.rb *.js *.ts *.go *.php *.ex *.exs *.java *.kt *.cs *.rs *.sh *.mjs *.cjs *.xml *.yaml *.yml *.json")
	schemaFolders = words("migrations migration migrate")
	flywayNames   = words("v[0-9]*__*.sql r__*.sql u[0-9]*__*.sql")
)

// Classify tells what a file is for a deploy, from its path alone: relative, with slashes.
func Classify(name string) FileKind {
	name = strings.ToLower(name)
	folders, base := strings.Split(path.Dir(name), "/"), path.Base(name)
	within := func(names []string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return slices.Contains(names, folder) })
	}
	switch {
	case within(testFolders) || matches(testNames, base):
		return Tests
	case matches(dockerNames, base):
		return Dockerfile
	case matches(composeNames, base):
		return Compose
	case matches(moduleNames, base), slices.Contains(folders, "requirements") && strings.HasSuffix(base, ".txt"):
		return Dependencies
	case matches(flywayNames, base), isScript(base) && (within(schemaFolders) || strings.Contains(name, "alembic/versions/")):
		return Migration
	case matches(proseNames, base) || within(proseFolders):
		return Documentation
	case matches(assetNames, base) || within(assetFolders):
		return Static
	case matches(settingNames, base):
		return Configuration
	case matches(codeNames, base):
		return Code
	}
	return Other
}

// isScript reports whether a name in a folder of migrations is that of one. Programs often have no ending, and to overlook one is the worse mistake.
func isScript(base string) bool {
	return base != "__init__.py" && (matches(scriptNames, base) || path.Ext(base) == "" && !matches(proseNames, base))
}

// CountFiles counts paths by their kind.
func CountFiles(paths []string) map[FileKind]int {
	counts := map[FileKind]int{}
	for _, name := range paths {
		counts[Classify(name)]++
	}
	return counts
}

func words(text string) []string { return strings.Fields(text) }

// matches reports whether a name is like one of the patterns, all of which are well formed.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := path.Match(pattern, name)
		return err == nil && matched
	})
}
