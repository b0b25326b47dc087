package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// directSession is a session over a connection of imsctl's own.
type directSession struct{ connection *pgx.Conn }

// open opens a session under an application name.
func (a *address) open(ctx context.Context, application string) (session, error) {
	connection, err := a.connect(ctx, application)
	if err != nil {
		return nil, err
	}
	return directSession{connection}, nil
}

func (s directSession) rows(ctx context.Context, sql string) ([][]string, error) {
	results, err := s.connection.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var list [][]string
	for _, result := range results {
		if result.Err != nil {
			return nil, result.Err
		}
		for _, row := range result.Rows {
			texts := make([]string, len(row))
			for i, field := range row {
				texts[i] = string(field)
			}
			list = append(list, texts)
		}
	}
	return list, nil
}

func (s directSession) exec(ctx context.Context, sql string) error {
	_, err := s.rows(ctx, sql)
	return err
}

func (s directSession) close(ctx context.Context) { disconnect(ctx, s.connection) }
