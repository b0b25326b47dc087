package compression

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// programPatience is how long a program may take to say its version, and to let go of its pipes once it has ended.
	programPatience = 30 * time.Second
	// programSays is how much of a program's last words is kept, in bytes.
	programSays = 4 << 10
)

// program is a format's reference tool on this machine. It is looked for once, when it is first needed.
type program struct {
	name string
	// says is a pattern of what the tool says of itself, with its version. A tool of the same name that says something else,
	// as BusyBox's do, is not taken for it.
	says string
	// find returns the path and the version of the tool; both are empty when it is not there.
	find func() (path, version string)
}

func newProgram(name, says string) *program {
	p := &program{name: name, says: says}
	p.find = sync.OnceValues(p.look)
	return p
}

// look asks the tool for its version.
func (p *program) look() (path, version string) {
	path, err := exec.LookPath(p.name)
	if err != nil {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), programPatience)
	defer cancel()
	command := p.command(ctx, path, "--version")
	// bzip2 says it on standard error, and what follows it is a file of nothing.
	said, err := command.CombinedOutput()
	found := regexp.MustCompile(p.says).FindSubmatch(said)
	if err != nil || found == nil {
		return "", ""
	}
	return path, string(found[1])
}

// installed tells whether the tool is there.
func (p *program) installed() bool {
	path, _ := p.find()
	return path != ""
}

// command prepares the tool, as leader of a group of its own, so that a signal from the terminal reaches it only through
// this program. Options in the environment (XZ_OPT, BZIP2, ZSTD_CLEVEL) must not change what it does.
func (p *program) command(ctx context.Context, path string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, path, arguments...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return command
}

// filter runs the tool over data and appends its output to out. When ctx ends it is killed and waited for.
func (p *program) filter(ctx context.Context, out, data []byte, arguments ...string) ([]byte, error) {
	output := &appender{to: out}
	err := p.filterInto(ctx, output, data, arguments...)
	return output.to, err
}

// filterInto is filter into a writer. If that takes no more, the tool is ended.
func (p *program) filterInto(ctx context.Context, output io.Writer, data []byte, arguments ...string) error {
	path, _ := p.find()
	command := p.command(ctx, path, arguments...)
	command.WaitDelay = programPatience
	said := &lastWords{}
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(data), output, said
	return p.ended(ctx, command.Run(), said)
}

// ended is what the end of the tool means.
func (p *program) ended(ctx context.Context, err error, said *lastWords) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("running %s: %w", p.name, err)
	}
	end := &providers.ExitError{Program: p.name, Code: exit.ExitCode(), Stderr: said.String()}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		end.Signal = status.Signal().String()
	}
	return end
}

// lastWords keeps the end of what is written to it.
type lastWords struct{ said []byte }

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.said = append(l.said, p...)
	if extra := len(l.said) - programSays; extra > 0 {
		l.said = append(l.said[:0], l.said[extra:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (l *lastWords) String() string { return strings.TrimSpace(string(l.said)) }

// describe says how a method is written: by the tool, in so many processes or threads, or by this program.
func (p *program) describe(ways string) string {
	if _, version := p.find(); version != "" {
		return fmt.Sprintf("%s %s, %s", p.name, version, ways)
	}
	return pureGo()
}

// pureGo says that this program does it by itself.
func pureGo() string { return "pure Go, " + several("thread", "threads") }

// several says that there is one for each processor.
func several(one, many string) string {
	if n := runtime.GOMAXPROCS(0); n > 1 {
		return fmt.Sprintf("%d %s", n, many)
	}
	return "1 " + one
}
