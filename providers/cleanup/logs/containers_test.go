package logs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/dockerlogs"
)

// environment is that of a server, a month ahead.
func environment(server *testenv.DockerServer) providers.Environment {
	return providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return local.New(), nil }, Clock: later{month},
		Containers: func(host providers.Host) (providers.Containers, error) { return docker.New(host, server.Socket) },
	}
}

// reader is a source of logs with all that it has read so far.
type reader struct {
	config    *dockerlogs.Config
	source    providers.Continuing
	position  string
	artifacts []providers.BackingArtifact
	read      strings.Builder
	warnings  []string
}

func newReader(t *testing.T, server *testenv.DockerServer, patterns ...string) *reader {
	t.Helper()
	r := &reader{config: &dockerlogs.Config{Containers: patterns}}
	source, err := r.config.Source(environment(server))
	if err != nil {
		t.Fatal(err)
	}
	r.source = source.(providers.Continuing)
	return r
}

// again takes one more artifact.
func (r *reader) again(t *testing.T) {
	t.Helper()
	began := time.Now()
	var source providers.Source = r.source
	var err error
	if r.position != "" {
		if source, err = r.source.After(r.position); err != nil {
			t.Fatal(err)
		}
	}
	var archive bytes.Buffer
	reading, err := source.Read(t.Context(), "run", &archive)
	if err != nil {
		t.Fatal(err)
	}
	r.position, r.warnings = reading.Position, append(r.warnings, reading.Warnings...)
	spans, err := r.config.Spans(r.position)
	if err != nil {
		t.Fatal(err)
	}
	r.artifacts = append(r.artifacts, providers.BackingArtifact{ID: fmt.Sprint(len(r.artifacts)), StartedAt: began, Logs: spans})
	for files := tar.NewReader(&archive); ; {
		header, err := files.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(header.Name, "stdout.log") {
			if _, err := io.Copy(&r.read, files); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// speak has a container say numbered lines, and waits until its log has the last one.
func speak(t *testing.T, server *testenv.DockerServer, from, to int) {
	t.Helper()
	server.Run(t, "exec", "web", "sh", "-c", fmt.Sprintf(`i=%d; while [ $i -le %d ]; do echo "line $i, which is long enough to fill a file before long"; i=$((i+1)); done >/proc/1/fd/1`, from, to))
	for !strings.Contains(server.Run(t, "logs", "--tail", "1", "web"), fmt.Sprintf("line %d,", to)) {
		continue
	}
}

// openLogs makes a cleaner of the logs of containers behind what a reader has.
func openLogs(t *testing.T, server *testenv.DockerServer, r *reader) providers.Cleaner {
	t.Helper()
	config := Provider().New().(*Config)
	config.Containers = []string{"*"}
	if problems := config.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	made, err := config.Cleaner(environment(server))
	if err != nil {
		t.Fatal(err)
	}
	return made.(providers.Backed).Behind(providers.CleanupBacking{Source: r.config, Artifacts: r.artifacts})
}

// logFiles counts the files of the log of the container web.
func logFiles(t *testing.T, server *testenv.DockerServer) int {
	t.Helper()
	found, err := filepath.Glob(server.Run(t, "inspect", "--format", "{{.LogPath}}", "web") + "*")
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestContainers(t *testing.T) {
	needRoot(t)
	server := testenv.Docker(t)
	for _, compress := range []string{"false", "true"} {
		t.Run("compress="+compress, func(t *testing.T) {
			const waits = `echo begun >&2; trap exit TERM; sleep 1000000 & wait`
			server.Run(t, "run", "--detach", "--name", "web", "--network", "none", "--log-opt", "max-size=20k", "--log-opt", "max-file=5", "--log-opt", "compress="+compress, testenv.Tiny, "sh", "-c", waits)
			server.Run(t, "run", "--detach", "--name", "whole", "--network", "none", testenv.Tiny)
			server.Run(t, "run", "--detach", "--name", "elsewhere", "--network", "none", "--log-driver", "none", testenv.Tiny)
			defer server.Run(t, "rm", "--force", "web", "whole", "elsewhere")
			r := newReader(t, server, "we*", "who*")

			speak(t, server, 1, 50)
			r.again(t)
			speak(t, server, 51, 400)
			if n := logFiles(t, server); n < 3 {
				t.Fatalf("the log has %d files", n)
			}
			view, names := inspect(t, openLogs(t, server, r), "")
			if names != "" || !strings.Contains(strings.Join(view.Notes, "\n"), "the backup has the log until") {
				t.Errorf("before it is backed up, planned are %q, noted is %q", names, view.Notes)
			}
			r.again(t)
			cleaner := openLogs(t, server, r)
			view, _ = inspect(t, cleaner, "")
			notes := strings.Join(view.Notes, "\n")
			if len(view.Items) == 0 || len(view.Refusals) > 0 || !strings.Contains(view.Items[0].Detail, "log of web, ") || !strings.Contains(notes, "1 container has its whole log in the one file that the engine writes to") ||
				!strings.Contains(notes, "the log of elsewhere stays: it is kept by none") {
				t.Fatalf("the view is %+v", view)
			}
			before := logFiles(t, server)
			outcome, err := cleaner.Remove(t.Context(), providers.CleanupOrder{Items: view.Items}, view)
			if err != nil || len(outcome.Removed) != len(view.Items) || outcome.Freed != view.Bytes() || outcome.Freed == 0 {
				t.Errorf("%v, got %+v of %+v", err, outcome, view.Items)
			}
			if after := logFiles(t, server); after != before-len(view.Items) || after < 1 {
				t.Errorf("there are %d files, and were %d", after, before)
			}
			// What is still said is read on, without a gap and without a warning, and the engine goes on rotating.
			speak(t, server, 401, 700)
			r.again(t)
			if len(r.warnings) > 0 {
				t.Errorf("warned was %q", r.warnings)
			}
			for i, at := 1, 0; i <= 700; i++ {
				next := strings.Index(r.read.String()[at:], fmt.Sprintf(" line %d,", i))
				if next < 0 {
					t.Fatalf("line %d is in no artifact", i)
				}
				at += next
			}
			// Without the artifact that had the older lines nobody has a copy of them.
			r.artifacts = r.artifacts[1:]
			if _, names := inspect(t, openLogs(t, server, &reader{config: r.config, artifacts: r.artifacts[:1]}), ""); strings.Contains(names, "json.log.4") {
				t.Errorf("with one artifact planned are %q", names)
			}
		})
	}
}

// line is a line as the engine writes it.
func line(second int) string {
	return fmt.Sprintf(`{"log":"x \"time\":\"2020-01-01T00:00:00Z\"}\n","stream":"stdout","time":"2026-11-01T12:%02d:%02d.5Z"}`+"\n", second/60, second%60)
}

// TestUncovered holds what is known of files against what the backup has.
func TestUncovered(t *testing.T) {
	second := func(n int) time.Time { return time.Date(2026, 11, 1, 12, n/60, n%60, 500_000_000, time.UTC) }
	span := func(after, until int) providers.BackingArtifact {
		one := providers.LogSpan{Container: "17", Until: second(until)}
		if after > 0 {
			one.After = second(after)
		}
		return providers.BackingArtifact{Logs: []providers.LogSpan{{Container: "18", Until: second(3000)}, one}}
	}
	three := []string{line(10) + line(20), line(30) + line(40), line(50)}
	for name, test := range map[string]struct {
		files     []string // oldest first
		artifacts []providers.BackingArtifact
		want      string
	}{
		"all of it":             {three, []providers.BackingArtifact{span(0, 50)}, ""},
		"no artifact":           {three, nil, ""},
		"in two artifacts":      {three, []providers.BackingArtifact{span(0, 15), span(15, 50)}, ""},
		"in overlapping ones":   {three, []providers.BackingArtifact{span(0, 30), span(15, 50)}, ""},
		"with a gap":            {three, []providers.BackingArtifact{span(0, 12), span(15, 50)}, "the backups that had its lines of before 2026-11-01 12:00 UTC are gone"},
		"begun later":           {three, []providers.BackingArtifact{span(15, 50)}, "are gone"},
		"in part":               {three, []providers.BackingArtifact{span(0, 15)}, "the backup has the log until 2026-11-01 12:00 UTC only"},
		"up to its end":         {three, []providers.BackingArtifact{span(0, 20)}, "the backup has the log until"},
		"the mark is not there": {three, []providers.BackingArtifact{span(0, 100)}, "the backup has the log until"},
		"another container's":   {three, []providers.BackingArtifact{{Logs: []providers.LogSpan{{Container: "18", Until: second(50)}}}}, "has nothing of this container"},
		"a clock set back":      {[]string{line(10) + line(20), line(15), line(50)}, []providers.BackingArtifact{span(0, 50)}, "not in order"},
		"no lines":              {[]string{"", line(50)}, []providers.BackingArtifact{span(0, 50)}, "cannot be read"},
		"something else":        {[]string{line(10) + "{\n", line(50)}, []providers.BackingArtifact{span(0, 50)}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			one := &chain{container: providers.Container{Name: "web", ID: "17"}, path: filepath.Join(folder, "17-json.log")}
			for i, content := range test.files {
				at := one.path
				if n := len(test.files) - 1 - i; n > 0 {
					at += fmt.Sprintf(".%d", n)
				}
				if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write(t, one.path+".tmp") // of somebody else
			c := &cleaner{host: local.New(), backing: providers.CleanupBacking{Artifacts: test.artifacts}}
			if err := c.list(one); err != nil {
				t.Fatal(err)
			}
			if err := c.readSpans(t.Context(), one); err != nil || len(one.files) != len(test.files) {
				t.Fatalf("%v, the files are %+v", err, one.files)
			}
			if got := c.uncovered(one, 0); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q of %+v", got, one.files)
			}
		})
	}
}
