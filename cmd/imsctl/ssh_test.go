package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestSSHScripts runs the scenarios with a machine that is reached by SSH: each has a server of its own, called vm, and is
// in the home folder of its user.
func TestSSHScripts(t *testing.T) {
	commands := make(map[string]func(*testscript.TestScript, bool, []string), len(scriptCommands)+2)
	for name, command := range scriptCommands {
		commands[name] = command
	}
	commands["knownas"] = knownAs
	commands["sshkey"] = newKey
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/ssh",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			if err := setup(env); err != nil {
				return err
			}
			server := testenv.SSH(t)
			env.Setenv("HOME", server.Home)
			return nil
		},
		Cmds: commands,
	})
}

// knownAs says that the machine of a known_hosts file has another key: knownas FILE KEYFILE.
func knownAs(ts *testscript.TestScript, _ bool, arguments []string) {
	address, _, _ := strings.Cut(ts.ReadFile(filepath.Join(ts.Getenv("WORK"), "known")), " ")
	line := fmt.Sprintf("%s %s\n", address, strings.TrimSpace(ts.ReadFile(arguments[1])))
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte(line), 0o600))
}

// newKey replaces the file of a key by that of another one: sshkey FILE.
func newKey(ts *testscript.TestScript, _ bool, arguments []string) {
	_, err := testenv.NewSSHKey(ts.MkAbs(arguments[0]))
	ts.Check(err)
}
