package compression

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// script is a tool that is a shell script.
func script(t *testing.T, name, text string) *program {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return &program{name: name, find: func() (string, string) { return path, "1.0" }}
}

// withTool is the codec of a method whose tool is given.
func withTool(t *testing.T, name string, tool *program) *codec {
	t.Helper()
	made := map[string]func(*program) method{"zstd": zstdMethod, "xz": xzMethod, "bzip2": bzip2Method}[name](tool)
	return &codec{method: made, level: made.standard}
}

// large is more than any format compresses without its program.
func large() []byte { return dump(zstdAlone + 1<<20) }

func TestProgramsThatFail(t *testing.T) {
	tests := map[string]struct{ script, want string }{
		"at the beginning": {"echo no memory >&2; exit 3", ": exit status 3: no memory"},
		"at the end":       {"cat >/dev/null; echo disk is full >&2; exit 1", ": exit status 1: disk is full"},
		"in silence":       {"exit 7", ": exit status 7"},
		"killed":           {"kill -9 $$", ": killed by killed"},
		"says a lot":       {"yes something is wrong | head -n 100000 >&2; exit 2", ": exit status 2: "},
	}
	before := runtime.NumGoroutine()
	for name, test := range tests {
		for _, method := range []string{"zstd", "xz", "bzip2"} {
			t.Run(method+" "+name, func(t *testing.T) {
				err := writeAll(withTool(t, method, script(t, method, test.script)), io.Discard, large())
				var exit *providers.ExitError
				if !errors.As(err, &exit) || !strings.Contains(err.Error(), method+test.want) || len(err.Error()) > programSays+200 {
					t.Errorf("error %.300q, want one with %q", err, test.want)
				}
			})
		}
	}
	settled(t, before)
}

// What a program leaves out is an error, where the format can show it.
func TestProgramThatStopsEarly(t *testing.T) {
	codec := withTool(t, "xz", script(t, "xz", "cat >/dev/null; printf abc"))
	if err := writeAll(codec, io.Discard, large()); err == nil || !strings.Contains(err.Error(), "what xz wrote has no end") {
		t.Error(err)
	}
}

func TestProgramThatCannotBeStarted(t *testing.T) {
	for _, method := range []string{"zstd", "xz", "bzip2"} {
		tool := &program{name: method, find: func() (string, string) { return filepath.Join(t.TempDir(), "gone"), "1.0" }}
		if err := writeAll(withTool(t, method, tool), io.Discard, large()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// A program that would go on for ever is killed and waited for when the stream is given up.
func TestAbortKillsPrograms(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, method := range []string{"zstd", "xz", "bzip2"} {
		t.Run(method, func(t *testing.T) {
			begun := filepath.Join(t.TempDir(), "begun")
			if err := syscall.Mkfifo(begun, 0o600); err != nil {
				t.Fatal(err)
			}
			writer, err := withTool(t, method, script(t, method, fmt.Sprintf("echo $$ >%q; exec sleep 1000", begun))).NewWriter(io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			result := make(chan error)
			go func() {
				_, err := writer.Write(bytes.Repeat(large(), 3))
				result <- errors.Join(err, writer.Close())
			}()
			said, err := os.ReadFile(begun)
			if err != nil {
				t.Fatal(err)
			}
			writer.(providers.Aborter).Abort(errGivenUp)
			if err := <-result; !errors.Is(err, errGivenUp) {
				t.Error(err)
			}
			for _, line := range strings.Fields(string(said)) {
				process, err := strconv.Atoi(line)
				if err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(process, 0); err != syscall.ESRCH {
					t.Errorf("process %d is there: %v", process, err)
				}
			}
		})
	}
	settled(t, before)
}

// A sink that fails ends the program too.
func TestFailingSinkOfPrograms(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, method := range []string{"zstd", "xz", "bzip2"} {
		testenv.Need(t, method)
		for _, left := range []int{0, 5, 1000, 100_000} {
			out := &failingWriter{left: left}
			if err := writeAll(mustCodec(t, method, 1), out, large()); !errors.Is(err, errDisk) || out.after > 0 {
				t.Errorf("%s after %d: %v, and %d bytes more", method, left, err, out.after)
			}
		}
	}
	settled(t, before)
}

func TestImplementation(t *testing.T) {
	for _, method := range []string{"zstd", "xz", "bzip2"} {
		testenv.Need(t, method)
		said := mustCodec(t, method, providers.DefaultLevel).(providers.Implemented).Implementation()
		var version string
		var count int
		var what string
		if n, err := fmt.Sscanf(said, method+" %s %d %s", &version, &count, &what); n != 3 || err != nil || count != runtime.GOMAXPROCS(0) {
			t.Errorf("%s: %q", method, said)
		}
		if said := withTool(t, method, noProgram()).Implementation(); said != pureGo() {
			t.Errorf("%s without a program: %q", method, said)
		}
	}
	if said := mustCodec(t, "gzip", 6).(providers.Implemented).Implementation(); said != pureGo() {
		t.Error(said)
	}
	if said := mustCodec(t, "none", 0).(providers.Implemented).Implementation(); said != "" {
		t.Error(said)
	}
}

// Only the reference tool is taken for it.
func TestOtherProgramsOfTheName(t *testing.T) {
	tests := map[string]struct {
		script string
		want   string
	}{
		"reference": {"echo 'xz (XZ Utils) 5.8.1'; echo 'liblzma 5.8.1'", "5.8.1"},
		"alpha":     {"echo 'xz (XZ Utils) 5.9.0alpha'", "5.9.0"},
		"BusyBox":   {"echo 'BusyBox v1.37.0 multi-call binary.' >&2; exit 1", ""},
		"silent":    {"exit 0", ""},
		"broken":    {"echo 'xz (XZ Utils) 5.8.1'; exit 127", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path, _ := script(t, "xz", test.script).find()
			t.Setenv("PATH", filepath.Dir(path)+":/bin:/usr/bin")
			if found, version := xzProgram().find(); version != test.want || (found == path) != (test.want != "") {
				t.Errorf("%q %q", found, version)
			}
		})
	}
	t.Setenv("PATH", "")
	if found, _ := xzProgram().find(); found != "" {
		t.Errorf("found %q on an empty PATH", found)
	}
}

// Options that people keep in the environment for themselves change nothing.
func TestOptionsInTheEnvironment(t *testing.T) {
	input := large()
	stored := map[string][]byte{}
	for _, method := range []string{"zstd", "xz", "bzip2"} {
		testenv.Need(t, method)
		stored[method] = compress(t, mustCodec(t, method, 1), input)
	}
	for name, value := range map[string]string{"XZ_OPT": "-v --nonsense", "XZ_DEFAULTS": "--nonsense", "BZIP2": "--nonsense", "BZIP": "-1", "ZSTD_CLEVEL": "19", "ZSTD_NBTHREADS": "1"} {
		t.Setenv(name, value)
	}
	for method, want := range stored {
		if got := compress(t, mustCodec(t, method, 1), input); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes instead of %d", method, len(got), len(want))
		}
	}
}

// A program that has ended leaves its context's watcher behind, or it would stay for ever.
func TestProcessWriterEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	writer, err := newProcessWriter(ctx, io.Discard, script(t, "cat", "cat"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(writer.Close(), writer.Close()); err != nil {
		t.Error(err)
	}
	settled(t, before)
}

// TestStreamWriters: what is written as a long stream is the same format, by the program where that is how long ones are written.
func TestStreamWriters(t *testing.T) {
	data := dump(100_000)
	for _, method := range append(formats(), "none") {
		codec := mustCodec(t, method, providers.DefaultLevel)
		var stored bytes.Buffer
		writer, err := codec.(providers.Streaming).NewStreamWriter(&stored)
		if err != nil {
			t.Fatal(err)
		}
		_, err = writer.Write(data)
		if err = errors.Join(err, writer.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := decompress(codec, &stored); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", method, len(got), err)
		}
	}
	broken := withTool(t, "zstd", script(t, "zstd", "cat >/dev/null; echo no room >&2; exit 3"))
	writer, err := broken.NewStreamWriter(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("the program was not asked: %v", err)
	}
}
