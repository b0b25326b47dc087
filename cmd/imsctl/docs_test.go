package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
)

// repository is the root of the checkout, as seen from this package.
const repository = "../.."

// TestQuickStart does what the README says first, in a copy of what it backs up.
func TestQuickStart(t *testing.T) {
	const command = "go run ./cmd/imsctl apply -auto-approve examples/quickstart.hcl"
	if !strings.Contains(readText(t, filepath.Join(repository, "README.md")), command) {
		t.Fatalf("the README does not begin with %s any more", command)
	}
	folder := t.TempDir()
	copyTree(t, filepath.Join(repository, "docs"), filepath.Join(folder, "docs"))
	copyTree(t, filepath.Join(repository, "examples"), filepath.Join(folder, "examples"))
	for _, want := range []string{"Apply complete: 2 done.", "No changes. Everything declared is true."} {
		run := exec.Command("imsctl", strings.Fields(command)[3:]...)
		run.Dir = folder
		output, err := run.CombinedOutput()
		if err != nil || !strings.Contains(string(output), want) {
			t.Fatalf("%v\n%s\nwant %q", err, output, want)
		}
	}
}

// TestReadmeNamesEveryCommand holds the README's table of commands against the program.
func TestReadmeNamesEveryCommand(t *testing.T) {
	var documented, built []string
	for _, match := range regexp.MustCompile("(?m)^\\| `imsctl ([a-z-]+)` \\|").FindAllStringSubmatch(readText(t, filepath.Join(repository, "README.md")), -1) {
		documented = append(documented, match[1])
	}
	program := &cli{clock: clock.System{}}
	for _, command := range program.rootCommand().Commands() {
		if command.IsAvailableCommand() && command.Name() != "help" {
			built = append(built, command.Name())
		}
	}
	slices.Sort(documented)
	slices.Sort(built)
	if !slices.Equal(documented, built) {
		t.Errorf("the README has %q, the program %q", documented, built)
	}
}

// TestExamplesAreValidAndPlanned validates and plans every example by itself.
func TestExamplesAreValidAndPlanned(t *testing.T) {
	examples, err := filepath.Glob(filepath.Join(repository, "examples", "*.hcl"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	t.Setenv("IMS_DRILL_URL", "postgres://ims@localhost/scratch")
	t.Setenv("OPS_WEBHOOK", "https://example.org/hook")
	for _, example := range examples {
		page := filepath.Join(t.TempDir(), "report.html")
		for _, arguments := range [][]string{{"validate"}, {"fmt", "-check"}, {"plan", "-refresh=false"}, {"report", "-refresh=false", "-o", page}} {
			if filepath.Base(example) == wholeSystem && arguments[0] == "plan" {
				continue
			}
			output, err := exec.Command("imsctl", append(arguments, example)...).CombinedOutput()
			if err != nil {
				t.Errorf("imsctl %s %s: %v\n%s", strings.Join(arguments, " "), example, err, output)
			}
		}
	}
}

// wholeSystem is the example that declares everything.
const wholeSystem = "ims.hcl"

// TestWholeSystemIsPlanned plans the example of the whole system: what is known without a look is planned, and what is not is said.
func TestWholeSystemIsPlanned(t *testing.T) {
	t.Setenv("IMS_DRILL_URL", "postgres://ims@localhost/scratch")
	t.Setenv("OPS_WEBHOOK", "https://example.org/hook")
	output, err := exec.Command("imsctl", "plan", "-refresh=false", filepath.Join(repository, "examples", wholeSystem)).Output()
	if err != nil {
		t.Fatalf("got %v\n%s", err, output)
	}
	for _, want := range []string{
		"+ backup.database due: no verified backup yet", "+ backup.keycloak due", "+ backup.ml_models due", "+ backup.logs due",
		"due: never drilled, every 7d; restores what is about to be taken, from destination.azblob.secondary",
		"deploy.ims: nobody looked which revision runs", "cleanup.directory.old_inventory: nobody looked whether",
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(output)), " "), want) {
			t.Errorf("the plan does not say %q:\n%s", want, output)
		}
	}
}

// TestShownSpecificationsAreValid loads the specifications that pages begin with.
func TestShownSpecificationsAreValid(t *testing.T) {
	for _, page := range []string{"README.md", "docs/copies.md"} {
		t.Run(page, func(t *testing.T) { checkShown(t, page) })
	}
}

func checkShown(t *testing.T, page string) {
	text := readText(t, filepath.Join(repository, page))
	_, rest, _ := strings.Cut(text, "```hcl\n")
	specification, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("it shows no specification")
	}
	path := filepath.Join(t.TempDir(), "shown.hcl")
	if err := os.WriteFile(path, []byte(specification), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"validate", "fmt"} {
		run := exec.Command("imsctl", command, path)
		run.Env = append(os.Environ(), "DATABASE_URL=postgres://reader@localhost/ims")
		if output, err := run.CombinedOutput(); err != nil || command == "fmt" && len(output) > 0 {
			t.Errorf("imsctl %s: %v\n%s", command, err, output)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// What an earlier run of the example left is not part of it.
	for _, made := range []string{".imsctl", "backups"} {
		if err := os.RemoveAll(filepath.Join(to, made)); err != nil {
			t.Fatal(err)
		}
	}
}
