package postgres

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// dropTimeout is how long the removal of a half-restored database may take.
const dropTimeout = 30 * time.Second

// newRestorer makes the restorer for a target.
func newRestorer(environment providers.Environment, target providers.Target) (providers.Restorer, error) {
	if target.Kind != providers.TargetPostgres {
		return nil, fmt.Errorf("a dump of a PostgreSQL database cannot be restored to a %s: restore it to a database, a file or standard output", target.Kind)
	}
	if len(target.Paths) > 0 {
		return nil, errors.New("a dump of a PostgreSQL database has no paths: name tables or schemas")
	}
	// Two restores must not end each other's sessions.
	r := &restorer{target: target, application: "imsctl-restore-" + rand.Text()}
	for _, name := range target.Tables {
		wanted, err := parseWanted(name)
		if err != nil {
			return nil, err
		}
		r.tables = append(r.tables, wanted)
	}
	return r, r.locate(environment)
}

// locate finds out what place the target is.
func (r *restorer) locate(environment providers.Environment) error {
	host, err := environment.Hosts(r.target.Host)
	if err != nil {
		return err
	}
	if r.target.Container != "" {
		containers, err := environment.Containers(host)
		if err != nil {
			return fmt.Errorf("the target: %w", err)
		}
		r.container = &contained{containers: containers, host: host.Name(), name: r.target.Container,
			user: r.target.User, password: r.target.Password, database: r.target.Database, in: containers.In(r.target.Container)}
		r.place, r.database = r.container, r.target.Database
		return nil
	}
	address, err := parseURL(r.target.Location)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	address.host = host
	if !r.target.Host.IsZero() {
		address.dialer, _ = host.(providers.Dialer)
	}
	if r.target.Database != "" {
		address = address.in(r.target.Database)
	}
	r.place, r.database = address, address.config.Database
	return nil
}

// restorer implements providers.Restorer with psql. A dump goes into a database as one transaction. What is restored over a
// database goes into a new one beside it first; the two then change their names in one transaction.
type restorer struct {
	target providers.Target
	tables []wanted
	place  place
	// container is set where the server runs in one.
	container *contained
	database  string
	// application is the name of its sessions.
	application string

	// What Prepare found: the programs, the server, whether the database is there, and whether all of it is to be replaced.
	psql             program
	server           version
	exists, replaces bool
}

// partial reports whether only some of a dump is wanted.
func (r *restorer) partial() bool { return len(r.tables)+len(r.target.Schemas) > 0 }

// Prepare checks that the database is empty, is not there, or may be replaced, and that the server has what the dump needs.
func (r *restorer) Prepare(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	return r.met(ctx)
}

// look finds the programs and looks at the database.
func (r *restorer) look(ctx context.Context) (err error) {
	if r.container != nil {
		if r.container, err = r.container.attend(ctx); err != nil {
			return err
		}
		r.place = r.container
	}
	if r.psql, err = findProgram(ctx, r.place.runner(), "psql"); err != nil {
		return err
	}
	session, err := r.place.open(ctx, r.application)
	if err != nil {
		if r.exists, err = r.isThere(ctx, err); err != nil {
			return err
		}
		return r.mayCreate(ctx)
	}
	defer session.close(ctx)
	r.exists = true
	facts, err := askFacts(ctx, session)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", r.place, err)
	}
	r.server = facts.version
	if r.partial() {
		return r.partsFree(ctx, session)
	}
	found, err := contents(ctx, session)
	switch {
	case err != nil:
		return fmt.Errorf("looking at %s: %w", r.place, err)
	case len(found) == 0:
		return nil
	case !r.target.Overwrite:
		return r.occupied(found)
	}
	r.replaces = true
	return r.mayReplace(ctx, session)
}

// occupied is what Prepare says of things that are in the way.
func (r *restorer) occupied(found []string) error {
	advice := "name a database that does not exist, or an empty one"
	if r.partial() {
		advice = "restore them into another database"
	}
	return &providers.OccupiedError{Target: r.place.String(), Holds: found, Advice: advice}
}

// isThere decides what a failed connection means: the error, or that the database does not exist.
func (r *restorer) isThere(ctx context.Context, failed error) (bool, error) {
	session, err := r.administration(ctx)
	if err != nil {
		return false, failed
	}
	defer session.close(ctx)
	found, err := number(ctx, session, "select count(*) from pg_database where datname = "+sqlText(r.database))
	if err != nil || found > 0 {
		return found > 0, failed
	}
	facts, err := askFacts(ctx, session)
	r.server = facts.version
	return false, err
}

// Restore runs the dump.
func (r *restorer) Restore(ctx context.Context, dump io.Reader) (restored providers.Restored, err error) {
	text, finish := asText(ctx, r.place.runner(), dump)
	defer finish()
	sql := bufio.NewReaderSize(text, copySize)
	input, found, err := r.plan(ctx, sql)
	if err != nil {
		return restored, fmt.Errorf("restoring into %s: %w (the server is as it was before)", r.place, err)
	}
	switch {
	case r.replaces:
		restored, err = r.replace(ctx, input)
	case r.exists:
		if err = r.into(ctx, r.place, input); err != nil {
			err = r.undone(err, r.left(ctx))
		}
	default:
		err = r.make(ctx, input)
	}
	if err != nil {
		return restored, r.explain(err, found)
	}
	if input.counted > 0 {
		restored.Notes = append(restored.Notes, fmt.Sprintf("the rows of %s are as many as were backed up", tablesOf(input.counted)))
	}
	return restored, nil
}

// plan reads the beginning of a dump and makes from it what psql reads.
func (r *restorer) plan(ctx context.Context, sql *bufio.Reader) (*restoring, *survey, error) {
	head, err := readBeginning(sql)
	if err != nil {
		return nil, nil, err
	}
	found, err := surveyOf(head)
	if err != nil {
		return nil, nil, err
	}
	selected, err := r.check(ctx, found)
	if err != nil {
		return nil, nil, err
	}
	return transaction(io.MultiReader(strings.NewReader(head), sql), selected), found, nil
}

func tablesOf(n int) string {
	if n == 1 {
		return "1 table"
	}
	return fmt.Sprintf("%d tables", n)
}

// explain adds what a dump of another version is likely to have to do with a failure.
func (r *restorer) explain(err error, found *survey) error {
	if newest := max(found.server.major, found.dumper.major); r.server.major > 0 && newest > r.server.major {
		return fmt.Errorf("%w; the dump was made by pg_dump %s from a server %s and this one is %s, which may not know all that is in it: restore to a server of version %d or later",
			err, found.dumper.text, found.server.text, r.server.text, newest)
	}
	return err
}

// make makes the database and restores into it. When that fails, there is none again.
func (r *restorer) make(ctx context.Context, input *restoring) error {
	if err := r.create(ctx, r.database, "template template0"); err != nil {
		return err
	}
	err := r.into(ctx, r.place, input)
	if err != nil {
		err = r.undone(err, r.drop(ctx, r.database))
	}
	return err
}

// into runs the transaction in a database.
func (r *restorer) into(ctx context.Context, at place, input *restoring) error {
	var said ending
	err := at.runner().Run(ctx, providers.Command{
		Arguments: []string{r.psql.path, "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
			"--file=-", "--dbname=" + at.conninfo()},
		Environment: at.environment(r.application),
		Stdin:       input,
		Stdout:      &said,
		Framed:      true, // without its last statement nothing is committed
	})
	if err == nil && !strings.Contains(string(said), input.mark) {
		err = errors.New("psql ended without an error and without a commit")
	}
	if err != nil {
		return fmt.Errorf("restoring into %s: %w", r.place, at.programError(err))
	}
	return nil
}

// undone says whether a failed restore has left anything.
func (r *restorer) undone(err, left error) error {
	if left != nil {
		return errors.Join(err, left)
	}
	return fmt.Errorf("%w (the server is as it was before)", err)
}

// left ends what is left of the restore's sessions, and reports what they left in a database that was empty.
func (r *restorer) left(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	if err := terminate(ctx, r.place, r.application); err != nil || r.partial() {
		return err
	}
	session, err := r.place.open(ctx, r.application)
	if err != nil {
		return err
	}
	defer session.close(ctx)
	found, err := contents(ctx, session)
	if err == nil && len(found) > 0 {
		return r.occupied(found)
	}
	return err
}

// ending keeps the last that was written to it.
type ending []byte

func (e *ending) Write(p []byte) (int, error) {
	const kept = 256
	*e = append((*e)[max(0, len(*e)-kept):], p[max(0, len(p)-kept):]...)
	return len(p), nil
}
