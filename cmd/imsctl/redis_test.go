package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// redisSpecification backs up a server at an address.
const redisSpecification = `
source "redis" "models" {
  address  = env("REDIS_ADDRESS")
  password = env("REDIS_PASSWORD")
  keys     = ["ml:*", "model:*"]
}
destination "local" "one" {
  path = "one"
}
backup "models" {
  source = source.redis.models
  to     = [destination.local.one]
  every  = "1ms"
}
`

// redisProject is a folder with the specification of a server.
type redisProject struct {
	server *testenv.RedisServer
	folder string
}

func newRedisProject(t *testing.T, server *testenv.RedisServer) redisProject {
	t.Helper()
	project := redisProject{server: server, folder: t.TempDir()}
	if err := os.WriteFile(filepath.Join(project.folder, "spec.hcl"), []byte(redisSpecification), 0o600); err != nil {
		t.Fatal(err)
	}
	return project
}

// run runs imsctl in the folder. What it says never has the password in it.
func (p redisProject) run(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := exec.Command("imsctl", arguments...)
	command.Dir = p.folder
	command.Env = append(os.Environ(), "REDIS_ADDRESS="+p.server.Address, "REDIS_PASSWORD="+p.server.Password)
	output, err := command.CombinedOutput()
	if strings.Contains(string(output), p.server.Password) {
		t.Errorf("%q shows the password:\n%s", arguments, output)
	}
	return string(output), err
}

// must is run for what has to succeed.
func (p redisProject) must(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := p.run(t, arguments...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", arguments, err, output)
	}
	return output
}

// TestRedisBackup backs a server up, and refuses to when it is stopped.
func TestRedisBackup(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET ml:1 one\nSET ml:2 two EX 100000\nSET model:1 one\nSET other 1\nSELECT 2\nSET model:2 two\n")
	project := newRedisProject(t, server)
	project.must(t, "apply", "-auto-approve")
	manifests, err := filepath.Glob(filepath.Join(project.folder, "one", "*", "*.manifest.json"))
	if err != nil || len(manifests) != 1 {
		t.Fatalf("manifests: %q, %v", manifests, err)
	}
	data, err := os.ReadFile(manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		KeyCounts json.RawMessage `json:"key_counts"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	var counts bytes.Buffer
	if err := json.Compact(&counts, manifest.KeyCounts); err != nil {
		t.Fatal(err)
	}
	want := `{"databases":{"0":{"keys":4,"expiring":1},"2":{"keys":1,"expiring":0}},"patterns":{"ml:*":{"keys":2,"expiring":1},"model:*":{"keys":2,"expiring":0}}}`
	if counts.String() != want {
		t.Errorf("counted %s, want %s", counts.String(), want)
	}
	project.must(t, "verify")
	project.must(t, "restore", "-to-file", "restored.rdb", "latest")
	if restored, err := os.ReadFile(filepath.Join(project.folder, "restored.rdb")); err != nil || !bytes.HasPrefix(restored, []byte("REDIS")) {
		t.Errorf("restored %.20q, %v", restored, err)
	}

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	output, err := project.run(t, "apply", "-auto-approve")
	if err == nil || !strings.Contains(output, "connecting to the Redis server at "+server.Address) {
		t.Errorf("with the server stopped: %v\n%s", err, output)
	}
	if listed := project.must(t, "list"); strings.Count(listed, "models-") != 1 {
		t.Errorf("listed:\n%s", listed)
	}
}
