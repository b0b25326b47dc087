package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// freshPrefix begins the name of a database that a restore is under way in, replacedPrefix that of one that has been
	// replaced and is about to be dropped. Only a process that dies leaves one behind.
	freshPrefix    = "imsctl_restore_"
	replacedPrefix = "imsctl_replaced_"
	// objectInUse is the SQLSTATE of a database that has sessions.
	objectInUse = "55006"
	// sessionPatience is how long a session of others may take to end, as with the server itself (CountOtherDBBackends).
	sessionPatience = 5 * time.Second
	// renameAttempts is how often sessions are ended that come back at once.
	renameAttempts = 5
)

// in is another database of the same server.
func (a *address) in(database string) *address {
	other := *a
	other.config = a.config.Copy()
	other.config.Database = database
	return &other
}

// another is another database of the same server.
func (c *contained) another(database string) *contained {
	other := *c
	other.database = database
	return &other
}

// beside is another database of the target's server.
func (r *restorer) beside(database string) place {
	if r.container != nil {
		return r.container.another(database)
	}
	return r.place.(*address).in(database)
}

// administration opens a session in one of the databases that every server has, and that is not the target.
func (r *restorer) administration(ctx context.Context) (session, error) {
	var problems []error
	for _, name := range []string{"postgres", "template1"} {
		if name == r.database {
			continue
		}
		session, err := r.beside(name).open(ctx, r.application)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		// The role or that database may have settings that forbid it.
		for _, statement := range []string{"set default_transaction_read_only = off", noTimeouts} {
			if err := session.exec(ctx, statement); err != nil {
				session.close(ctx)
				return nil, err
			}
		}
		return session, nil
	}
	return nil, errors.Join(problems...)
}

// administer runs statements one by one.
func (r *restorer) administer(ctx context.Context, statements ...string) error {
	session, err := r.administration(ctx)
	if err != nil {
		return err
	}
	defer session.close(ctx)
	for _, sql := range statements {
		if err := session.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// mayCreate reports a role that may not make databases.
func (r *restorer) mayCreate(ctx context.Context) error {
	// In the words of the server's own refusal.
	const sql = `do $$ begin if not (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) then
		raise insufficient_privilege using message = 'permission denied to create database'; end if; end $$`
	if err := r.administer(ctx, sql); err != nil {
		return fmt.Errorf("making database %q: %w", r.database, err)
	}
	return nil
}

// mayReplace reports what would keep the database from being replaced.
func (r *restorer) mayReplace(ctx context.Context, session session) error {
	if err := r.mayCreate(ctx); err != nil {
		return fmt.Errorf("%w; what is restored over a database goes into a new one first, so the role needs that right", err)
	}
	owner, err := value(ctx, session, "select pg_has_role(datdba, 'USAGE') from pg_database where datname = current_database()")
	if err != nil {
		return fmt.Errorf("looking at %s: %w", r.place, err)
	}
	if owner != "t" {
		return fmt.Errorf("%s belongs to another role, and only its owner or a superuser can replace it", r.place)
	}
	return r.sessionsGone(ctx, session)
}

// sessionsGone reports the sessions of others, unless they are to be ended. One that is just ending is waited for.
func (r *restorer) sessionsGone(ctx context.Context, session session) error {
	if r.target.Force {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, sessionPatience)
	defer cancel()
	for {
		err := r.othersSessions(ctx, session)
		if err == nil {
			return nil
		}
		select {
		case <-waiting.Done():
			return err
		case <-time.After(terminateInterval):
		}
	}
}

// othersSessions reports the sessions of others.
func (r *restorer) othersSessions(ctx context.Context, session session) error {
	rows, err := session.rows(ctx, `select count(*), coalesce(string_agg(distinct coalesce(nullif(application_name, ''), 'a program without a name') || ' as ' || usename, ', '), '')
		from pg_stat_activity where datname = `+sqlText(r.database)+` and backend_type = 'client backend' and pid <> pg_backend_pid()
		and application_name is distinct from left(`+sqlText(r.application)+`, 63)`)
	if err != nil {
		return fmt.Errorf("looking for sessions in %s: %w", r.place, err)
	}
	if len(rows) == 1 && rows[0][0] != "0" {
		return r.inUse(rows[0][0], rows[0][1])
	}
	return nil
}

func (r *restorer) inUse(number, who string) error {
	noun := "sessions"
	if number == "1" {
		noun = "session"
	}
	return fmt.Errorf("%s has %s %s of others (%s): stop what uses it, or end them with -force", r.place, number, noun, who)
}

// create makes a database.
func (r *restorer) create(ctx context.Context, name, options string) error {
	if err := r.administer(ctx, "create database "+identifier(name)+" "+options); err != nil {
		return fmt.Errorf("making database %q: %w", name, err)
	}
	return nil
}

// drop ends all sessions in a database and drops it.
func (r *restorer) drop(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	err := r.administer(ctx, endSessions(name), "drop database if exists "+identifier(name))
	if err != nil {
		return fmt.Errorf("dropping database %q: %w", name, err)
	}
	return nil
}

// endSessions ends the sessions in a database.
func endSessions(name string) string {
	return "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = " + sqlText(name) + " and pid <> pg_backend_pid()"
}

func identifier(name string) string { return pgx.Identifier{name}.Sanitize() }

// replace restores into a new database beside the target, and lets the two change their names when all of it is there.
func (r *restorer) replace(ctx context.Context, input *restoring) (restored providers.Restored, err error) {
	unique := strings.ToLower(rand.Text()[:10])
	fresh, replaced := freshPrefix+unique, replacedPrefix+unique
	like, err := r.properties(ctx)
	if err != nil {
		return restored, err
	}
	if err := r.create(ctx, fresh, like); err != nil {
		return restored, err
	}
	if err := r.into(ctx, r.beside(fresh), input); err != nil {
		return restored, r.undone(err, r.drop(ctx, fresh))
	}
	restored.Warnings, err = r.exchange(ctx, fresh, replaced)
	if err != nil {
		return restored, r.undone(fmt.Errorf("giving the restored database its name: %w", err), r.drop(ctx, fresh))
	}
	restored.Notes = append(restored.Notes, fmt.Sprintf("%s was replaced in one step", r.place))
	if err := r.drop(ctx, replaced); err != nil {
		restored.Warnings = append(restored.Warnings, fmt.Sprintf("what was there before is still on the server as database %q and can be dropped by hand: %v", replaced, err))
	}
	return restored, nil
}

// exchange gives the fresh database the settings and the name of the target, and the target another name, as one transaction.
func (r *restorer) exchange(ctx context.Context, fresh, replaced string) (warnings []string, err error) {
	session, err := r.administration(ctx)
	if err != nil {
		return nil, err
	}
	defer session.close(ctx)
	for attempt := 1; ; attempt++ {
		warnings, err = r.attemptExchange(ctx, session, fresh, replaced)
		var refused *pgconn.PgError
		if err == nil || !errors.As(err, &refused) || refused.Code != objectInUse {
			return warnings, err
		}
		if rollbackErr := session.exec(ctx, "rollback"); rollbackErr != nil {
			return warnings, errors.Join(err, rollbackErr)
		}
		if inUse := r.sessionsGone(ctx, session); inUse != nil {
			return warnings, inUse
		}
		if attempt == renameAttempts {
			return warnings, fmt.Errorf("%w; sessions come back as soon as they are ended: stop what uses the database", err)
		}
	}
}

// attemptExchange is one attempt. The server waits five seconds for the sessions of others, and new ones wait for us.
func (r *restorer) attemptExchange(ctx context.Context, session session, fresh, replaced string) (warnings []string, err error) {
	if err := session.exec(ctx, "begin"); err != nil {
		return nil, err
	}
	if warnings, err = r.copySettings(ctx, session, fresh); err != nil {
		return nil, err
	}
	statements := []string{
		"alter database " + identifier(r.database) + " rename to " + identifier(replaced),
		"alter database " + identifier(fresh) + " rename to " + identifier(r.database),
		"commit",
	}
	if r.target.Force {
		statements = append([]string{endSessions(r.database)}, statements...)
	}
	for _, sql := range statements {
		if err := session.exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	return warnings, nil
}
