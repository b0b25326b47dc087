package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/castrolanda/imsctl/providers"
)

// compareRows counts the rows of every table and holds them against the recorded counts.
func compareRows(ctx context.Context, connection *pgx.Conn, expected map[string]int64, found *providers.Comparison) error {
	rows, err := connection.Query(ctx, relationsQuery+" order by 1, 2")
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (relation, error) {
		var one relation
		err := row.Scan(&one.schema, &one.name, &one.rows)
		return one, err
	})
	if err != nil {
		return err
	}
	counts := make(map[string]int64, len(list))
	for _, table := range list {
		if !table.rows {
			continue
		}
		var count int64
		if err := connection.QueryRow(ctx, "select count(*) from only "+table.sql()).Scan(&count); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		counts[table.String()] = count
	}
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		count, there := counts[name]
		found.Tables++
		found.Rows += count
		switch want := expected[name]; {
		case !there:
			found.Differences = append(found.Differences, fmt.Sprintf("%s is missing, the manifest says %d rows", name, want))
		case count != want:
			found.Differences = append(found.Differences, fmt.Sprintf("%s has %d rows, the manifest says %d", name, count, want))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, known := expected[name]; !known {
			found.Differences = append(found.Differences, fmt.Sprintf("%s has %d rows and is not in the manifest", name, counts[name]))
		}
	}
	return nil
}

// assert asks one query in a transaction that can change nothing, and says what is wrong with the answer. The error is for a
// connection that is gone.
func assert(ctx context.Context, connection *pgx.Conn, query string) (wrong string, err error) {
	transaction, err := connection.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return "", fmt.Errorf("asking an assertion: %w", err)
	}
	defer func() {
		if undo := transaction.Rollback(context.WithoutCancel(ctx)); err == nil && undo != nil {
			err = fmt.Errorf("asking an assertion: %w", undo)
		}
	}()
	answer, asked := answerOf(ctx, transaction, query)
	var refused *pgconn.PgError
	switch {
	case asked == nil && answer == "true":
		return "", nil
	case asked == nil:
		return fmt.Sprintf("assertion %s: the answer is %s", shown(query), answer), nil
	case errors.As(asked, &refused):
		return fmt.Sprintf("assertion %s: %s", shown(query), refused.Message), nil
	}
	return "", fmt.Errorf("asking the assertion %s: %w", shown(query), asked)
}

// answerOf puts the answer of a query into a word, or says in words why it is none.
func answerOf(ctx context.Context, transaction pgx.Tx, query string) (string, error) {
	rows, err := transaction.Query(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	if len(fields) != 1 || fields[0].DataTypeOID != pgtype.BoolOID {
		rows.Close()
		return "not one boolean", rows.Err()
	}
	var answers []pgtype.Bool
	for rows.Next() && len(answers) < 2 {
		var value pgtype.Bool
		if err := rows.Scan(&value); err != nil {
			return "", err
		}
		answers = append(answers, value)
	}
	more := rows.Next()
	rows.Close()
	if err := rows.Err(); err != nil {
		return "", err
	}
	switch {
	case len(answers) == 0:
		return "no row", nil
	case len(answers) > 1 || more:
		return "more than one row", nil
	case !answers[0].Valid:
		return "null", nil
	case answers[0].Bool:
		return "true", nil
	}
	return "false", nil
}

// shown is a query in one line of bounded length.
func shown(query string) string {
	const most = 120
	text := []rune(strings.Join(strings.Fields(query), " "))
	if len(text) > most {
		text = append(text[:most], '…')
	}
	return fmt.Sprintf("%q", string(text))
}
