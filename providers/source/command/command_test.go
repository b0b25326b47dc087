package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/command"
)

// newSource makes the source of a configuration on this machine.
func newSource(t *testing.T, directory string, change func(*command.Config)) providers.Source {
	t.Helper()
	config := command.Provider().New().(*command.Config)
	change(config)
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatalf("invalid: %+v", problems)
	}
	source, err := config.Source(providers.Environment{
		Hosts:     func(providers.Reference) (providers.Host, error) { return local.New(), nil },
		Directory: directory,
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// shell is the source of a shell script.
func shell(t *testing.T, script string) providers.Source {
	testenv.Need(t, "sh")
	return newSource(t, t.TempDir(), func(c *command.Config) { c.Command = []string{"sh", "-c", script} })
}

func TestOutputIsPassedOn(t *testing.T) {
	cat := testenv.Need(t, "cat")
	folder := t.TempDir()
	content := bytes.Repeat([]byte("\x00\r\nany bytes\xff"), 100_000)
	if err := os.WriteFile(filepath.Join(folder, "input"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	// The file is found because the program runs in the folder of the specification.
	source := newSource(t, folder, func(c *command.Config) { c.Command = []string{cat, "input"} })
	var output bytes.Buffer
	reading, err := source.Read(t.Context(), "run", &output)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(output.Bytes(), content) {
		t.Errorf("%d bytes, not the %d of the file", output.Len(), len(content))
	}
	if diff := cmp.Diff(providers.Reading{}, reading); diff != "" {
		t.Errorf("reading (-want +got):\n%s", diff)
	}
}

func TestRelativeProgramStartsAtTheDirectory(t *testing.T) {
	testenv.Need(t, "sh")
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "bin", "dump"), []byte("#!/bin/sh\nprintf %s \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"bin/dump", "./bin/dump"} {
		source := newSource(t, folder, func(c *command.Config) { c.Command = []string{program, "$HOME; 'a b'"} })
		if _, err := source.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
		var output bytes.Buffer
		if _, err := source.Read(t.Context(), "run", &output); err != nil {
			t.Fatal(err)
		}
		if got := output.String(); got != "$HOME; 'a b'" {
			t.Errorf("%s wrote %q: a shell was involved", program, got)
		}
	}
}

func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		want   []string
	}{
		"exit status":                {"echo half; echo no such table >&2; exit 3", []string{"sh", "exit status 3", "no such table"}},
		"killed":                     {"echo half; kill -9 $$", []string{"sh", "SIGKILL"}},
		"nothing written":            {"echo done >&2", []string{"sh", "wrote nothing"}},
		"the last of standard error": {"echo half; i=0; while [ $i -lt 1000 ]; do echo noise number $i >&2; i=$((i+1)); done; exit 1", []string{"noise number 999"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := shell(t, test.script).Read(t.Context(), "run", io.Discard)
			if err == nil {
				t.Fatal("a failure was taken for a backup")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if len(err.Error()) > 5000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestExitErrorStays(t *testing.T) {
	_, err := shell(t, "exit 7").Read(t.Context(), "run", io.Discard)
	var exit *providers.ExitError
	if !errors.As(err, &exit) || exit.Code != 7 {
		t.Errorf("got %v, want exit status 7", err)
	}
}

func TestUnknownProgram(t *testing.T) {
	for _, program := range []string{"imsctl-no-such-program", "./missing"} {
		source := newSource(t, t.TempDir(), func(c *command.Config) { c.Command = []string{program} })
		if _, err := source.Inspect(t.Context()); err == nil || !strings.Contains(err.Error(), filepath.Base(program)) {
			t.Errorf("inspecting %s: %v", program, err)
		}
		if _, err := source.Read(t.Context(), "run", io.Discard); err == nil {
			t.Errorf("%s was run", program)
		}
	}
}

func TestChattySuccessIsNoWarning(t *testing.T) {
	reading, err := shell(t, "echo data; echo 100 percent >&2").Read(t.Context(), "run", io.Discard)
	if err != nil || len(reading.Warnings) > 0 {
		t.Errorf("got %+v, %v", reading, err)
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	const secret = "s3cret-of-the-database"
	for name, script := range map[string]string{
		"whole": `echo data; echo "cannot log in with $PASSWORD or $PASSWORD" >&2; exit 1`,
		// What is kept of standard error, 4096 bytes, begins within the secret.
		"cut": `echo data; printf %s "$PASSWORD" >&2; i=0; while [ $i -lt 4086 ]; do printf x >&2; i=$((i+1)); done; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			testenv.Need(t, "sh")
			source := newSource(t, t.TempDir(), func(c *command.Config) {
				c.Command = []string{"sh", "-c", script}
				c.Environment = map[string]string{"PASSWORD": secret, "SHORTER": secret[:6], "FLAG": "1"}
			})
			_, err := source.Read(t.Context(), "run", io.Discard)
			if err == nil || strings.Contains(err.Error(), "database") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error is %v", err)
			}
			if !strings.Contains(fmt.Sprint(err), "(sensitive)") {
				t.Errorf("the error does not show that something was struck out: %v", err)
			}
		})
	}
}

func TestEnvironmentReachesTheProgram(t *testing.T) {
	testenv.Need(t, "sh")
	source := newSource(t, t.TempDir(), func(c *command.Config) {
		c.Command = []string{"sh", "-c", `printf "%s|%s" "$TEXT" "$PATH"`}
		c.Environment = map[string]string{"TEXT": "a=b\nc"}
	})
	var output bytes.Buffer
	if _, err := source.Read(t.Context(), "run", &output); err != nil {
		t.Fatal(err)
	}
	if want := "a=b\nc|" + os.Getenv("PATH"); output.String() != want {
		t.Errorf("got %q, want %q", output.String(), want)
	}
}

var errDisk = errors.New("the disk is full")

// brokenWriter fails from its second Write on.
type brokenWriter struct{ writes int }

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.writes++; b.writes > 1 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestErrorOfTheWriterEndsTheProgram(t *testing.T) {
	_, err := shell(t, "while echo data; do :; done").Read(t.Context(), "run", &brokenWriter{})
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}

// cancelWriter ends a context once something was written.
type cancelWriter struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelWriter) Write(p []byte) (int, error) {
	defer c.cancel()
	return c.Buffer.Write(p)
}

func TestStubbornProgramIsKilled(t *testing.T) {
	testenv.Need(t, "sleep")
	ctx, cancel := context.WithCancel(t.Context())
	output := &cancelWriter{cancel: cancel}
	_, err := shell(t, "trap '' TERM; echo $$; while :; do sleep 100; done").Read(ctx, "run", output)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(output.String(), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

func TestFormat(t *testing.T) {
	testenv.Need(t, "sh")
	for name, test := range map[string]struct {
		change func(*command.Config)
		want   providers.Format
	}{
		"defaults": {func(*command.Config) {}, providers.Format{Extension: ".bin", Trailer: []byte{}}},
		"all": {
			func(c *command.Config) { c.Extension, c.Header, c.EndMarker = ".ldif", "version: 1", "# end" },
			providers.Format{Extension: ".ldif", Headers: [][]byte{[]byte("version: 1")}, Trailer: []byte("# end")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := newSource(t, t.TempDir(), func(c *command.Config) { c.Command = []string{"sh"}; test.change(c) })
			if diff := cmp.Diff(test.want, source.Format()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	valid := func(change func(*command.Config)) *command.Config {
		config := command.Provider().New().(*command.Config)
		config.Command = []string{"pg_dump"}
		change(config)
		return config
	}
	for name, test := range map[string]struct {
		change func(*command.Config)
		want   string
	}{
		"valid":              {func(c *command.Config) {}, ""},
		"two parts":          {func(c *command.Config) { c.Extension = ".tar.gz" }, ""},
		"space in program":   {func(c *command.Config) { c.Command = []string{"/opt/my tools/dump"} }, ""},
		"no command":         {func(c *command.Config) { c.Command = nil }, "command"},
		"empty program":      {func(c *command.Config) { c.Command = []string{"", "x"} }, "command"},
		"zero byte":          {func(c *command.Config) { c.Command = []string{"a", "\x00"} }, "command"},
		"empty extension":    {func(c *command.Config) { c.Extension = "" }, "extension"},
		"no dot":             {func(c *command.Config) { c.Extension = "sql" }, "extension"},
		"slash in extension": {func(c *command.Config) { c.Extension = "./x" }, "extension"},
		"dots only":          {func(c *command.Config) { c.Extension = ".." }, "extension"},
		"line in extension":  {func(c *command.Config) { c.Extension = ".a\n" }, "extension"},
		"empty variable":     {func(c *command.Config) { c.Environment = map[string]string{"": "x"} }, "environment"},
		"equals in variable": {func(c *command.Config) { c.Environment = map[string]string{"A=B": "x"} }, "environment"},
		"zero byte in value": {func(c *command.Config) { c.Environment = map[string]string{"A": "\x00hidden"} }, "environment"},
		"long header":        {func(c *command.Config) { c.Header = strings.Repeat("x", providers.HeaderWindow+1) }, "header"},
		"long end marker":    {func(c *command.Config) { c.EndMarker = strings.Repeat("x", providers.TrailerWindow+1) }, "end_marker"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := valid(test.change).Validate()
			switch {
			case test.want == "" && len(problems) > 0:
				t.Errorf("got %+v", problems)
			case test.want != "" && (len(problems) != 1 || problems[0].Attribute != test.want || problems[0].Detail == ""):
				t.Errorf("got %+v, want one about %s", problems, test.want)
			case strings.Contains(fmt.Sprint(problems), "hidden"):
				t.Errorf("a value is shown: %+v", problems)
			}
		})
	}
}

// TestFalseIsAFailure runs the plainest failing program there is.
func TestFalseIsAFailure(t *testing.T) {
	program := testenv.Need(t, "false")
	source := newSource(t, t.TempDir(), func(c *command.Config) { c.Command = []string{program} })
	if _, err := source.Read(t.Context(), "run", io.Discard); err == nil || !strings.Contains(err.Error(), "false: exit status 1") {
		t.Errorf("got %v", err)
	}
}
