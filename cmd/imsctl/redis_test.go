package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// TestRedisRestore restores a backup into servers: another one, its own, and one that is stopped.
func TestRedisRestore(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET ml:1 one\nSET ml:2 two EX 100000\nHSET model:1 a 1\nSELECT 2\nSET model:2 two\n")
	project := newRedisProject(t, server)
	project.must(t, "apply", "-auto-approve")
	want := server.Do(t, "DEBUG", "DIGEST")

	other := testenv.Redis(t)
	t.Setenv("REDISCLI_AUTH", other.Password)
	if output := project.must(t, "restore", "-to-redis", other.Address, "latest"); !strings.Contains(output, "4 keys are as many as the snapshot has") {
		t.Errorf("it says:\n%s", output)
	}
	if got := other.Do(t, "DEBUG", "DIGEST"); got != want {
		t.Errorf("the other server holds %s, not %s", got, want)
	}
	output, err := project.run(t, "restore", "-to-redis", other.Address, "latest")
	if err == nil || !strings.Contains(strings.Join(strings.Fields(output), " "), "is not empty (it has 3 keys in database 0, 1 keys in database 2)") {
		t.Errorf("into a server that is not empty: %v\n%s", err, output)
	}
	output, err = project.run(t, "restore", "-to-redis", "localhost:6379", "-container", "no_such_redis", "latest")
	if err == nil || !strings.Contains(output, "no_such_redis") && !strings.Contains(output, "docker.sock") {
		t.Errorf("into a container that is not there: %v\n%s", err, output)
	}
	output, err = project.run(t, "restore", "-to-file", "x", "-container", "no_such_redis", "latest")
	if err == nil || !strings.Contains(output, "-container goes with -to-redis") {
		t.Errorf("a file in a container: %v\n%s", err, output)
	}
	output, err = project.run(t, "restore", "-to-redis", other.Address, "-table", "x", "latest")
	if err == nil || !strings.Contains(strings.Join(strings.Fields(output), " "), "restored as a whole") {
		t.Errorf("one table of Redis: %v\n%s", err, output)
	}

	// Over its own server, after a backup of what is there.
	server.Fill(t, "FLUSHALL\nSET ml:3 three\n")
	first := strings.Fields(project.must(t, "list"))
	artifact := first[slices.IndexFunc(first, func(word string) bool { return strings.HasPrefix(word, "models-") })]
	project.must(t, "restore", "-to-source", "-overwrite", "-auto-approve", artifact)
	if got := server.Do(t, "DEBUG", "DIGEST"); got != want {
		t.Errorf("the server holds %s, not %s", got, want)
	}
	if listed := project.must(t, "list"); strings.Count(listed, "models-") != 2 {
		t.Errorf("there is no backup of what was replaced:\n%s", listed)
	}

	if err := other.Stop(); err != nil {
		t.Fatal(err)
	}
	project.must(t, "restore", "-to-directory", other.Folder, artifact)
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := other.Do(t, "DEBUG", "DIGEST"); got != want {
		t.Errorf("the server that was stopped holds %s, not %s", got, want)
	}
}

// TestRedisDrill proves a backup, and is told that a copy of another number of keys is none.
func TestRedisDrill(t *testing.T) {
	server := testenv.Redis(t)
	server.Fill(t, "SET ml:1 one\nSET ml:2 two EX 100000\nSET other 3\n")
	project := newRedisProject(t, server)
	text, err := os.ReadFile(filepath.Join(project.folder, "spec.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	places, err := os.MkdirTemp("", "drill-") // the path of a socket must not be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(places) })
	text = append(text, "drill \"models\" {\n  backup = backup.models\n  every  = \"7d\"\n  into \"redis\" {\n    path = \""+places+"\"\n  }\n}\n"...)
	if err := os.WriteFile(filepath.Join(project.folder, "spec.hcl"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := project.run(t, "apply", "-auto-approve"); err != nil || !strings.Contains(output, "3 keys equal") {
		t.Errorf("%v:\n%s", err, output)
	}
	if output, err := project.run(t, "drill"); err != nil || !strings.Contains(output, "3 keys equal") {
		t.Errorf("%v:\n%s", err, output)
	}
	if entries, err := os.ReadDir(places); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
