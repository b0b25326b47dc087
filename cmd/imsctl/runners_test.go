package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// runnersSpec has a backup for each of the runners, which is due whenever one asks.
const runnersSpec = `
locals {
  names = toset(["a", "b", "c", "d"])
}
source "command" "one" {
  for_each = local.names
  command  = ["sh", "-c", "echo ${each.key}; sleep 0.1; date +%s%N"]
}
destination "local" "here" {
  path = "copies"
}
backup "one" {
  for_each = local.names
  source   = source.command.one[each.key]
  to       = [destination.local.here]
  every    = "1ms"
}
`

// TestRunnersAtOnce: four runners of one state, each with a backup of its own, are killed at random moments while somebody else applies
// everything now and then. Nobody is in anybody's way for longer than it says, and what lies at the destination is what is recorded.
func TestRunnersAtOnce(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for name, block := range stateBlocks(t) {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			content := "imsctl {\n" + block("runners") + "\n}\n" + runnersSpec
			if err := os.WriteFile(filepath.Join(folder, "main.hcl"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for i, key := range []string{"a", "b", "c", "d", ""} {
				random := rand.New(rand.NewPCG(seed, uint64(i)))
				group.Go(func() {
					for range rounds {
						runOne(t, folder, key, random)
					}
				})
			}
			group.Wait()
			// The first one settles what the dead have begun, the second one what the first one has adopted.
			for range 2 {
				if output, err := inFolder(folder, "apply", "-auto-approve", "-lock-timeout=5m").CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, output)
				}
			}
			output, err := inFolder(folder, "state", "list").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			var stored []string
			for _, pattern := range []string{"*", ".*"} {
				found, err := filepath.Glob(filepath.Join(folder, "copies", "*", pattern))
				if err != nil {
					t.Fatal(err)
				}
				stored = append(stored, found...)
			}
			if recorded := strings.Count(string(output), "\n"); recorded == 0 || len(stored) != 2*recorded {
				t.Errorf("%d copies are recorded, with their manifests, and there are %d files: %q\n%s", recorded, len(stored), stored, output)
			}
		})
	}
}

// runOne applies the backup of a key, or everything, and kills that once in three times.
func runOne(t *testing.T, folder, key string, random *rand.Rand) {
	arguments := []string{"apply", "-auto-approve", "-lock-timeout=5m"}
	if key != "" {
		arguments = append(arguments, "-target", fmt.Sprintf("backup.one[%q]", key))
	}
	command := inFolder(folder, arguments...)
	output := new(strings.Builder)
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		t.Error(err)
		return
	}
	killed := random.IntN(3) == 0
	if killed {
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		_ = command.Process.Kill()
	}
	err := command.Wait()
	ended := new(exec.ExitError)
	if killed && errors.As(err, &ended) && ended.Sys().(syscall.WaitStatus).Signaled() {
		return
	}
	if err != nil {
		t.Errorf("%q: %v\n%s", arguments, err, output)
	}
}

// inFolder is a command of imsctl in a folder.
func inFolder(folder string, arguments ...string) *exec.Cmd {
	command := exec.Command("imsctl", arguments...)
	command.Dir = folder
	return command
}
