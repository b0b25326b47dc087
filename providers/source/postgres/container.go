package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// running is the state of a container in which commands can be run.
const running = "running"

// contained is a database whose server runs in a container. Everything goes through programs there: no port is needed, and
// pg_dump is the server's own.
type contained struct {
	containers providers.Containers
	// host is the name of the machine.
	host           string
	name           string
	user, database string
	// password is empty where the server lets the role in without one.
	password string
	in       providers.Runner
	// found is the container as it was when a reading began.
	found providers.Container
}

// String names the database for people.
func (c *contained) String() string {
	return fmt.Sprintf("database %q in container %q as %s", c.database, c.name, c.user)
}

func (c *contained) runner() providers.Runner { return c.in }

func (c *contained) databaseName() string { return c.database }

// conninfo leaves the server to what the programs in the container take for it: its socket.
func (c *contained) conninfo() string {
	return "user=" + quoted(c.user) + " dbname=" + quoted(c.database)
}

func (c *contained) environment(application string) []string {
	variables := []string{"PGAPPNAME=" + application, "PGCONNECT_TIMEOUT=10"}
	if c.password != "" {
		variables = append(variables, "PGPASSWORD="+c.password)
	}
	return variables
}

func (c *contained) programError(err error) error {
	var exit *providers.ExitError
	if c.password == "" || !errors.As(err, &exit) {
		return err
	}
	copied := *exit
	copied.Stderr = c.redact(exit.Stderr)
	return &copied
}

// redact takes the password out of what somebody else says.
func (c *contained) redact(text string) string {
	if c.password == "" {
		return text
	}
	return strings.ReplaceAll(text, c.password, "…")
}

// attend is the place for one reading: the container as it is now, which must run.
func (c contained) attend(ctx context.Context) (*contained, error) {
	var err error
	if c.found, err = c.containers.Container(ctx, c.name); err != nil {
		return nil, fmt.Errorf("looking for container %q on %s: %w", c.name, c.host, err)
	}
	if c.found.State != running {
		return nil, fmt.Errorf("container %q on %s is %s: start it, or mend what keeps it from running", c.name, c.host, c.found.State)
	}
	return &c, nil
}

// open opens a session of psql's in the container.
func (c *contained) open(ctx context.Context, application string) (session, error) {
	path, err := c.in.LookPath(ctx, "psql")
	if err != nil {
		return nil, missingProgram(c.in, "psql", err)
	}
	opened, err := openPsql(ctx, c.in, path, c.conninfo(), c.environment(application))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return opened, nil
}

// explain turns a failed connection into one sentence.
func (c *contained) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connecting to %s: %w", c, context.Cause(ctx))
	}
	var exit *providers.ExitError
	if !errors.As(err, &exit) || exit.Stderr == "" {
		return fmt.Errorf("cannot connect to %s: %w", c, err)
	}
	said := strings.TrimPrefix(strings.Join(strings.Fields(c.redact(exit.Stderr)), " "), "psql: error: ")
	return fmt.Errorf("cannot connect to %s: %s; check user, password and database, and that the server lets the role in over its socket", c, said)
}

// gone holds when the container has stopped since: what ran in it has ended with it. An engine hears of that a moment later
// than those who had something to do with the container.
func (c *contained) gone(ctx context.Context, _ error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	for c.since(ctx) == "" {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(terminateInterval):
		}
	}
	return true
}

// since says what has happened to the container since the reading began, or nothing.
func (c *contained) since(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	return providers.SinceThen(ctx, c.containers, c.found)
}
