package dockerlogs_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/source/dockerlogs"
)

// open makes the source of a server's containers.
func open(t *testing.T, server *testenv.DockerServer, patterns ...string) providers.Continuing {
	t.Helper()
	config := dockerlogs.Provider().New().(*dockerlogs.Config)
	config.Containers = patterns
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	source, err := config.Source(providers.Environment{
		Hosts:      builtin.Hosts(),
		Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return source.(providers.Continuing)
}

// take reads a source after a position, which may be empty, and returns the files of the archive without the times in their lines.
func take(t *testing.T, source providers.Continuing, position string) (map[string]string, providers.Reading, []byte) {
	t.Helper()
	var now providers.Source = source
	if position != "" {
		var err error
		if now, err = source.After(position); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := now.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	reading, err := now.Read(t.Context(), "run", &archive)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	reader := tar.NewReader(bytes.NewReader(archive.Bytes()))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return files, reading, archive.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = withoutTimes(t, string(content))
	}
}

func withoutTimes(t *testing.T, content string) string {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(content) {
		_, text, found := strings.Cut(line, "Z ")
		if !found {
			t.Fatalf("a line without a time: %q", line)
		}
		lines.WriteString(text)
	}
	return lines.String()
}

// speak starts a container that says what is written into a file of its own, with its process as the first one.
func speak(t *testing.T, server *testenv.DockerServer, name string, more ...string) {
	t.Helper()
	arguments := append([]string{"run", "--detach", "--network", "none", "--name", name}, more...)
	server.Run(t, append(arguments, testenv.Tiny, "sh", "-c", `trap exit TERM; [ -p /say ] || mkfifo /say; while :; do sh </say; done & wait`)...)
	server.Run(t, "exec", name, "sh", "-c", "until [ -p /say ]; do sleep 0.01; done")
}

// say has a container run a script whose output is in its log, and waits until the log has it.
func say(t *testing.T, server *testenv.DockerServer, name, script, last string) {
	t.Helper()
	server.Run(t, "exec", name, "sh", "-c", "echo \""+script+"\" >/say")
	for !strings.Contains(server.Run(t, "logs", "--tail", "5", name)+errorLog(t, server, name), last) {
		continue
	}
}

// errorLog is what a container has said on standard error.
func errorLog(t *testing.T, server *testenv.DockerServer, name string) string {
	t.Helper()
	output, err := server.Command(t.Context(), "logs", "--tail", "5", name).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func TestLogsSinceTheLastArtifact(t *testing.T) {
	server := testenv.Docker(t)
	for _, name := range []string{"ims_web", "ims_quiet", "other"} {
		speak(t, server, name)
	}
	source := open(t, server, "ims_*")
	say(t, server, "ims_web", "echo one; echo two >&2; echo three", "three")
	say(t, server, "ims_web", "echo four >&2", "four")
	first, reading, archive := take(t, source, "")
	if len(first) != 2 || first["./ims_web/stdout.log"] != "one\nthree\n" || first["./ims_web/stderr.log"] != "two\nfour\n" {
		t.Errorf("the first artifact has %q", first)
	}
	restored(t, archive, "one\n")

	second, reading2, _ := take(t, source, reading.Position)
	if len(second) != 0 || len(reading2.Warnings) != 0 {
		t.Errorf("nothing was said, and the artifact has %q with %q", second, reading2.Warnings)
	}
	say(t, server, "ims_web", "echo five; echo six >&2", "six")
	say(t, server, "ims_web", "echo seven", "seven")
	say(t, server, "ims_quiet", "echo now", "now")
	server.Run(t, "restart", "--time", "0", "ims_web")
	third, reading3, _ := take(t, source, reading2.Position)
	if len(third) != 3 || third["./ims_web/stdout.log"] != "five\nseven\n" || third["./ims_web/stderr.log"] != "six\n" || third["./ims_quiet/stdout.log"] != "now\n" {
		t.Errorf("the third artifact has %q", third)
	}
	if again, _, _ := take(t, source, reading2.Position); fmt.Sprint(again) != fmt.Sprint(third) {
		t.Errorf("read again it has %q", again)
	}

	server.Run(t, "rm", "--force", "ims_web")
	speak(t, server, "ims_web")
	say(t, server, "ims_web", "echo reborn", "reborn")
	fourth, reading4, _ := take(t, source, reading3.Position)
	if len(fourth) != 1 || fourth["./ims_web/stdout.log"] != "reborn\n" {
		t.Errorf("of a container that was made again there is %q", fourth)
	}
	if len(reading4.Warnings) != 1 || !strings.Contains(reading4.Warnings[0], "ims_web was made again") {
		t.Errorf("the warnings are %q", reading4.Warnings)
	}
	server.Run(t, "rename", "ims_web", "ims_site")
	server.Run(t, "stop", "--time", "0", "ims_site")
	if fifth, reading, _ := take(t, source, reading4.Position); len(fifth) != 0 || len(reading.Warnings) != 0 {
		t.Errorf("of a container that was renamed and stopped there is %q, %q", fifth, reading.Warnings)
	}
}

// restored restores an archive to a folder and looks for a line.
func restored(t *testing.T, archive []byte, want string) {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	provider, _ := registry.Lookup(providers.KindSource, "docker_logs")
	target := filepath.Join(t.TempDir(), "logs")
	restorer, err := provider.Restore(providers.Environment{Hosts: builtin.Hosts()}, providers.Target{Kind: providers.TargetDirectory, Location: target})
	if err != nil {
		t.Fatal(err)
	}
	if err := restorer.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := restorer.Restore(t.Context(), bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(target, "ims_web", "stdout.log"))
	if err != nil || !strings.Contains(string(content), want) {
		t.Errorf("restored was %q, %v", content, err)
	}
}

func TestRotatedLogs(t *testing.T) {
	server := testenv.Docker(t)
	speak(t, server, "box", "--log-opt", "max-size=20k", "--log-opt", "max-file=3")
	source := open(t, server, "box")
	say(t, server, "box", "echo begin", "begin")
	_, reading, _ := take(t, source, "")
	say(t, server, "box", "for i in \\$(seq 1 250); do echo line \\$i; done", "line 250")
	files, reading, _ := take(t, source, reading.Position)
	if got := files["./box/stdout.log"]; strings.Count(got, "\n") != 250 || !strings.HasPrefix(got, "line 1\n") || len(reading.Warnings) != 0 {
		t.Errorf("over a rotation there are %d lines, %q", strings.Count(got, "\n"), reading.Warnings)
	}
	say(t, server, "box", "for i in \\$(seq 1 3000); do echo line \\$i; done", "line 3000")
	files, reading, _ = take(t, source, reading.Position)
	if got := files["./box/stdout.log"]; !strings.HasSuffix(got, "line 2999\nline 3000\n") {
		t.Errorf("after what was rotated away there is %.100q", got)
	}
	if len(reading.Warnings) != 1 || !strings.Contains(reading.Warnings[0], "there may be a gap") {
		t.Errorf("the warnings are %q", reading.Warnings)
	}
}

func TestLongLinesAndTerminals(t *testing.T) {
	server := testenv.Docker(t)
	speak(t, server, "box")
	speak(t, server, "screen", "--tty")
	say(t, server, "box", "head -c 100000 /dev/zero | tr '\\\\0' x; echo; echo after", "after")
	say(t, server, "screen", "echo shown; echo also >&2", "also")
	files, _, _ := take(t, open(t, server, "box", "screen"), "")
	if want := strings.Repeat("x", 100000) + "\nafter\n"; files["./box/stdout.log"] != want {
		t.Errorf("a long line became %d bytes", len(files["./box/stdout.log"]))
	}
	if got := files["./screen/stdout.log"]; got != "shown\r\nalso\r\n" {
		t.Errorf("a terminal showed %q", got)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	server := testenv.Docker(t)
	speak(t, server, "ims_web")
	for pattern, want := range map[string]string{"ims_wep": "there is ims_web", "shop_*": `has a name like "shop_*": there is ims_web`} {
		source := open(t, server, "ims_*", pattern)
		_, inspectErr := source.Inspect(t.Context())
		_, readErr := source.Read(t.Context(), "run", io.Discard)
		for _, err := range []error{inspectErr, readErr} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v", pattern, err)
			}
		}
	}
	full := errors.New("the disk is full")
	say(t, server, "ims_web", "echo one", "one")
	if _, err := open(t, server, "ims_*").Read(t.Context(), "run", failing{full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	for _, patterns := range [][]string{nil, {"["}, {""}} {
		if problems := (&dockerlogs.Config{Containers: patterns}).Validate(); len(problems) != 1 {
			t.Errorf("%q: got %v", patterns, problems)
		}
	}
}

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
