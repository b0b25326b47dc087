package redis

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/castrolanda/imsctl/internal/resp"
)

// commands is a stream of commands on its way to a server.
type commands struct {
	w       *bufio.Writer
	scratch []byte
	count   int64
}

func newCommands(w io.Writer) *commands { return &commands{w: bufio.NewWriterSize(w, 64<<10)} }

// do adds one.
func (c *commands) do(words ...string) error {
	c.scratch = resp.AppendCommand(c.scratch[:0], words...)
	return c.write()
}

// doBytes adds one whose words are bytes.
func (c *commands) doBytes(words ...[]byte) error {
	c.scratch = resp.AppendCommand(c.scratch[:0], words...)
	return c.write()
}

func (c *commands) write() error {
	c.count++
	_, err := c.w.Write(c.scratch)
	return err
}

// load sends the commands that write gives, and reads the replies meanwhile. The first that fails ends it.
func (a *address) load(ctx context.Context, write func(*commands) error) error {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	token := rand.Text()
	var sent atomic.Bool
	var replyErr error
	var reading sync.WaitGroup
	reading.Go(func() {
		if replyErr = s.replies(token, &sent); replyErr != nil {
			// What is still sent has nobody who carries it out.
			_ = s.conn.Close()
		}
	})
	stream := newCommands(s.conn)
	err = write(stream)
	if err == nil {
		err = stream.do("ECHO", token)
	}
	if err == nil {
		err = stream.w.Flush()
	}
	if err == nil {
		sent.Store(true)
		err = s.raw.SetReadDeadline(time.Now().Add(patience))
	}
	if err != nil {
		// Ends the reading of replies, unless a reply is why the sending failed.
		s.close()
	}
	reading.Wait()
	var refused *refusalError
	switch {
	case errors.As(replyErr, &refused), err == nil:
		return replyErr
	case errors.Is(err, errSending):
		return s.broken(err)
	}
	return err
}

// replies reads those of all commands up to the echo of a token. While commands are still being sent a server may be silent for
// long: it has nothing to say.
func (s *session) replies(token string, sent *atomic.Bool) error {
	reader := bufio.NewReader(s.raw)
	for {
		if sent.Load() {
			if err := s.raw.SetReadDeadline(time.Now().Add(patience)); err != nil {
				return s.broken(err)
			}
		}
		reply, err := resp.ReadReply(reader)
		var failed resp.Error
		if errors.As(err, &failed) {
			return s.address.refused("a command of the restore", failed)
		}
		if err != nil {
			return s.broken(err)
		}
		if reply == token {
			return nil
		}
		// The replies of a transaction come as one.
		list, _ := reply.([]resp.Reply)
		for _, item := range list {
			if failed, ok := item.(resp.Error); ok {
				return s.address.refused("a command of the restore", failed)
			}
		}
	}
}

// ask runs a command and returns its reply as redis-cli prints it: items one a line.
func (a *address) ask(ctx context.Context, words ...string) (string, error) {
	s, err := a.open(ctx)
	if err != nil {
		return "", err
	}
	defer s.close()
	reply, err := s.command(words...)
	if err != nil {
		return "", err
	}
	return printed(reply), nil
}

func printed(reply resp.Reply) string {
	switch reply := reply.(type) {
	case string:
		return reply
	case int64:
		return strconv.FormatInt(reply, 10)
	case []resp.Reply:
		lines := make([]string, len(reply))
		for i, item := range reply {
			lines[i] = printed(item)
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

// pipeResult is what redis-cli --pipe says at its end.
var pipeResult = regexp.MustCompile(`errors: (\d+), replies: (\d+)`)

// load has redis-cli send the commands and count the replies.
func (c *contained) load(ctx context.Context, write func(*commands) error) error {
	client, err := c.attend(ctx)
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	stream := newCommands(writer)
	var writeErr error
	var writing sync.WaitGroup
	writing.Go(func() {
		if writeErr = write(stream); writeErr == nil {
			writeErr = stream.w.Flush()
		}
		_ = writer.CloseWithError(writeErr)
	})
	command := client.command("--pipe", "--pipe-timeout", strconv.Itoa(int(patience/time.Second)))
	var output, problems bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = reader, &output, &problems
	runErr := c.in.Run(ctx, command)
	_ = reader.CloseWithError(errSending)
	writing.Wait()
	said := pipeResult.FindStringSubmatch(output.String())
	failed, refused := failure("\n" + problems.String())
	switch {
	case refused:
		return c.refused("a command of the restore", failed)
	case writeErr != nil && !errors.Is(writeErr, errSending):
		return writeErr
	case runErr != nil:
		return client.explain(ctx, "redis-cli --pipe", runErr)
	case said == nil || said[1] != "0" || said[2] != strconv.FormatInt(stream.count, 10):
		return fmt.Errorf("%s: redis-cli --pipe did not say that all of %d commands were carried out: %s", c, stream.count, quoted(output.String()+problems.String(), c.password))
	}
	return nil
}

// ask runs a command with redis-cli.
func (c *contained) ask(ctx context.Context, words ...string) (string, error) {
	client, err := c.attend(ctx)
	if err != nil {
		return "", err
	}
	return client.ask(ctx, words...)
}

// errSending: the way to a server is closed.
var errSending = errors.New("the server takes nothing more")
