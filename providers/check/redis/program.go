package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// program asks a server with the redis-cli beside it.
type program struct {
	config *Config
	in     providers.Runner
}

func (p *program) ping(ctx context.Context) error {
	_, err := p.ask(ctx, "PING")
	return err
}

func (p *program) info(ctx context.Context) (string, error) { return p.ask(ctx, "INFO") }

// errEnough ends redis-cli when a key was found.
var errEnough = errors.New("a key was found")

// holds lets redis-cli list the keys until there is one.
func (p *program) holds(ctx context.Context, pattern string) (bool, error) {
	found := &sign{}
	listing, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	found.seen = func() { enough(errEnough) }
	err := p.run(listing, found, "--scan", "--pattern", pattern)
	if found.any {
		return true, nil
	}
	return false, err
}

func (*program) close() error { return nil }

func (p *program) ask(ctx context.Context, words ...string) (string, error) {
	var output bytes.Buffer
	if err := p.run(ctx, &output, words...); err != nil {
		return "", err
	}
	return strings.TrimSpace(output.String()), nil
}

// run runs redis-cli. With -e an answer that is an error gives an exit status; versions before 7 say it on standard output
// and end with 0.
func (p *program) run(ctx context.Context, output io.Writer, words ...string) error {
	arguments := []string{"redis-cli", "--no-auth-warning", "--raw"}
	command := providers.Command{}
	if p.config.User != "" {
		arguments = append(arguments, "--user", p.config.User)
	}
	if p.config.Password != "" {
		command.Environment = []string{"REDISCLI_AUTH=" + p.config.Password}
	}
	answer := &refusals{next: output}
	command.Arguments, command.Stdout = append(arguments, words...), answer
	if err := p.in.Run(ctx, command); err != nil {
		return fmt.Errorf("asking the server in %s: %w", p.in.Name(), err)
	}
	if said := answer.refusal(); said != "" {
		return fmt.Errorf("asking the server in %s for %s: %s", p.in.Name(), words[0], said)
	}
	return nil
}

// sign notes whether anything was printed.
type sign struct {
	any  bool
	seen func()
}

func (s *sign) Write(p []byte) (int, error) {
	if len(p) > 0 && !s.any {
		s.any = true
		s.seen()
	}
	return len(p), nil
}

// refusals passes on what redis-cli prints, unless it begins as the refusal of a command does.
type refusals struct {
	next io.Writer
	said []byte
	asks bool
}

// refused are the beginnings of what servers say when they refuse a command.
var refused = []string{"NOAUTH ", "WRONGPASS ", "NOPERM ", "LOADING ", "ERR ", "MASTERDOWN ", "AUTH failed:", "(error) "}

func (r *refusals) Write(p []byte) (int, error) {
	if !r.asks {
		r.asks = true
		for _, beginning := range refused {
			if strings.HasPrefix(string(p), beginning) {
				r.said = append(r.said, p...)
				return len(p), nil
			}
		}
	}
	if r.said != nil {
		return len(p), nil
	}
	return r.next.Write(p)
}

// refusal is what the server said when it refused, in one line, or nothing.
func (r *refusals) refusal() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(r.said)), "\n")
	return line
}
