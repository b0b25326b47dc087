package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// encryptedSpecification is a backup for the recipient in a file.
const encryptedSpecification = `
source "command" "notes" {
  command   = ["cat", "notes.txt"]
  extension = ".sql"
}
destination "local" "one" {
  path = "one"
}
compression "z" {
  method = "zstd"
}
backup "notes" {
  source      = source.command.notes
  to          = [destination.local.one]
  compression = compression.z
  every       = "24h"
  encrypt_to  = [for line in split("\n", trimspace(file("recipients.txt"))) : line if !startswith(line, "#")]
}
`

// TestRestoreWithoutImsctl runs the commands of docs/encryption.md for a restore with stock tools.
func TestRestoreWithoutImsctl(t *testing.T) {
	age := testenv.Age(t)
	for _, program := range []string{"zstd", "jq", "sha256sum"} {
		testenv.Need(t, program)
	}
	t.Setenv("PATH", age+string(filepath.ListSeparator)+os.Getenv("PATH"))
	w := newWorkFolder(t, map[string]string{"main.hcl": encryptedSpecification, "notes.txt": strings.Repeat("select 1;\n", 1000)})
	shell := func(script string) {
		t.Helper()
		command := exec.Command("sh", "-ec", script)
		command.Dir = w.folder
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s\n%v: %s", script, err, output)
		}
	}
	shell("age-keygen -o key.txt && { echo '# ours'; age-keygen -y key.txt; } > recipients.txt")
	w.run(exitDone, "apply", "-auto-approve")
	key := w.find("one/notes/*.sql.zst.age")

	_, text, _ := strings.Cut(readText(t, filepath.Join(repository, "docs", "encryption.md")), "## Restore without imsctl")
	_, text, _ = strings.Cut(text, "```sh\n")
	recipe, _, _ := strings.Cut(text, "```")
	lines := strings.Split(strings.TrimSpace(recipe), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[3], "psql ") {
		t.Fatalf("the recipe is not what it was:\n%s", recipe)
	}
	shell(strings.ReplaceAll(strings.Join(lines[:3], "\n"), "KEY", key))
	if !bytes.Equal(w.read("database.sql"), w.read("notes.txt")) {
		t.Error("what was restored is not what was backed up")
	}
}
