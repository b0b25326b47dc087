package main

import (
	"context"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestCleanupScripts runs the scenarios that clean up after a container engine, each with an engine of its own and a clock that is forty days
// ahead, so that everything is old.
func TestCleanupScripts(t *testing.T) {
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root sees who has a file open")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/docker",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			server, err := testenv.StartDocker(t.Context())
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, variable := range server.Environment() {
				if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "DOCKER_") {
					env.Setenv(name, value)
				}
			}
			env.Values[engineKey{}] = server
			env.Setenv("IMSCTL_TEST_NOW", time.Now().AddDate(0, 0, 40).Add(time.Hour).UTC().Format(time.RFC3339))
			return setup(env)
		},
		Cmds: cleanupCommands(),
	})
}

// engineKey is where a script's engine is found.
type engineKey struct{}

// cleanupCommands are those of all scripts, and one that has a container fill its log: "fill CONTAINER FROM TO" lines.
func cleanupCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := maps.Clone(scriptCommands)
	commands["fill"] = func(ts *testscript.TestScript, _ bool, arguments []string) {
		server := ts.Value(engineKey{}).(*testenv.DockerServer)
		name, from, to := arguments[0], arguments[1], arguments[2]
		const say = `i=$0; while [ $i -le $1 ]; do echo "line $i, which is long enough to fill a file before long"; i=$((i+1)); done >/proc/1/fd/1`
		if output, err := server.Command(context.Background(), "exec", name, "sh", "-c", say, from, to).CombinedOutput(); err != nil {
			ts.Fatalf("%v: %s", err, output)
		}
		for {
			output, err := server.Command(context.Background(), "logs", "--tail", "1", name).CombinedOutput()
			ts.Check(err)
			if strings.Contains(string(output), "line "+to+",") {
				return
			}
		}
	}
	return commands
}
