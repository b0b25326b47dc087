package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/castrolanda/imsctl/internal/resp"
	"github.com/castrolanda/imsctl/providers"
)

// connection asks a server over its port. It connects when it is first asked.
type connection struct {
	config *Config
	dialer providers.Dialer
	conn   net.Conn
	reader *bufio.Reader
}

func (c *connection) ping(ctx context.Context) error {
	_, err := c.ask(ctx, "PING")
	return err
}

func (c *connection) info(ctx context.Context) (string, error) { return text(c.ask(ctx, "INFO")) }

// holds looks through all keys until one matches (SCAN).
func (c *connection) holds(ctx context.Context, pattern string) (bool, error) {
	for cursor := "0"; ; {
		reply, err := c.ask(ctx, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000")
		if err != nil {
			return false, err
		}
		parts, ok := reply.([]resp.Reply)
		if !ok || len(parts) != 2 {
			return false, fmt.Errorf("%s answered SCAN with something else than a cursor and keys", c.config.Address)
		}
		keys, _ := parts[1].([]resp.Reply)
		if len(keys) > 0 {
			return true, nil
		}
		if cursor, err = text(parts[0], nil); err != nil || cursor == "0" {
			return false, err
		}
	}
}

func (c *connection) close() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

// ask sends a command and reads the reply. The end of ctx ends it, and the connection.
func (c *connection) ask(ctx context.Context, words ...string) (resp.Reply, error) {
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c.exchange(ctx, words...)
}

func (c *connection) exchange(ctx context.Context, words ...string) (resp.Reply, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := c.conn.Write(resp.AppendCommand(nil, words...))
	var reply resp.Reply
	if err == nil {
		reply, err = resp.ReadReply(c.reader)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("asking %s: %w", c.config.Address, context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("asking %s for %s: %w", c.config.Address, words[0], err)
	}
	return reply, nil
}

func (c *connection) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	conn, err := c.dialer.Dial(ctx, "tcp", c.config.Address)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", c.config.Address, err)
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	words := resp.Authentication(c.config.User, c.config.Password)
	if words == nil {
		return nil
	}
	_, err = c.exchange(ctx, words...)
	return err
}

// text is a reply that must be a text.
func text(reply resp.Reply, err error) (string, error) {
	if err != nil {
		return "", err
	}
	said, ok := reply.(string)
	if !ok {
		return "", errors.New("the server answered with something else than a text")
	}
	return said, nil
}
