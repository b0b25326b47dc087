package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/release"
)

// TestMain lets the scripts run imsctl as a process of its own, whose clock can be set by IMSCTL_TEST_NOW (RFC 3339).
func TestMain(m *testing.M) {
	testscript.Main(withMachine{m}, map[string]func(){"imsctl": imsctlForTests})
}

// deployMachine is the machine that all tests of deploys share.
var deployMachine release.Shared

// withMachine runs tests and ends that machine.
type withMachine struct{ *testing.M }

// Run implements testscript.TestingM.
func (m withMachine) Run() int { return deployMachine.Run(m.M) }

func imsctlForTests() {
	cli := &cli{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environment: takeEnvironment(), clock: clock.System{}, version: "0.1.0",
	}
	if text, ok := cli.getenv("IMSCTL_TEST_NOW"); ok && text != "" {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		cli.clock = clock.NewManual(now)
	}
	if text, ok := cli.getenv("IMSCTL_TEST_PATIENCE"); ok && text != "" {
		patience, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		cli.patience = patience
	}
	ctx, stop := cli.interruptible()
	code := cli.execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// TestScripts runs the scenarios of whole commands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                scriptCommands,
	})
}

// TestPostgresScripts runs the scenarios that need a PostgreSQL server.
func TestPostgresScripts(t *testing.T) {
	server := testenv.Postgres(t)
	commands := maps.Clone(scriptCommands)
	commands["createdb"] = func(ts *testscript.TestScript, _ bool, arguments []string) { createDatabase(ts, t, server, arguments) }
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/postgres",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands,
	})
}

// TestAgeScripts runs the scenarios that hold encrypted copies against the reference tools.
func TestAgeScripts(t *testing.T) {
	for _, program := range []string{"zstd", "ssh-keygen"} {
		testenv.Need(t, program)
	}
	age := testenv.Age(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/age",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", age+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return setup(env)
		},
		Cmds: scriptCommands,
	})
}

func setup(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("NO_COLOR", "1")
	// The program itself, for scripts that run it where the PATH does not lead.
	program, err := exec.LookPath("imsctl")
	if err != nil {
		return err
	}
	env.Setenv("IMSCTL", program)
	return nil
}

var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"truncate": truncateFile,
	"flipbit":  flipBit,
	"glob":     globOne,
	"exitcode": exitStatus,
	"samedb":   sameDatabase,
	"replace":  replaceInFile,
	"tmpfs":    mountTmpfs,
	"setenv":   setFromFile,
}

// createDatabase makes and fills a database: createdb VARIABLE NAME ROWS sets VARIABLE to its URL. With "empty" for ROWS
// it stays empty, with "none" it is not made at all.
func createDatabase(ts *testscript.TestScript, t *testing.T, server *testenv.PostgresServer, arguments []string) {
	name := arguments[1]
	ts.Setenv(arguments[0], server.URL(name))
	if arguments[2] == "none" {
		return
	}
	server.CreateDatabase(t, name)
	if arguments[2] == "empty" {
		return
	}
	rows, err := strconv.Atoi(arguments[2])
	ts.Check(err)
	ts.Check(testenv.Seed(context.Background(), server.URL(name), rows))
}

// sameDatabase compares two databases table by table: samedb URL URL.
func sameDatabase(ts *testscript.TestScript, negative bool, arguments []string) {
	one, err := testenv.Fingerprint(context.Background(), arguments[0])
	ts.Check(err)
	other, err := testenv.Fingerprint(context.Background(), arguments[1])
	ts.Check(err)
	if difference := cmp.Diff(one, other); (difference == "") == negative {
		ts.Fatalf("equal: %v\n%s", difference == "", difference)
	}
}

// exitStatus runs a program and expects an exit status: exitcode N PROGRAM ARGUMENT...
func exitStatus(ts *testscript.TestScript, _ bool, arguments []string) {
	want, err := strconv.Atoi(arguments[0])
	ts.Check(err)
	err = ts.Exec(arguments[1], arguments[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// replaceInFile replaces a text in a file, which must hold it: replace FILE OLD NEW.
func replaceInFile(ts *testscript.TestScript, _ bool, arguments []string) {
	text := ts.ReadFile(arguments[0])
	if !strings.Contains(text, arguments[1]) {
		ts.Fatalf("%s does not hold %q", arguments[0], arguments[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte(strings.ReplaceAll(text, arguments[1], arguments[2])), 0o600))
}

// setFromFile sets an environment variable to the content of a file: setenv NAME FILE.
func setFromFile(ts *testscript.TestScript, _ bool, arguments []string) {
	ts.Setenv(arguments[0], ts.ReadFile(arguments[1]))
}

// mountTmpfs mounts a small file system until the script ends: tmpfs FOLDER SIZE.
func mountTmpfs(ts *testscript.TestScript, _ bool, arguments []string) {
	folder := ts.MkAbs(arguments[0])
	ts.Check(os.MkdirAll(folder, 0o700))
	ts.Check(ts.Exec("mount", "-t", "tmpfs", "-o", "size="+arguments[1], "tmpfs", folder))
	ts.Defer(func() {
		if output, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			ts.Logf("umount: %v: %s", err, output)
		}
	})
}

// globOne sets an environment variable to the one file that matches a pattern: glob NAME PATTERN. With "!" the pattern
// must match nothing.
func globOne(ts *testscript.TestScript, negative bool, arguments []string) {
	pattern := arguments[len(arguments)-1]
	matches, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if negative {
		if len(matches) > 0 {
			ts.Fatalf("%s matches %v", pattern, matches)
		}
		return
	}
	if len(matches) != 1 {
		ts.Fatalf("%s matches %d files: %v", pattern, len(matches), matches)
	}
	ts.Setenv(arguments[0], matches[0])
}

// truncateFile cuts a file to a size: truncate FILE BYTES. A negative size cuts that many bytes off the end.
func truncateFile(ts *testscript.TestScript, _ bool, arguments []string) {
	path := ts.MkAbs(arguments[0])
	size, err := strconv.ParseInt(arguments[1], 10, 64)
	ts.Check(err)
	if size < 0 {
		info, err := os.Stat(path)
		ts.Check(err)
		size += info.Size()
	}
	ts.Check(os.Truncate(path, size))
}

// flipBit changes one bit in the middle of a file and leaves its times alone: flipbit FILE.
func flipBit(ts *testscript.TestScript, _ bool, arguments []string) {
	path := ts.MkAbs(arguments[0])
	info, err := os.Stat(path)
	ts.Check(err)
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[len(data)/2] ^= 0x10
	ts.Check(os.WriteFile(path, data, info.Mode()))
	ts.Check(os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// TestBackendScripts runs the scenarios of states on servers, with each kind of server: state.hcl says where the state of a
// script is, key.txt has an identity, and RECIPIENT is its public key.
func TestBackendScripts(t *testing.T) {
	for name, block := range stateBlocks(t) {
		t.Run(name, func(t *testing.T) {
			var states atomic.Int64
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata/backends",
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup: func(env *testscript.Env) error {
					number := fmt.Sprint(states.Add(1))
					identity, err := age.GenerateX25519Identity()
					if err != nil {
						return err
					}
					env.Setenv("RECIPIENT", identity.Recipient().String())
					if err := os.WriteFile(filepath.Join(env.WorkDir, "key.txt"), []byte(identity.String()+"\n"), 0o600); err != nil {
						return err
					}
					content := "imsctl {\n" + block(number) + "\n}\n"
					if err := os.WriteFile(filepath.Join(env.WorkDir, "state.hcl"), []byte(content), 0o600); err != nil {
						return err
					}
					return setup(env)
				},
				Cmds: scriptCommands,
			})
		})
	}
}

// TestLostServer runs the scenarios of a state whose server is gone meanwhile.
func TestLostServer(t *testing.T) {
	server := testenv.Postgres(t)
	commands := maps.Clone(scriptCommands)
	commands["server"] = func(ts *testscript.TestScript, _ bool, arguments []string) {
		do := map[string]func() error{"stop": server.Stop, "start": func() error { return server.Start(t.Context()) }}[arguments[0]]
		ts.Check(do())
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/lost",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			content := fmt.Sprintf("imsctl {\n  state \"postgres\" {\n    url = %q\n  }\n}\n", server.URL("postgres"))
			if err := os.WriteFile(filepath.Join(env.WorkDir, "state.hcl"), []byte(content), 0o600); err != nil {
				return err
			}
			return setup(env)
		},
		Cmds: commands,
	})
}

// stateBlocks start the servers, and return for each the state block of a number.
func stateBlocks(t *testing.T) map[string]func(number string) string {
	t.Helper()
	server, google, azure := testenv.Postgres(t), testenv.GCS(t), testenv.Azurite(t)
	if err := testenv.MakeBucket(t.Context(), google, "state"); err != nil {
		t.Fatal(err)
	}
	if err := azure.MakeContainer(t.Context(), "state"); err != nil {
		t.Fatal(err)
	}
	return map[string]func(string) string{
		"postgres": func(number string) string {
			return fmt.Sprintf("  state \"postgres\" {\n    url  = %q\n    name = %q\n  }", server.URL("postgres"), "state-"+number)
		},
		"gcs": func(number string) string {
			return fmt.Sprintf("  state \"gcs\" {\n    bucket   = \"state\"\n    prefix   = %q\n    endpoint = %q\n  }", "state-"+number, google)
		},
		"azblob": func(number string) string {
			return fmt.Sprintf("  state \"azblob\" {\n    account     = %q\n    account_key = %q\n    container   = \"state\"\n    prefix      = %q\n    endpoint    = %q\n  }",
				azure.Account, azure.Key, "state-"+number, azure.Endpoint)
		},
	}
}
