package docker

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// framed is a command whose streams tell their ends.
func framed(words ...string) providers.Command {
	return providers.Command{Arguments: words, Framed: true}
}

// TestAContainerWithoutAShell runs what can be run where there is only a program.
func TestAContainerWithoutAShell(t *testing.T) {
	server := testenv.Docker(t)
	// Without the folders that other tests share with their containers: to look at a file an engine mounts all of them.
	server.Run(t, "run", "--detach", "--network", "none", "--name", "box", testenv.Tiny)
	// Its shell is gone, as in an image that never had one.
	server.Run(t, "exec", "box", "busybox", "rm", "/bin/sh")
	box := reach(t, server).In("box")

	t.Run("what nobody can vouch for", func(t *testing.T) {
		err := box.Run(t.Context(), providers.Command{Arguments: []string{"true"}})
		if !errors.Is(err, errNoShell) || !strings.Contains(err.Error(), "reach what runs there by its address") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("streams", func(t *testing.T) {
		content := strings.Repeat("a line that comes back\n", 100_000)
		var out strings.Builder
		command := framed("cat")
		command.Stdin, command.Stdout = strings.NewReader(content), &out
		if err := box.Run(t.Context(), command); err != nil || out.String() != content {
			t.Errorf("%d bytes of %d came back, %v", out.Len(), len(content), err)
		}
	})
	t.Run("environment and folder", func(t *testing.T) {
		for _, test := range []struct{ program, want string }{{"env", "SAID=some thing\n"}, {"pwd", "/tmp\n"}} {
			var out strings.Builder
			command := framed(test.program)
			command.Environment, command.Directory, command.Stdout = []string{"SAID=some thing"}, "/tmp", &out
			if err := box.Run(t.Context(), command); err != nil || !strings.Contains(out.String(), test.want) {
				t.Errorf("%s: got %q, %v", test.program, out.String(), err)
			}
		}
	})
	t.Run("failures", func(t *testing.T) {
		err := box.Run(t.Context(), framed("ls", "/nowhere"))
		if exit := new(providers.ExitError); !errors.As(err, &exit) || exit.Code != 1 || !strings.Contains(exit.Stderr, "/nowhere") {
			t.Errorf("got %v", err)
		}
		if err := box.Run(t.Context(), framed("nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("a program that is not there: %v", err)
		}
		full := errors.New("full")
		command := framed("cat", "/bin/busybox")
		command.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
		if err := box.Run(t.Context(), command); !errors.Is(err, full) {
			t.Errorf("an output that fails: %v", err)
		}
	})
	t.Run("looking for programs", func(t *testing.T) {
		for program, want := range map[string]string{"cat": "/bin/cat", "/bin/busybox": "/bin/busybox"} {
			if found, err := box.LookPath(t.Context(), program); err != nil || found != want {
				t.Errorf("%s: got %q, %v", program, found, err)
			}
		}
		for _, program := range []string{"nowhere", "/etc/passwd", "/tmp"} {
			if found, err := box.LookPath(t.Context(), program); !errors.Is(err, exec.ErrNotFound) {
				t.Errorf("%s: got %q, %v", program, found, err)
			}
		}
	})
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		defer writer.Close()
		command := framed("cat")
		command.Stdin, command.Stdout = reader, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
		go io.WriteString(writer, "something\n")
		if err := box.Run(ctx, command); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("given up in vain", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		command := framed("tail", "-f", "/etc/passwd")
		command.Stdout = writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
		if err := box.Run(ctx, command); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "it runs on there until it ends by itself") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stopped meanwhile", func(t *testing.T) {
		command := framed("tail", "-f", "/etc/passwd")
		command.Stdout = &saidSomething{then: func() { server.Run(t, "kill", "box") }}
		if err := box.Run(t.Context(), command); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	})
}
