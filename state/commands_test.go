package state_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestDocumentedCommands runs the commands that the description of the formats gives for checking digests.
func TestDocumentedCommands(t *testing.T) {
	testenv.Need(t, "sed")
	testenv.Need(t, "sha256sum")
	data, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string][]byte{
		"state.json": encode(t, sampleDocument(3)), "KEY.manifest.json": encodeManifest(t, sampleManifest()),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		line := regexp.MustCompile(`(?m)^sed .* ` + regexp.QuoteMeta(name) + ` \| sha256sum$`).Find(data)
		if line == nil {
			t.Fatalf("no command for %s is described", name)
		}
		command := exec.Command("sh", "-c", string(line))
		command.Dir = folder
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sum, _, _ := strings.Cut(string(output), " ")
		if !strings.Contains(string(content), `"`+sum+`"`) {
			t.Errorf("%s gives %s, which is not the digest", line, sum)
		}
	}
}
