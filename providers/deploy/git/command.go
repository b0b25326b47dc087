package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// largestAnswer is how much git may answer where the answer is kept in memory, in bytes.
const largestAnswer = 256 << 20

// inherited are variables that point git at another repository than that of the folder it is started in: a program that is
// started by a hook of git has them.
var inherited = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
	"GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES", "GIT_LITERAL_PATHSPECS", "GIT_TRACE", "GIT_SHALLOW_FILE",
}

// settings hold for every command, whatever is configured. No process is left behind, and no output changes its form.
var settings = []string{
	"-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "-c", "core.warnAmbiguousRefs=true",
	"-c", "core.quotePath=false", "-c", "color.ui=false", "-c", "log.showSignature=false", "-c", "advice.detachedHead=false",
	"-c", "core.fsmonitor=false",
}

// call is one run of git.
type call struct {
	arguments   []string
	settings    []string // more pairs of "-c" and "name=value"
	environment []string
	assign      []string // variables that are no secrets and hold although they are inherited ones
	stdin       io.Reader
	stdout      io.Writer
	secrets     []string // never to be shown
	heard       *string  // gets what git said, also when it did not fail
}

// run runs git. A failure has its last words, without secrets.
func (r *Repository) run(ctx context.Context, c call) error {
	arguments := []string{"env"}
	for _, name := range inherited {
		arguments = append(arguments, "-u", name)
	}
	arguments = slices.Concat(arguments, c.assign, []string{"git"}, settings, c.settings, c.arguments)
	var said tail
	err := r.runner.Run(ctx, providers.Command{
		Arguments: arguments, Directory: r.directory, Stdin: c.stdin, Stdout: c.stdout, Stderr: &said,
		// The language decides how git's words are understood. An empty GIT_ASKPASS is a program that is not asked.
		Environment: append([]string{"LC_ALL=C", "LANGUAGE=C", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_PAGER=cat"}, c.environment...),
	})
	if c.heard != nil {
		*c.heard = redact(said.String(), c.secrets)
	}
	if exit := new(providers.ExitError); errors.As(err, &exit) {
		return &failure{command: c.arguments[0], code: exit.Code, signal: exit.Signal, said: redact(said.String(), c.secrets)}
	}
	return err
}

// bytes runs git and returns its answer.
func (r *Repository) bytes(ctx context.Context, arguments ...string) ([]byte, error) {
	return r.answer(ctx, call{arguments: arguments}, largestAnswer)
}

// text is bytes for an answer that is shown or compared.
func (r *Repository) text(ctx context.Context, arguments ...string) (string, error) {
	answer, err := r.bytes(ctx, arguments...)
	return string(answer), err
}

// answer runs git and returns what it writes, which may be so many bytes.
func (r *Repository) answer(ctx context.Context, c call, limit int64) ([]byte, error) {
	output := &bounded{limit: limit}
	c.stdout = output
	if err := r.run(ctx, c); err != nil {
		if output.over {
			return nil, fmt.Errorf("git %s: %w of %d bytes", c.arguments[0], errTooLarge, limit)
		}
		return nil, err
	}
	return output.Bytes(), nil
}

// bounded is a buffer that takes so many bytes and fails after that.
type bounded struct {
	bytes.Buffer
	limit int64
	over  bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.Len())+int64(len(p)) > b.limit {
		b.over = true
		return 0, errTooLarge
	}
	return b.Buffer.Write(p)
}

// ReadFrom would pass the limit by.
func (b *bounded) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}
