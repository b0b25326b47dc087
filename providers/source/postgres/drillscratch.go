package postgres

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

// scratch implements providers.Scratch: a database of one drill.
type scratch struct {
	*driller
	name     string
	restorer providers.Restorer
	// roles are those that the server has.
	roles    map[string]bool
	warnings []string
}

// create makes the database and looks at the server.
func (s *scratch) create(ctx context.Context, connection *pgx.Conn) (err error) {
	if s.roles, err = names(ctx, connection, "select rolname from pg_roles"); err != nil {
		return err
	}
	others, err := names(ctx, connection, "select datname from pg_database where datname like $1 and datname <> $2",
		strings.ReplaceAll(providers.ScratchPrefix, "_", `\_`)+"%", s.name)
	if err != nil {
		return err
	}
	if err := s.driller.create(ctx, connection, s.name); err != nil {
		return err
	}
	s.noteOthers(others)
	return nil
}

// noteOthers tells of scratch databases that are not of this run. They may be in use: only who made them may drop them.
func (s *scratch) noteOthers(others map[string]bool) {
	var left []string
	for name := range others {
		if !providers.SameRun(name, s.name) {
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		s.warnings = append(s.warnings, fmt.Sprintf("%s has scratch databases of another run: %s; drop them by hand if no other drill is running there",
			s.Location(), strings.Join(left, ", ")))
	}
}

// names collects a column of names.
func names(ctx context.Context, connection *pgx.Conn, sql string, arguments ...any) (map[string]bool, error) {
	rows, err := connection.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(list))
	for _, name := range list {
		found[name] = true
	}
	return found, nil
}

// Restore implements providers.Scratch. What the dump needs and the server lacks the restorer tells before anything is restored.
func (s *scratch) Restore(ctx context.Context, dump io.Reader) error {
	text, finish := asText(ctx, s.server.host, dump)
	defer finish()
	ownerless := newOwnerless(text, s.roles)
	restored, err := s.restorer.Restore(ctx, ownerless)
	s.warnings = append(s.warnings, restored.Warnings...)
	if absent := ownerless.absent(); len(absent) > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("the server %s lacks roles that the dump names, so that nothing was given to them: %s",
			s.Location(), strings.Join(absent, ", ")))
	}
	return err
}

// Warnings implements providers.Scratch.
func (s *scratch) Warnings() []string { return s.warnings }

// Close implements providers.Scratch.
func (s *scratch) Close(ctx context.Context) error {
	return s.Remove(context.WithoutCancel(ctx), s.name)
}

// Compare implements providers.Scratch.
func (s *scratch) Compare(ctx context.Context, expected providers.DrillExpectation) (providers.Comparison, error) {
	connection, err := s.server.in(s.name).connect(ctx, drillApplication)
	if err != nil {
		return providers.Comparison{}, err
	}
	defer disconnect(ctx, connection)
	if _, err := connection.Exec(ctx, noTimeouts); err != nil {
		return providers.Comparison{}, err
	}
	var found providers.Comparison
	if expected.RowCounts == nil {
		s.warnings = append(s.warnings, "no rows were counted when the backup was taken (row_counts = false): none are compared")
	} else if err := compareRows(ctx, connection, expected.RowCounts, &found); err != nil {
		return providers.Comparison{}, fmt.Errorf("counting what was restored: %w", err)
	}
	for _, query := range s.assertions {
		wrong, err := assert(ctx, connection, query)
		if err != nil {
			return providers.Comparison{}, err
		}
		found.Assertions++
		if wrong != "" {
			found.Differences = append(found.Differences, wrong)
		}
	}
	return found, nil
}
