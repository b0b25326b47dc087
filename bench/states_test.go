package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/state"
)

func TestWrittenStateIsValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := writeStateProcess([]string{path, "20", time.Now().UTC().Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := state.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(document.Artifacts) != 20*artifactsPerBackup || len(document.ByBackup()["backup.b000007"]) != artifactsPerBackup {
		t.Errorf("%d artifacts", len(document.Artifacts))
	}
}
