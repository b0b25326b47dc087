package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/rdb"
	"github.com/castrolanda/imsctl/internal/resp"
	"github.com/castrolanda/imsctl/providers"
)

// inspectTimeout is how long the question may take what has become of a container.
const inspectTimeout = 20 * time.Second

// contained is a server in a container. Everything goes through redis-cli there: no port needs to be published.
type contained struct {
	containers providers.Containers
	in         providers.Runner
	name       string
	port       int64
	user       string
	password   string
	// certificates are files in the container; nil where TLS is not spoken.
	certificates *certificates
}

// String names the server for people.
func (c *contained) String() string { return fmt.Sprintf("the Redis server in container %q", c.name) }

// client is redis-cli in a container that runs.
type client struct {
	*contained
	path  string
	found providers.Container
}

// attend finds redis-cli in the container, which must run.
func (c *contained) attend(ctx context.Context) (*client, error) {
	found, err := providers.RunningContainer(ctx, c.containers, c.name)
	if err != nil {
		return nil, err
	}
	for _, program := range []string{"redis-cli", "valkey-cli"} {
		path, err := c.in.LookPath(ctx, program)
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		made := &client{contained: c, path: path, found: found}
		return made, made.check(ctx)
	}
	return nil, fmt.Errorf("container %q has no redis-cli: reach the server by its address instead", c.name)
}

// versionPattern finds the version in what redis-cli says of itself: "redis-cli 7.0.15 (git:…)".
var versionPattern = regexp.MustCompile(`-cli (\d+)\.`)

// check refuses a redis-cli that would ask for no password, or would not know users and TLS.
func (c *client) check(ctx context.Context) error {
	var output bytes.Buffer
	if err := c.in.Run(ctx, providers.Command{Arguments: []string{c.path, "--version"}, Stdout: &output, Framed: true}); err != nil {
		return fmt.Errorf("asking %s for its version: %w", c.path, err)
	}
	found := versionPattern.FindStringSubmatch(output.String())
	if found == nil {
		return fmt.Errorf("asking %s for its version: it said %q", c.path, strings.TrimSpace(output.String()))
	}
	version, _ := strconv.Atoi(found[1])
	needed := 4
	switch {
	case c.user != "" || c.certificates != nil:
		needed = 6
	case c.password != "":
		needed = 5
	}
	if version < needed {
		return fmt.Errorf("%s in container %q is of version %d, and this takes one of %d or later: reach the server by its address instead", c.path, c.name, version, needed)
	}
	return nil
}

// command is redis-cli with what it needs to get in, and more arguments.
func (c *client) command(arguments ...string) providers.Command {
	words := []string{c.path, "-p", strconv.FormatInt(c.port, 10)}
	if c.user != "" {
		words = append(words, "--user", c.user)
	}
	if c.certificates != nil {
		words = append(words, "--tls")
		for _, option := range []struct{ flag, value string }{
			{"--cacert", c.certificates.authorities}, {"--cert", c.certificates.certificate}, {"--key", c.certificates.key}, {"--sni", c.certificates.server},
		} {
			if option.value != "" {
				words = append(words, option.flag, option.value)
			}
		}
	}
	command := providers.Command{Arguments: append(words, arguments...)}
	if c.password != "" || c.user != "" {
		command.Environment = []string{"REDISCLI_AUTH=" + c.password, "VALKEYCLI_AUTH=" + c.password}
	}
	return command
}

// ask runs a command of the server and returns its reply, as text.
func (c *client) ask(ctx context.Context, words ...string) (string, error) {
	command := c.command(words...)
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr, command.Framed = &output, &problems, true // a reply ends with a line's end
	if err := c.in.Run(ctx, command); err != nil {
		return "", c.explain(ctx, words[0], err)
	}
	// redis-cli says that the password is wrong, and goes on without one. Some versions print refusals as if they were replies.
	said, failed := failure(problems.String())
	if !failed {
		if at := codes.FindStringIndex(output.String()); at != nil && at[0] == 0 {
			said, failed = failure(output.String())
		}
	}
	if failed {
		return "", c.refused(words[0], said)
	}
	reply, whole := strings.CutSuffix(output.String(), "\n")
	if !whole {
		return "", fmt.Errorf("asking %s: its reply to %s has no end", c, words[0])
	}
	return reply, nil
}

// codes are what a server's refusals begin with.
var codes = regexp.MustCompile(`(?m)(?:^|[ :-])((?:NOAUTH|WRONGPASS|NOPERM|LOADING|MASTERDOWN|NOMASTERLINK|DENIED|OOM|READONLY|BUSYKEY|BUSY|MISCONF|EXECABORT|ERR) .*)$`)

// failure finds the refusal in what redis-cli printed.
func failure(printed string) (resp.Error, bool) {
	found := codes.FindStringSubmatch(printed)
	if found == nil {
		return "", false
	}
	return resp.Error(strings.TrimSpace(found[1])), true
}

// refused says what a server said, and what to do about it.
func (c *contained) refused(command string, said resp.Error) error {
	return refused(c, command, said, c.user, c.password)
}

// explain says what it means that redis-cli failed.
func (c *client) explain(ctx context.Context, command string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	asking, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	if became := providers.SinceThen(asking, c.containers, c.found); became != "" {
		return fmt.Errorf("%s: %s failed: the container %s", c, command, became)
	}
	var exit *providers.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w", c, err)
	}
	if said, failed := failure(exit.Stderr); failed {
		return c.refused(command, said)
	}
	copied := *exit
	copied.Stderr = quoted(exit.Stderr, c.password)
	return fmt.Errorf("%s: %s failed: %w", c, command, &copied)
}

// info asks the server what it says of itself.
func (c *contained) info(ctx context.Context) (facts, error) {
	client, err := c.attend(ctx)
	if err != nil {
		return nil, err
	}
	text, err := client.ask(ctx, "INFO")
	if err != nil {
		return nil, err
	}
	found, err := parseFacts(text)
	if err != nil {
		return nil, fmt.Errorf("asking %s what it is: %w", c, err)
	}
	return found, nil
}

// claim does nothing: the lock of a server in a container is on the host of the container. See Config.Claim.
func (*contained) claim(ctx context.Context, _ string) (context.Context, func(), error) {
	return ctx, func() {}, nil
}

// snapshot has redis-cli ask for a snapshot as a replica does, and scans what it writes. Where the server sends one while it
// makes it, redis-cli passes the mark at its end on.
func (c *contained) snapshot(ctx context.Context, options rdb.Options) (rdb.Snapshot, *providers.Container, error) {
	client, err := c.attend(ctx)
	if err != nil {
		return rdb.Snapshot{}, nil, err
	}
	options.MarkFollows = true
	reader, writer := io.Pipe()
	var found rdb.Snapshot
	var scanErr error
	var scanning sync.WaitGroup
	scanning.Go(func() {
		found, scanErr = rdb.Scan(reader, options)
		// What redis-cli still writes has nobody who reads it.
		_ = reader.CloseWithError(scanErr)
	})
	command := client.command("--rdb", "-")
	command.Stdout, command.Framed = writer, true
	runErr := c.in.Run(ctx, command)
	// Without an error, the end of what it wrote.
	_ = writer.CloseWithError(runErr)
	scanning.Wait()
	switch {
	case scanErr != nil && (runErr == nil || !errors.Is(scanErr, runErr)) && ctx.Err() == nil:
		return rdb.Snapshot{}, nil, fmt.Errorf("reading from %s: %w", c, scanErr)
	case runErr != nil:
		return rdb.Snapshot{}, nil, client.explain(ctx, "redis-cli --rdb", runErr)
	}
	return found, &client.found, nil
}
